"""Titular: all stored data about one person, and the rules of anonymisation."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from bot.domain.audit import AuditEntry, Event
from bot.domain.conversation import Chat, Conversation
from bot.domain.fields import FIELDS, Shape
from bot.domain.phone import show_phone
from bot.domain.registration import Phones, Portal, Provenance, Registration
from bot.domain.search import fold
from bot.domain.tax_id import TaxId
from bot.domain.transcript import Said

ANONYMISED_NAME: Final = "Cadastro anonimizado"
"""Replaces every name; admins see it in lists."""
NO_CHAT: Final = "chat:0"
"""Replaces a `Provenance.by` that named the anonymised person's chat."""
_NAMES: Final = tuple(f.path for f in FIELDS if f.shape in (Shape.NAME, Shape.USERNAME))
_CHAT: Final = "chat-"
_CONVERSATION: Final = "conv-"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredUpdate:
    """A message of the person that is still stored in the inbox."""

    received_at: datetime
    is_set_aside: bool
    """True if it failed permanently; False while it is queued."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces:
    """All stored data about one person."""

    tax_id: TaxId | None
    registration: Registration | None
    deleted: tuple[Registration, ...] = ()
    """Copies of deleted registrations, from the audit."""
    chats: tuple[Chat, ...] = ()
    """Chats linked to the person now, and chats once linked to them that now have no link."""
    chats_of_others: tuple[Chat, ...] = ()
    """Chats in which the person was served, and that are now linked to another person."""
    conversations: tuple[Conversation, ...] = ()
    """Newest first."""
    said: Mapping[str, Sequence[Said]] = field(default_factory=dict)
    """What was said in them and is still kept, by conversation id."""
    entries: tuple[AuditEntry, ...] = ()
    """Newest first."""
    updates: tuple[StoredUpdate, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.registration or self.deleted or self.chats or self.conversations)

    @property
    def registration_ids(self) -> tuple[str, ...]:
        """Return the ids of all registrations of the person; the existing one comes last."""
        there = (self.registration.id,) if self.registration else ()
        gone = [one.id for one in self.deleted if one.id not in there]
        return (*dict.fromkeys(gone), *there)

    @property
    def tax_ids(self) -> tuple[TaxId, ...]:
        """Return every document of the person: those of united registrations, too."""
        registrations = [one for one in (self.registration, *self.deleted) if one]
        keys = [self.tax_id.key] if self.tax_id else []
        keys += [key for one in registrations for key in one.tax_keys]
        return tuple(map(TaxId.of_key, dict.fromkeys(keys)))

    @property
    def handle(self) -> str:
        """Return an id of the person for a button, which must not contain the document.

        It names the record that an anonymisation empties last.
        """
        if self.registration_ids:
            return self.registration_ids[-1]
        if self.chats:
            return f"{_CHAT}{self.chats[-1].id}"
        return f"{_CONVERSATION}{self.conversations[-1].id}"

    @property
    def version(self) -> int:
        """Return the version of the existing registration, or 0 when there is none."""
        return self.registration.version if self.registration else 0

    @property
    def open_conversation(self) -> Conversation | None:
        return next((one for one in self.conversations if one.is_open), None)

    @property
    def is_anonymised(self) -> bool:
        """Return True if nothing was written about the person since the last anonymisation."""
        done = [entry for entry in self.entries if entry.event is Event.ANONYMISED]
        if self.registration:
            now = (self.registration.id, self.registration.version)
            return any((entry.registration_id, entry.version) == now for entry in done)
        return bool(done) and self.is_empty


def chat_of(handle: str) -> int | None:
    """Return the chat id in a handle, or None if the handle does not name a chat."""
    number = handle.removeprefix(_CHAT)
    return int(number) if handle.startswith(_CHAT) and number.isdecimal() else None


def conversation_of(handle: str) -> str | None:
    """Return the conversation id in a handle, or None if it does not name a conversation."""
    return handle.removeprefix(_CONVERSATION) if handle.startswith(_CONVERSATION) else None


def anonymised(registration: Registration, provenance: Provenance) -> Registration:
    """Return the next version of the registration, without personal data.

    It keeps the id, country, status and kinds.
    """
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
    """Return the author of a change, or `NO_CHAT` if the author was the customer's chat.

    The id of a private chat is the person's Telegram user id.
    """
    return NO_CHAT if provenance.by.startswith("chat:") else provenance.by


class Identifiers:
    """The names, numbers and e-mail addresses that identify the person in a text."""

    def __init__(self, traces: Traces) -> None:
        registrations = [one for one in (traces.registration, *traces.deleted) if one]
        names: list[str | None] = [chat.customer.name for chat in traces.chats]
        names += [one.shown_name for one in traces.conversations]
        values = [one.value(path) for one in registrations for path in _NAMES]
        names += [value for value in values if isinstance(value, str)]
        phones: list[str | None] = [chat.customer.phone for chat in traces.chats]
        phones += [one.customer.phone for one in traces.conversations]
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
        self._numbers |= {_compact(tax_id.number) for tax_id in traces.tax_ids}
        self._emails = {email.lower() for email in emails if email}

    def are_in(self, text: str) -> bool:
        """Return True if the text contains an identifier of the person.

        A name of one word must be the whole text, otherwise every "Ana" would match.
        """
        folded, compact, lower = fold(text), _compact(text), text.lower()
        if folded in self._names or any(one in lower for one in self._emails):
            return True
        if any(f" {name} " in f" {folded} " for name in self._names if " " in name):
            return True
        return any(number in compact for number in self._numbers)


def _changed_values(entries: Iterable[AuditEntry]) -> list[tuple[str, str]]:
    return [
        (change.path, value)
        for entry in entries
        for change in entry.changes
        for value in (change.before, change.after)
        if isinstance(value, str)
    ]


def _compact(text: str) -> str:
    return re.sub(r"[^0-9a-z]", "", text.lower())
