"""Records for the tests of storage."""

from datetime import UTC, datetime, timedelta
from typing import Any

from bot.demo.documents import make_cpf
from bot.domain.candidate import Change, Update
from bot.domain.conversation import Conversation, Identity
from bot.domain.outgoing import Outgoing, OutgoingKind, Priority
from bot.domain.registration import ChangeSource, Kind, Provenance, Registration

# The database keeps milliseconds.
NOW = datetime(2026, 11, 24, 15, 30, 1, 234_000, tzinfo=UTC)
CPF = make_cpf(390533447)


def after(**spans: float) -> datetime:
    return NOW + timedelta(**spans)


def provenance(by: str = "admin:1", at: datetime = NOW) -> Provenance:
    return Provenance(at=at, by=by, way=ChangeSource.CHAT)


def registration(**values: Any) -> Registration:
    required = {
        "id": "r1",
        "tax_id": CPF,
        "name": "Ana",
        "kinds": frozenset((Kind.CUSTOMER,)),
        "created": provenance(),
        "updated": provenance(),
    }
    return Registration.model_validate(required | values)


def renaming(before: Registration, name: str, by: str = "admin:1", at: datetime = NOW) -> Update:
    changed = before.with_values({"name": name}, updated=provenance(by, at))
    return Update(before, changed, (Change("name", before.name, name),))


def outgoing(number: int = 1, **values: Any) -> Outgoing:
    required = {
        "id": str(number),
        "chat_id": -100,
        "conversation_id": "c1",
        "what": OutgoingKind.TEXT,
        "priority": Priority.CUSTOMER,
        "order": number,
        "put_at": NOW,
        "html": f"<b>{number}</b>",
    }
    return Outgoing.model_validate(required | values)


def conversation(number: int = 1, **values: Any) -> Conversation:
    required = {
        "id": f"c{number}",
        "protocol": f"20261124-{number:06d}",
        "chat_id": number,
        "department_id": "atendimento",
        "group_id": -100,
        "identity": Identity.UNVERIFIED,
        "shown_name": "Ana",
        "opened_at": NOW,
    }
    return Conversation.model_validate(required | values)
