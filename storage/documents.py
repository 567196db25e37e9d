"""Registrations and their changes as documents."""

from enum import StrEnum
from typing import Any

from bot.domain.candidate import Change
from bot.domain.registration import ErpRef, Registration
from bot.domain.tax_id import TaxId
from storage.connection import Document
from storage.search_fields import search_fields, without_search_fields


def registration_document(registration: Registration) -> Document:
    """The document, with what search needs and without a seal."""
    # A frozenset of models cannot be dumped: dictionaries are not hashable.
    document = registration.model_dump(exclude={"id", "tax_id", "erp_refs"})
    document["erp_refs"] = registration.erp_refs
    document["_id"] = registration.id
    if registration.tax_id is not None:
        document["tax_key"] = registration.tax_id.key
        document["tax_id"] = registration.tax_id.number
    return {key: plain(value) for key, value in document.items()} | search_fields(registration)


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


def plain(value: Any) -> Any:
    """As BSON keeps it; sets sorted, so that equal registrations are equal documents."""
    if isinstance(value, frozenset):
        return sorted((plain(item) for item in value), key=str)
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if isinstance(value, ErpRef):
        return value.model_dump()
    if isinstance(value, TaxId):
        return value.key
    if isinstance(value, StrEnum):
        return str(value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value
