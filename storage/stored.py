"""Registrations as they were found: read only as far as it is asked.

Most rows of a file that comes again change nothing. What such a row says is looked for in the
document's bytes, as they would be written; making Python's objects of them takes longer than all
the rest of the row.
"""

from functools import lru_cache
from typing import Any, Final

import bson
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument

from bot.domain.candidate import Candidate, Policy
from bot.domain.registration import Registration
from storage.connection import Collection, Document
from storage.documents import read_registration

_NO_CHAT_PHONES: Final = bson.encode({"chat_phones": []})[4:-1]
_ALERT_TRAITS: Final = {
    alert: bson.encode({"alert_traits": alert})[4:-1] for alert in (True, False)
}
_PHONES: Final = (
    ("phones.mobile", "mobile"),
    ("phones.home", "home"),
    ("phones.commercial", "commercial"),
)


def undecoded(collection: Collection) -> Collection:
    """The same collection, which gives its documents as `RawBSONDocument`."""
    options = collection.codec_options.with_options(document_class=RawBSONDocument)
    return collection.with_options(codec_options=options)


class Stored:
    """One registration as it was found."""

    __slots__ = ("_document", "_options", "_raw", "_registration")

    def __init__(self, raw: bytes, options: "CodecOptions[Any]") -> None:
        """options: how a document is made of the bytes."""
        self._raw = raw
        self._options = options
        self._document: Document | None = None
        self._registration: Registration | None = None

    @property
    def document(self) -> Document:
        if self._document is None:
            self._document = bson.decode(self._raw, codec_options=self._options)
        return self._document

    @property
    def id(self) -> str:
        return str(self.document["_id"])

    @property
    def tax_key(self) -> str:
        """Of one that has a tax id."""
        raw = self._raw
        place = raw.find(b"\x02tax_key\0") + 9
        if place < 9 or raw.count(b"tax_key\0") != 1:
            return str(self.document["tax_key"])
        end = place + 3 + int.from_bytes(raw[place : place + 4], "little")
        return raw[place + 4 : end].decode()

    @property
    def version(self) -> int:
        raw = self._raw
        place = raw.find(b"\x10version\0") + 9
        if place < 9 or raw.count(b"version\0") != 1:
            return int(self.document["version"])
        return int.from_bytes(raw[place : place + 4], "little")

    @property
    def registration(self) -> Registration:
        if self._registration is None:
            self._registration = read_registration(self.document)
        return self._registration

    def has(self, candidate: Candidate, policy: Policy) -> bool:
        """Whether everything that the candidate says for the policy's fields is stored already.

        False also when that cannot be told without reading the whole: it is the quick answer for
        most rows of a file that comes again. Never True when a plan would change something.
        """
        return self.has_bytes_of(candidate, policy) or _has(self.document, candidate, policy)

    def has_bytes_of(self, candidate: Candidate, policy: Policy) -> bool:
        """The same as `has`, told from the bytes: False also when these do not tell it.

        Each field's name with its closing zero stands once in the bytes of nearly every document:
        then it is the field, and not something that a text holds or ends with.
        """
        raw, fields = self._raw, policy.fields
        if candidate.erp_refs or candidate.portal.password_hash:
            return False
        if raw.count(b"chat_phones\0") != 1 or _NO_CHAT_PHONES not in raw:
            return False
        for path, key, element in _elements(candidate):
            if path in fields and (element not in raw or raw.count(key) != 1):
                return False
        return True


def _elements(candidate: Candidate) -> list[tuple[str, bytes, bytes]]:
    """What it says: the path, the field's name in bytes, and the field with its value."""
    said: list[tuple[str, bytes, bytes]] = []
    if candidate.name:
        said.append(("name", b"\x02name\0", _text(b"\x02name\0", candidate.name)))
    if candidate.trade_name:
        element = _text(b"\x02trade_name\0", candidate.trade_name)
        said.append(("trade_name", b"trade_name\0", element))
    if candidate.email:
        said.append(("email", b"email\0", _text(b"\x02email\0", candidate.email)))
    if candidate.status is not None:
        said.append(("status", b"status\0", _text(b"\x02status\0", candidate.status)))
    if candidate.kinds:
        said.append(("kinds", b"kinds\0", _set("kinds", candidate.kinds)))
    if candidate.tags:
        said.append(("tags", b"tags\0", _set("tags", candidate.tags)))
    if candidate.traits:
        said.append(("traits", b"\x04traits\0", _list("traits", candidate.traits)))
    if candidate.alert_traits is not None:
        element = _ALERT_TRAITS[candidate.alert_traits]
        said.append(("alert_traits", b"alert_traits\0", element))
    if candidate.priority_departments:
        element = _set("priority_departments", candidate.priority_departments)
        said.append(("priority_departments", b"priority_departments\0", element))
    if candidate.fixed_note:
        element = _text(b"\x02fixed_note\0", candidate.fixed_note)
        said.append(("fixed_note", b"fixed_note\0", element))
    phones = candidate.phones
    if phones.mobile is not None:
        said.append(("phones.mobile", b"mobile\0", _text(b"\x02mobile\0", phones.mobile)))
    if phones.home is not None:
        said.append(("phones.home", b"home\0", _text(b"\x02home\0", phones.home)))
    if phones.commercial is not None:
        element = _text(b"\x02commercial\0", phones.commercial)
        said.append(("phones.commercial", b"commercial\0", element))
    if candidate.portal.username:
        element = _text(b"\x02username\0", candidate.portal.username)
        said.append(("portal.username", b"username\0", element))
    return said


def _text(name: bytes, text: str) -> bytes:
    # A lone surrogate makes bytes that no document has, as no document can keep it.
    value = text.encode(errors="surrogatepass")
    return b"%b%b%b\0" % (name, (len(value) + 1).to_bytes(4, "little"), value)


@lru_cache(maxsize=1_000)
def _set(name: str, values: frozenset[str]) -> bytes:
    return bson.encode({name: sorted(map(str, values))})[4:-1]


def _list(name: str, values: tuple[str, ...]) -> bytes:
    return bson.encode({name: list(values)})[4:-1]


def _has(document: Document, candidate: Candidate, policy: Policy) -> bool:
    fields, portal = policy.fields, candidate.portal
    if document["chat_phones"] or portal.password_hash:
        return False
    for path, value in _said(candidate):
        if path not in fields or value == document[path]:
            continue
        if path not in policy.adds_to or not set(value) <= set(document[path]):
            return False
    if candidate.erp_refs and "erp_refs" in fields:
        stored = [(ref["system"], ref["table"], ref["id"]) for ref in document["erp_refs"]]
        if any((r.system, r.table, r.id) not in stored for r in candidate.erp_refs):
            return False
        if "erp_refs" not in policy.adds_to and len(stored) > len(candidate.erp_refs):
            return False
    phones = document["phones"]
    for path, name in _PHONES:
        value = getattr(candidate.phones, name)
        if value is not None and path in fields and value != phones[name]:
            return False
    if portal.username and "portal.username" in fields:
        return bool(portal.username == document["portal"]["username"])
    return True


def _said(candidate: Candidate) -> list[tuple[str, Any]]:
    """What it says, as documents have it."""
    said: list[tuple[str, Any]] = [("name", candidate.name)] if candidate.name else []
    if candidate.trade_name:
        said.append(("trade_name", candidate.trade_name))
    if candidate.email:
        said.append(("email", candidate.email))
    if candidate.status is not None:
        said.append(("status", candidate.status))
    if candidate.kinds:
        said.append(("kinds", sorted(candidate.kinds)))
    if candidate.tags:
        said.append(("tags", sorted(candidate.tags)))
    if candidate.traits:
        said.append(("traits", list(candidate.traits)))
    if candidate.alert_traits is not None:
        said.append(("alert_traits", candidate.alert_traits))
    if candidate.priority_departments:
        said.append(("priority_departments", sorted(candidate.priority_departments)))
    if candidate.fixed_note:
        said.append(("fixed_note", candidate.fixed_note))
    return said
