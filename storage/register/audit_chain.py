"""The chain that shows tampering: how registrations and audit entries are hashed.

A registration's `state` is the hash of its own fields. An entry holds the state that its event
found and the one it left, and `previous`, the hash of the entry before; its own hash covers all
that. The registration's `seal` is the hash of its latest entry, or its state while it has none.
The two begin with different letters: else the first entry could go without a trace.

What is hashed is what BSON keeps: milliseconds, and fields in the order of their names.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import bson
from bson.codec_options import CodecOptions, DatetimeConversion

from bot.domain.registration import Registration
from storage.engine.connection import Document

# A registration's own fields. What makes it found comes and goes without changing what it is.
# A name stays here for good: what was hashed with it would differ without it.
OWN: Final = frozenset(Registration.model_fields) - {"id"} | {"_id", "tax_key"}
_NOT_HASHED: Final = frozenset(("hash", "event_moment", "by_moment", "marks"))
# BSON's dates reach further than Python's, and who tampers may use that.
_AS_STORED: Final[CodecOptions[dict[str, Any]]] = CodecOptions(
    datetime_conversion=DatetimeConversion.DATETIME_MS
)


def own_fields(document: Mapping[str, Any]) -> Document:
    """The registration without its seal and without what makes it found."""
    return {key: value for key, value in document.items() if key in OWN}


def state_of(document: Mapping[str, Any]) -> str:
    """The hash of a registration's document as it is, or will be, stored."""
    return "s" + hashlib.sha256(_canonical(own_fields(document))).hexdigest()


def state_of_own(encoded: bytes) -> str:
    """The same, of what `documents.own_document` made, in BSON: in order and as it is stored, so
    that it takes a tenth of the time."""
    return "s" + hashlib.sha256(encoded).hexdigest()


def seal_of(document: Mapping[str, Any]) -> str:
    """What the next entry holds on to; a registration from before the chain has its state."""
    return str(document.get("seal") or state_of(document))


def hash_of(entry: Mapping[str, Any]) -> str:
    """The hash of an entry, which has its `previous` in it."""
    hashed = {key: value for key, value in entry.items() if key not in _NOT_HASHED}
    before = str(entry["previous"]).encode()
    return "e" + hashlib.sha256(before + _canonical(hashed)).hexdigest()


def _canonical(document: Document) -> bytes:
    # There and back: the values as they are stored, whatever they were before.
    return bson.encode(_sorted(bson.decode(bson.encode(document), codec_options=_AS_STORED)))


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [_sorted(item) for item in value]
    return value
