"""Titular: the person whom the data are about, and what is left once they are anonymised."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from bot.domain.audit import AuditEntry, Event
from bot.domain.conversation import Chat, Conversation
from bot.domain.phone import show_phone
from bot.domain.registration import Phones, Portal, Provenance, Registration
from bot.domain.search import fold
from bot.domain.tax_id import TaxId

ANONYMISED_NAME: Final = "Cadastro anonimizado"
"""In the place of every name: people read it in lists."""
NO_CHAT: Final = "chat:0"
"""A `Provenance.by` of a person who is not told any more."""
_NAMES: Final = ("name", "trade_name", "portal.username")
_CHAT: Final = "chat-"
_CONVERSATION: Final = "conv-"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredUpdate:
    """A message of the person that is still in the inbox."""

    received_at: datetime
    is_set_aside: bool
    """It failed for good; else it waits for its turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces:
    """Everything that is stored about one person."""

    tax_id: TaxId | None
    registration: Registration | None
    deleted: tuple[Registration, ...] = ()
    """Copies that the audit keeps of registrations that were deleted."""
    chats: tuple[Chat, ...] = ()
    """Those that are linked to the person, and those that were and are linked to nobody now."""
    chats_of_others: tuple[Chat, ...] = ()
    """Those in which the person was served, and that are somebody else's now."""
    conversations: tuple[Conversation, ...] = ()
    """Newest first."""
    entries: tuple[AuditEntry, ...] = ()
    """Newest first."""
    updates: tuple[StoredUpdate, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.registration or self.deleted or self.chats or self.conversations)

    @property
    def registration_ids(self) -> tuple[str, ...]:
        """The one that is there comes last."""
        there = (self.registration.id,) if self.registration else ()
        gone = [one.id for one in self.deleted if one.id not in there]
        return (*dict.fromkeys(gone), *there)

    @property
    def handle(self) -> str:
        """A name for the person without the document, for a button: of what is emptied last."""
        if self.registration_ids:
            return self.registration_ids[-1]
        if self.chats:
            return f"{_CHAT}{self.chats[-1].id}"
        return f"{_CONVERSATION}{self.conversations[-1].id}"

    @property
    def version(self) -> int:
        """Of the registration that is there; 0 when none is."""
        return self.registration.version if self.registration else 0

    @property
    def open_conversation(self) -> Conversation | None:
        return next((one for one in self.conversations if one.is_open), None)

    @property
    def is_anonymised(self) -> bool:
        """Nothing has been written about the person since it was done."""
        done = [entry for entry in self.entries if entry.event is Event.ANONYMISED]
        if self.registration:
            now = (self.registration.id, self.registration.version)
            return any((entry.registration_id, entry.version) == now for entry in done)
        return bool(done) and self.is_empty


def chat_of(handle: str) -> int | None:
    """The chat that a handle names, if it is one's."""
    number = handle.removeprefix(_CHAT)
    return int(number) if handle.startswith(_CHAT) and number.isdecimal() else None


def conversation_of(handle: str) -> str | None:
    """The conversation that a handle names, if it is one's."""
    return handle.removeprefix(_CONVERSATION) if handle.startswith(_CONVERSATION) else None


def anonymised(registration: Registration, provenance: Provenance) -> Registration:
    """The next version, which says that somebody of these kinds was there, and not who."""
    return Registration(
        id=registration.id,
        country=registration.country,
        tax_id=None,
        name=ANONYMISED_NAME,
        phones=Phones(),
        portal=Portal(),
        status=registration.status,
        kinds=registration.kinds,
        created=registration.created.model_copy(update={"by": without_chat(registration.created)}),
        updated=provenance,
        version=registration.version + 1,
    )


def without_chat(provenance: Provenance) -> str:
    """Who it was, unless it was the person: a chat's number is the person's at Telegram."""
    return NO_CHAT if provenance.by.startswith("chat:") else provenance.by


class Identifiers:
    """What a text may hold that tells who the person is."""

    def __init__(self, traces: Traces) -> None:
        registrations = [one for one in (traces.registration, *traces.deleted) if one]
        names: list[str | None] = [chat.given_name for chat in traces.chats]
        names += [one.shown_name for one in traces.conversations]
        names += [one.value(path) for one in registrations for path in _NAMES]
        phones: list[str | None] = [chat.phone for chat in traces.chats]
        phones += [one.phone for one in traces.conversations]
        phones += [phone for one in registrations for phone in one.phones.all()]
        emails: list[str | None] = [one.email for one in registrations]
        for path, value in _changed_values(traces.entries):
            if path in _NAMES:
                names.append(value)
            elif path.startswith("phones."):
                phones.append(value)
            elif path == "email":
                emails.append(value)
        self._names = {fold(name) for name in names if name} - {""}
        self._numbers = {_compact(show_phone(phone)) for phone in phones if phone}
        if traces.tax_id:
            self._numbers.add(_compact(traces.tax_id.number))
        self._emails = {email.lower() for email in emails if email}

    def are_in(self, text: str) -> bool:
        """Whether the text names the person. A name of one word must be all of the text: else
        every Ana would be this one."""
        folded, compact, lower = fold(text), _compact(text), text.lower()
        if folded in self._names or any(one in lower for one in self._emails):
            return True
        if any(f" {name} " in f" {folded} " for name in self._names if " " in name):
            return True
        return any(number in compact for number in self._numbers)


def _changed_values(entries: Iterable[AuditEntry]) -> list[tuple[str, Any]]:
    return [
        (change.path, value)
        for entry in entries
        for change in entry.changes
        for value in (change.before, change.after)
        if isinstance(value, str)
    ]


def _compact(text: str) -> str:
    return re.sub(r"[^0-9a-z]", "", text.lower())
