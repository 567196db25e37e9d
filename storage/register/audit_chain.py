"""The hash chain that reveals tampering: how registrations and audit entries are hashed.

A registration's `state` is the hash of its own fields. An entry holds the state before its event,
the state after it, and `previous`, the hash of the entry before. Its own hash covers all of that.
The registration's `seal` is the hash of its latest entry, or its state while it has no entry. The
two begin with different letters; otherwise the first entry could be removed without a trace.

The hashes cover values as BSON stores them: times in milliseconds, fields in the order of names.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Final

import bson

from bot.domain.registration import Registration
from storage.engine.connection import Document, ReadDocument

# A registration's own fields. Search fields are left out: they change while the registration does
# not. A name may never be removed from this set: older hashes cover it and would no longer match.
OWN: Final = frozenset(Registration.model_fields) - {"id"} | {"_id", "tax_key"}
_NOT_HASHED: Final = frozenset(("hash", "event_moment", "by_moment", "marks"))
# Most values: nothing is inside them.
_PLAIN: Final = frozenset((str, int, bool, datetime, type(None)))


def own_fields(document: ReadDocument) -> Document:
    """Return the registration without `seal` and its search fields."""
    return {key: value for key, value in document.items() if key in OWN}


def state_of(document: ReadDocument) -> str:
    """Return the hash of a registration's document as it is, or will be, stored."""
    return "s" + hashlib.sha256(_canonical(own_fields(document))).hexdigest()


def state_of_own(encoded: bytes) -> str:
    """Return the same hash as `state_of`, from the BSON of what `documents.own_document` returned.

    That BSON is in order and as stored already, so this takes a tenth of the time.
    """
    return "s" + hashlib.sha256(encoded).hexdigest()


def seal_of(document: ReadDocument) -> str:
    """Return the hash that the next entry links to.

    A registration that was stored before the chain existed has no `seal`; its state is used.
    """
    return str(document.get("seal") or state_of(document))


def hash_of(entry: ReadDocument) -> str:
    """Return the hash of an entry, including its `previous`."""
    hashed = {key: value for key, value in entry.items() if key not in _NOT_HASHED}
    before = str(entry["previous"]).encode()
    return "e" + hashlib.sha256(before + _canonical(hashed)).hexdigest()


def _canonical(document: ReadDocument) -> bytes:
    # Encoding makes of the values what is stored of them.
    return bson.encode(_sorted(document))


def _sorted(document: ReadDocument) -> Document:
    return {
        key: value if type(value) in _PLAIN else _inside(value)
        for key, value in sorted(document.items())
    }


def _inside(value: object) -> object:
    if isinstance(value, list | tuple):
        return [_inside(item) for item in value]
    # Asked of `dict` first: it is one nearly always, and `Mapping` takes ten times as long.
    return _sorted(value) if isinstance(value, dict) or isinstance(value, Mapping) else value  # noqa: SIM101
