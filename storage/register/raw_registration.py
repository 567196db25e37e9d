"""Registrations as raw BSON, decoded only as far as necessary.

Most rows of a file that is imported again change nothing. The values of such a row are searched in
the bytes of the document, encoded as they would be stored. Decoding the document would take longer
than everything else that is done for the row.
"""

from collections.abc import Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Final

import bson
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument

from bot.domain.candidate import Candidate, Policy
from bot.domain.fields import PASSWORD_HASH, SHAPES, UPDATABLE, Shape
from bot.domain.registration import Registration, Value
from storage.engine.connection import Collection, Document
from storage.register.documents import plain, read_registration, tax_keys_of

_TAX_KEY: Final = b"\x02tax_key\0"
_ERP_VALUES: Final = b"\x04erp_values\0"
_VERSION: Final = b"\x10version\0"


def undecoded(collection: Collection) -> Collection:
    """Return the same collection, set to give its documents as `RawBSONDocument`."""
    options = collection.codec_options.with_options(document_class=RawBSONDocument)
    return collection.with_options(codec_options=options)


class RawRegistration:
    """One registration as it was found, in raw BSON."""

    __slots__ = ("_document", "_options", "_raw", "_registration")

    def __init__(self, raw: bytes, options: CodecOptions[Document]) -> None:
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
            return tax_keys_of(self.document)[0]
        start = place + len(_TAX_KEY) + 4
        size = int.from_bytes(self._raw[start - 4 : start], "little")
        return self._raw[start : start + size - 1].decode()

    @property
    def tax_keys(self) -> Sequence[str]:
        """The `TaxId.key` of each document by which it is found."""
        is_one = self._raw.find(_TAX_KEY) >= 0
        return [self.tax_key] if is_one else tax_keys_of(self.document)

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
        if find(_NO_CHAT_PHONES) < 0 or find(_ERP_VALUES) >= 0:
            return False
        values = _ELEMENT_VALUES(candidate)
        for path, text, value in zip(_ELEMENTS, _TEXT_ELEMENTS, values, strict=True):
            if (value or value is False) and path in fields:
                place = find(_text(text, str(value)) if text else _kept(path, value), place)
                if place < 0:
                    return False
        return True


def _element(path: str, value: object) -> bytes:
    """Return a field with its value, encoded as it is inside a document."""
    return bson.encode({path: value})[4:-1]


@lru_cache(maxsize=1_000)
def _kept(path: str, value: Value) -> bytes:
    """Return the element of a value that many candidates have, such as their kinds."""
    return _element(path, plain(value))


def _text(name: bytes, text: str) -> bytes:
    # A lone surrogate gives bytes that match no document, because no document can store it.
    value = text.encode(errors="surrogatepass")
    return name + (len(value) + 1).to_bytes(4, "little") + value + b"\0"


_TEXTS: Final = (Shape.NAME, Shape.NOTE, Shape.EMAIL, Shape.PHONE, Shape.USERNAME)
_NO_CHAT_PHONES: Final = _element("chat_phones", [])
# In the order of a document. `has_bytes_of` leaves out the other two fields.
_ELEMENTS: Final = tuple(
    path for path in sorted(UPDATABLE) if path not in ("erp_refs", PASSWORD_HASH)
)
# The beginning of each element that is text.
_TEXT_ELEMENTS: Final = tuple(
    b"\x02%b\0" % path.rpartition(".")[2].encode() if SHAPES[path] in _TEXTS else b""
    for path in _ELEMENTS
)
_ELEMENT_VALUES: Final = attrgetter(*_ELEMENTS)
_VALUES: Final = attrgetter(*UPDATABLE)


def _has(document: Document, candidate: Candidate, policy: Policy) -> bool:
    if document["chat_phones"] or document.get("erp_values") or candidate.portal.password_hash:
        return False
    for path, value in zip(UPDATABLE, _VALUES(candidate), strict=True):
        if path not in policy.fields or not (value or value is False):
            continue
        stored, new = _at(document, path), plain(value)
        if new == stored:
            continue
        if not (
            path in policy.adds_to
            and isinstance(new, list)
            and isinstance(stored, list)
            and all(one in stored for one in new)
        ):
            return False
    return True


def _at(document: Document, path: str) -> object:
    name, _, inner = path.partition(".")
    value = document.get(name)
    return value.get(inner) if inner and value else value
