"""Several records of one document become one candidate; every adapter ends here."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Final, TypeVar

from pydantic import AfterValidator

from bot.domain.candidate import Candidate
from bot.domain.phone import read_phone
from bot.domain.registration import ErpRef, Kind, Phones, Status, read_email, read_name
from bot.domain.tax_id import TaxId

_BETWEEN_ADDRESSES: Final = re.compile(r"[;,\s]+")
_Value = TypeVar("_Value")

# JSON can hold halves of a character that no database takes.
Text = Annotated[str, AfterValidator(lambda text: text.encode("utf-8", "ignore").decode())]
"""A text of a record, for the adapters' models."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record of an ERP in our terms; texts as the ERP has them."""

    ref: ErpRef | None
    kind: Kind
    status: Status | None
    updated: str = ""
    """Compared as text within one ERP: ISO dates, and whatever else sorts by time."""
    names: tuple[str | None, ...] = ()
    """Best first; the first that is usable is the name."""
    trade_name: str | None = None
    phones: Phones = field(default_factory=Phones)
    email: str | None = None


def merge(tax_id: TaxId, records: Sequence[Record]) -> Candidate:
    """Return one candidate from records that all have `tax_id`.

    Active records come before others and newer before older; a field comes from the first record
    that has it. Kinds and references are those of all.
    """
    ranked = sorted(records, key=lambda r: (r.status is Status.ACTIVE, r.updated), reverse=True)
    name = first(read_name(text or "") for record in ranked for text in record.names)
    trade_names = (read_name(record.trade_name or "") for record in ranked)
    return Candidate(
        tax_id=tax_id,
        name=name,
        trade_name=first(text for text in trade_names if text != name),
        phones=Phones(
            commercial=first(record.phones.commercial for record in ranked),
            home=first(record.phones.home for record in ranked),
            mobile=first(record.phones.mobile for record in ranked),
        ),
        email=first(_email_in(record.email) for record in ranked),
        status=first(record.status for record in ranked),
        kinds=frozenset(record.kind for record in ranked),
        erp_refs=frozenset(record.ref for record in ranked if record.ref),
    )


def first(values: Iterable[_Value | None]) -> _Value | None:
    """Return the first value that is not blank."""
    return next((value for value in values if value), None)


def phone_in(text: str | None) -> str | None:
    """Return the E.164 number of an ERP's field, or None when it holds none."""
    return read_phone(text) if text else None


def _email_in(text: str | None) -> str | None:
    # Operators keep several addresses in one field.
    return first(read_email(part) for part in _BETWEEN_ADDRESSES.split(text or ""))
