"""Registrations as raw BSON, decoded only as far as necessary.

Most rows of a file that is imported again change nothing. The values of such a row are searched in
the bytes of the document, encoded as they would be stored. Decoding the document would take longer
than everything else that is done for the row.
"""

from functools import lru_cache
from typing import Any, Final

import bson
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument

from bot.domain.candidate import Candidate, Policy
from bot.domain.registration import Registration, Status
from storage.engine.connection import Collection, Document
from storage.register.documents import read_registration


def _element(path: str, value: Any) -> bytes:
    """Return a field with its value, encoded as it is inside a document."""
    return bson.encode({path: value})[4:-1]


_NO_CHAT_PHONES: Final = ("chat_phones", _element("chat_phones", []))
_ALERT_TRAITS: Final = {
    alert: ("alert_traits", _element("alert_traits", alert)) for alert in (True, False)
}
_STATUSES: Final = {status: ("status", _element("status", str(status))) for status in Status}
_TAX_KEY: Final = b"\x02tax_key\0"
_VERSION: Final = b"\x10version\0"
_PHONES: Final = (
    ("phones.mobile", "mobile"),
    ("phones.home", "home"),
    ("phones.commercial", "commercial"),
)


def undecoded(collection: Collection) -> Collection:
    """Return the same collection, set to give its documents as `RawBSONDocument`."""
    options = collection.codec_options.with_options(document_class=RawBSONDocument)
    return collection.with_options(codec_options=options)


class RawRegistration:
    """One registration as it was found, in raw BSON."""

    __slots__ = ("_document", "_options", "_raw", "_registration")

    def __init__(self, raw: bytes, options: "CodecOptions[Any]") -> None:
        """options: for decoding the bytes."""
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
        """The `TaxId.key` of a registration that has a tax id."""
        place = self._raw.find(_TAX_KEY)
        if place < 0:
            return str(self.document["tax_key"])
        start = place + len(_TAX_KEY) + 4
        size = int.from_bytes(self._raw[start - 4 : start], "little")
        return self._raw[start : start + size - 1].decode()

    @property
    def version(self) -> int:
        place = self._raw.find(_VERSION)
        if place < 0:
            return int(self.document["version"])
        start = place + len(_VERSION)
        return int.from_bytes(self._raw[start : start + 4], "little")

    @property
    def registration(self) -> Registration:
        if self._registration is None:
            self._registration = read_registration(self.document)
        return self._registration

    def has(self, candidate: Candidate, policy: Policy) -> bool:
        """Return True if all values of the candidate in the policy's fields are stored already.

        A quick answer for most rows of a file that is imported again. Returns False also when only
        the whole plan can decide it. Never returns True when a plan would change something.
        """
        return self.has_bytes_of(candidate, policy) or _has(self.document, candidate, policy)

    def has_bytes_of(self, candidate: Candidate, policy: Policy) -> bool:
        """Return the same as `has`, judged by the bytes alone; False also when these do not decide
        it.

        A match is always the field itself: texts from people, files and ERPs hold no zero byte,
        because control characters are removed. So no text can look like a field.
        """
        if candidate.erp_refs or candidate.portal.password_hash:
            return False
        find, fields, place = self._raw.find, policy.fields, 0
        for path, element in _elements(candidate):
            if path in fields or path == "chat_phones":
                place = find(element, place)
                if place < 0:
                    return False
        return True


def _elements(candidate: Candidate) -> list[tuple[str, bytes]]:
    """Return the candidate's values as documents store them, by path and in document order.

    An empty `chat_phones` is among them: it requires that no telephone is known from a chat alone.
    """
    phones = candidate.phones
    said = [] if candidate.alert_traits is None else [_ALERT_TRAITS[candidate.alert_traits]]
    said.append(_NO_CHAT_PHONES)
    if candidate.email:
        said.append(("email", _text(b"\x02email\0", candidate.email)))
    if candidate.fixed_note:
        said.append(("fixed_note", _text(b"\x02fixed_note\0", candidate.fixed_note)))
    if candidate.kinds:
        said.append(_set("kinds", candidate.kinds))
    if candidate.name:
        said.append(("name", _text(b"\x02name\0", candidate.name)))
    if phones.commercial is not None:
        said.append(("phones.commercial", _text(b"\x02commercial\0", phones.commercial)))
    if phones.home is not None:
        said.append(("phones.home", _text(b"\x02home\0", phones.home)))
    if phones.mobile is not None:
        said.append(("phones.mobile", _text(b"\x02mobile\0", phones.mobile)))
    if candidate.portal.username:
        said.append(("portal.username", _text(b"\x02username\0", candidate.portal.username)))
    if candidate.priority_departments:
        said.append(_set("priority_departments", candidate.priority_departments))
    if candidate.status is not None:
        said.append(_STATUSES[candidate.status])
    if candidate.tags:
        said.append(_set("tags", candidate.tags))
    if candidate.trade_name:
        said.append(("trade_name", _text(b"\x02trade_name\0", candidate.trade_name)))
    if candidate.traits:
        said.append(("traits", _element("traits", list(candidate.traits))))
    return said


def _text(name: bytes, text: str) -> bytes:
    # A lone surrogate gives bytes that match no document, because no document can store it.
    value = text.encode(errors="surrogatepass")
    return name + (len(value) + 1).to_bytes(4, "little") + value + b"\0"


@lru_cache(maxsize=1_000)
def _set(path: str, values: frozenset[str]) -> tuple[str, bytes]:
    return path, _element(path, sorted(map(str, values)))


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
    """Return the candidate's values as documents store them, by path."""
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
