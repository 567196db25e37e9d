"""Conversion of registrations and their changes to documents."""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from operator import attrgetter
from typing import Final

from bot.domain.candidate import Change
from bot.domain.fields import SHAPES, Shape
from bot.domain.registration import (
    ErpRef,
    ErpValue,
    Kind,
    Phones,
    Portal,
    Provenance,
    Registration,
)
from bot.domain.tax_id import TaxId
from storage.engine.connection import Document
from storage.register.audit_chain import OWN
from storage.register.search_fields import search_fields, without_search_fields


def registration_document(registration: Registration) -> Document:
    """Return the document, with the search fields and without `seal`."""
    return own_document(registration) | search_fields(registration)


def own_document(registration: Registration) -> Document:
    """Return the registration's own fields as BSON stores them, in the order in which they are
    hashed.

    Read field by field, because the model's own dump takes five times as long, and an import
    makes hundreds of thousands.
    """
    document = dict(zip(_NAMES, _VALUES(registration), strict=True))
    for name, stored in _STORED:
        document[name] = stored(document[name])
    document["created"] = created = provenance_document(registration.created)
    same = registration.updated is registration.created
    document["updated"] = created if same else provenance_document(registration.updated)
    if not registration.erp_values:
        # Absent: most have none, and documents of earlier versions are stored as they were.
        del document["erp_values"]
    for name in ("other_tax_ids", "united"):
        if not document[name]:
            del document[name]
    if registration.tax_id is None:
        del document["tax_id"], document["tax_key"]
    else:
        document["tax_id"] = registration.tax_id.number
        # A list has one entry of the unique index for each key: nobody else gets one of them.
        is_one = not registration.other_tax_ids
        document["tax_key"] = registration.tax_id.key if is_one else list(registration.tax_keys)
    return document


def read_registration(document: Document) -> Registration:
    values = without_search_fields(document)
    values["id"] = values.pop("_id")
    number = values.pop("tax_id", None)
    values.pop("tax_key", None)
    values.pop("seal", None)
    values["tax_id"] = TaxId(number, values["country"]) if number else None
    return Registration.model_validate(values)


def tax_keys_of(document: Document) -> list[str]:
    """Return the `TaxId.key` of each document by which the registration is found."""
    keys = document.get("tax_key")
    return [keys] if isinstance(keys, str) else list(keys or ())


def version_of(document: Document) -> Document:
    """Return the query that finds the document unless it has changed since."""
    return {"_id": document["_id"], "version": document["version"]}


def change_document(change: Change) -> Document:
    return {
        "path": change.path,
        "before": plain(change.before),
        "after": plain(change.after),
    }


# All writes of a job have the same provenance.
@lru_cache(maxsize=100)
def provenance_document(provenance: Provenance) -> Document:
    """Return the document; do not change it: all records with this provenance share it."""
    # BSON keeps milliseconds.
    at = provenance.at.replace(microsecond=provenance.at.microsecond // 1000 * 1000)
    return {"at": at, "by": provenance.by, "job": provenance.job, "way": str(provenance.way)}


def _ref(ref: ErpRef) -> Document:
    return {"id": ref.id, "system": ref.system, "table": ref.table}


def _erp_values(values: frozenset[ErpValue]) -> list[Document]:
    return [one.model_dump() for one in sorted(values, key=str)]


def _phones(phones: Phones) -> Document:
    return {"commercial": phones.commercial, "home": phones.home, "mobile": phones.mobile}


def _portal(portal: Portal) -> Document:
    return {"password_hash": portal.password_hash, "username": portal.username}


@lru_cache(maxsize=100)
def _kinds(kinds: frozenset[Kind]) -> list[str]:
    """Return the list; do not change it: all registrations with these kinds share it."""
    return sorted(map(str, kinds))


def _refs(refs: frozenset[ErpRef]) -> list[Document]:
    return [_ref(ref) for ref in sorted(refs, key=str)] if refs else []


def plain(value: object) -> object:
    """Return the value as BSON stores it; sets are sorted, so that equal registrations are equal
    documents."""
    if isinstance(value, frozenset):
        # Most sets of a row have one item, and the text of a reference takes long to make.
        return [plain(item) for item in (sorted(value, key=str) if len(value) > 1 else value)]
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, ErpRef):
        return _ref(value)
    if isinstance(value, ErpValue):
        return value.model_dump()
    if isinstance(value, TaxId):
        return value.key
    return str(value) if isinstance(value, StrEnum) else value


_NAMES: Final = tuple(sorted(OWN))
_ATTRIBUTES: Final = {"_id": "id", "tax_key": "tax_id"}
_VALUES: Final = attrgetter(*(_ATTRIBUTES.get(name, name) for name in _NAMES))
_BY_SHAPE: Final[Mapping[Shape, Callable[..., object]]] = {
    Shape.STATUS: str,
    Shape.KINDS: _kinds,
    Shape.TAGS: sorted,
    Shape.DEPARTMENTS: sorted,
    Shape.PHONES: sorted,
    Shape.TAX_IDS: sorted,
    Shape.UNITED: sorted,
    Shape.TRAITS: list,
    Shape.ERP_REFS: _refs,
    Shape.ERP_VALUES: _erp_values,
}
# How the fields are stored that BSON cannot store as they are.
_STORED: Final[Sequence[tuple[str, Callable[..., object]]]] = (
    ("phones", _phones),
    ("portal", _portal),
    *((path, _BY_SHAPE[shape]) for path, shape in SHAPES.items() if shape in _BY_SHAPE),
)
