"""Records for the tests of storage."""

from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.demo.documents import make_cpf
from bot.domain.candidate import Change, Update
from bot.domain.conversation import (
    Attendant,
    Chat,
    Conversation,
    ConversationEvent,
    EventKind,
    Identification,
    Identity,
    Transfer,
)
from bot.domain.outgoing import Outgoing, OutgoingKind, Priority
from bot.domain.question import Question, Subject
from bot.domain.registration import (
    ChangeSource,
    ErpRef,
    ErpValue,
    Kind,
    Phones,
    Provenance,
    Registration,
    Status,
)

# The database keeps milliseconds.
NOW = datetime(2026, 11, 24, 15, 30, 1, 234_000, tzinfo=UTC)
CPF = make_cpf(390533447)
RUI = Attendant(id=9, name="Rui")
TRANSFERRED = ConversationEvent(
    at=NOW, by="user:9", what=EventKind.TRANSFERRED, detail="A → B: motivo"
)
TRANSFER = Transfer(
    at=NOW, by=RUI, reason="x", question=5, from_department="atendimento", from_group=-100
)


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
        "customer": identification(values, identity=Identity.UNVERIFIED, name="Ana"),
        "opened_at": NOW,
    }
    return Conversation(**required | values)


def chat(chat_id: int, **values: Any) -> Chat:
    return Chat(id=chat_id, customer=identification(values), **values)


def identification(values: dict[str, Any], **defaults: Any) -> Identification:
    """Take the fields of an identification out of the values; return it."""
    taken = [one.name for one in fields(Identification) if one.name in values]
    return Identification(**defaults | {name: values.pop(name) for name in taken})


def full_registration() -> Registration:
    mobile = "+5549999998888"
    return registration(
        trade_name="Ana Flores",
        phones=Phones(commercial="+554933334444", home="+554933335555", mobile=mobile),
        email="ana@example.com",
        status=Status.INACTIVE,
        kinds=frozenset(Kind),
        tags=frozenset(("b", "a", "c")),
        traits=("surda", "cadeirante"),
        alert_traits=True,
        priority_departments=frozenset(("vendas", "suporte")),
        fixed_note="<b>Cuidado</b> com o cão.\n$set . \x01",
        erp_refs=frozenset(
            (ErpRef(system="ixc", table="cliente", id="7"), ErpRef(system="omie", id="7"))
        ),
        chat_phones=frozenset((mobile,)),
        erp_values=frozenset(
            (ErpValue(path="email", value=None), ErpValue(path="phones.mobile", value="+1"))
        ),
        updated=provenance().model_copy(update={"job": "j1", "at": after(days=1)}),
        version=7,
    )


def question(**values: Any) -> Question:
    required = {
        "group_id": -100,
        "message_id": 7,
        "about": Subject.REASON,
        "conversation_id": "c1",
        "asked": RUI,
        "asked_at": NOW,
    }
    return Question(**required | values)
