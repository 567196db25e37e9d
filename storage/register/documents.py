"""Conversion of registrations and their changes to documents."""

from enum import StrEnum
from functools import lru_cache
from typing import Any

from bot.domain.candidate import Change
from bot.domain.registration import ErpRef, Provenance, Registration
from bot.domain.tax_id import TaxId
from storage.engine.connection import Document
from storage.register.search_fields import search_fields, without_search_fields


def registration_document(registration: Registration) -> Document:
    """Return the document, with the search fields and without `seal`."""
    return own_document(registration) | search_fields(registration)


def own_document(registration: Registration) -> Document:
    """Return the registration's own fields as BSON stores them, in the order in which they are
    hashed.

    Built field by field, because the model's own dump takes five times as long, and an import
    makes hundreds of thousands.
    """
    r = registration
    created = _provenance(r.created)
    tax_id = {"tax_id": r.tax_id.number, "tax_key": r.tax_id.key} if r.tax_id else {}
    return {
        "_id": r.id,
        "alert_traits": r.alert_traits,
        "chat_phones": sorted(r.chat_phones),
        "country": r.country,
        "created": created,
        "email": r.email,
        "erp_refs": [_ref(ref) for ref in sorted(r.erp_refs, key=str)],
        "fixed_note": r.fixed_note,
        "kinds": sorted(map(str, r.kinds)),
        "name": r.name,
        "phones": {
            "commercial": r.phones.commercial,
            "home": r.phones.home,
            "mobile": r.phones.mobile,
        },
        "portal": {"password_hash": r.portal.password_hash, "username": r.portal.username},
        "priority_departments": sorted(r.priority_departments),
        "status": str(r.status),
        "tags": sorted(r.tags),
        **tax_id,
        "trade_name": r.trade_name,
        "traits": list(r.traits),
        "updated": created if r.updated is r.created else _provenance(r.updated),
        "version": r.version,
    }


def read_registration(document: Document) -> Registration:
    values = without_search_fields(document)
    values["id"] = values.pop("_id")
    number = values.pop("tax_id", None)
    values.pop("tax_key", None)
    values.pop("seal", None)
    values["tax_id"] = TaxId(number, values["country"]) if number else None
    return Registration.model_validate(values)


def change_document(change: Change) -> Document:
    return {
        "path": change.path,
        "before": plain(change.before),
        "after": plain(change.after),
    }


# All writes of a job have the same provenance.
@lru_cache(maxsize=100)
def _provenance(provenance: Provenance) -> Document:
    """Return the document; do not change it: all records with this provenance share it."""
    # BSON keeps milliseconds.
    at = provenance.at.replace(microsecond=provenance.at.microsecond // 1000 * 1000)
    return {"at": at, "by": provenance.by, "job": provenance.job, "way": str(provenance.way)}


def _ref(ref: ErpRef) -> Document:
    return {"id": ref.id, "system": ref.system, "table": ref.table}


def plain(value: Any) -> Any:
    """Return the value as BSON stores it; sets are sorted, so that equal registrations are equal
    documents."""
    if isinstance(value, frozenset):
        return [plain(item) for item in sorted(value, key=str)]
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if isinstance(value, ErpRef):
        return _ref(value)
    if isinstance(value, TaxId):
        return value.key
    if isinstance(value, StrEnum):
        return str(value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value
