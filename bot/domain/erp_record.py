"""ERP records in our terms, and the merge of several records of one person into a candidate."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from bot.domain.candidate import Candidate
from bot.domain.fields import SHAPES, Shape
from bot.domain.phone import read_phone
from bot.domain.registration import ErpRef, Kind, Phones, Status, read_email, read_name
from bot.domain.tax_id import NotATaxId, TaxId, read_tax_id

_BETWEEN_ADDRESSES: Final = re.compile(r"[;,\s]+")
_NO_PHONES: Final = Phones()
_NOTHING: Final[frozenset[str]] = frozenset()
_BLANKS: Final = {None, ""}
_PHONE_PATHS: Final = frozenset(path for path, shape in SHAPES.items() if shape is Shape.PHONE)
# Of a telephone or an address, not of "-", "(00) 0000-0000" and the like.
_HAS_NUMBER: Final = re.compile(r"[1-9]")
_HAS_LETTER: Final = re.compile(r"\w")
_KINDS: Final = {kind: frozenset((kind,)) for kind in Kind}
_Value = TypeVar("_Value")


# Not frozen, because that would triple the cost of creating one. Never modified after creation.
@dataclass(slots=True, kw_only=True)
class ErpRecord:
    """One record of an ERP; its texts are unchanged."""

    ref: ErpRef | None
    kind: Kind
    status: Status | None
    document: str = ""
    """The document in any format; empty when the ERP has none."""
    is_foreign: bool = False
    """True if the document is from another country; the ERP does not say which one."""
    updated: str = ""
    """Time of the last change, in any text form that sorts by time, such as an ISO date.

    It is compared only within one ERP.
    """
    names: tuple[str | None, ...] = ()
    """Possible names, best first; the first usable one is taken."""
    trade_name: str | None = None
    phones: Phones = _NO_PHONES
    phone_texts: tuple[str | None, ...] = ()
    """All texts from which `phones` were read."""
    email: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ErpPage:
    """One page of an ERP's records, with the cursor of the next page."""

    records: Sequence[ErpRecord]
    next: str | None
    """The cursor of the next page; None on the last page."""
    latest: datetime | None = None
    """Time of the latest change among these records; None when the records have no such time.

    It is the local time of the ERP's clock, labelled as UTC whatever its real zone. That is safe,
    because the value is only ever sent back to the same ERP.
    """
    newest: datetime | None = None
    """On the first page: the time of the newest change in the ERP when this list began, by the
    clock of `latest`, without times in the future. All changes after it are later than it.

    None when the ERP cannot be asked for it.
    """
    is_whole: bool = True
    """False if the ERP has kept some records of the list back, as far as that is known."""


def merge(tax_id: TaxId, records: Sequence[ErpRecord]) -> Candidate:
    """Return one candidate from records that all have `tax_id`.

    Active records rank before others, then newer before older. Each field comes from the first
    record that has it. Kinds and references come from all records.
    """
    if len(records) == 1:
        return _alone(tax_id, records[0])
    ranked = sorted(records, key=lambda r: (r.status is Status.ACTIVE, r.updated), reverse=True)
    name = first(read_name(text or "") for record in ranked for text in record.names)
    trade_names = (read_name(record.trade_name or "") for record in ranked)
    return Candidate(
        tax_id=tax_id,
        name=name,
        trade_name=first(text for text in trade_names if text != name),
        phones=_phones(ranked),
        email=first(_email_in(record.email) for record in ranked),
        status=first(record.status for record in ranked),
        kinds=frozenset([record.kind for record in ranked]),
        erp_refs=frozenset([record.ref for record in ranked if record.ref]),
        unread=frozenset[str]().union(
            *(_unread(one, _email_in(one.email) if one.email else None) for one in ranked)
        ),
    )


def _alone(tax_id: TaxId, record: ErpRecord) -> Candidate:
    """Return the same candidate as `merge` for a single record, the usual case, twice as fast."""
    name = next((name for text in record.names if text and (name := read_name(text))), None)
    trade_name = read_name(record.trade_name) if record.trade_name else None
    email = _email_in(record.email) if record.email else None
    return Candidate(
        tax_id=tax_id,
        name=name,
        trade_name=trade_name if trade_name and trade_name != name else None,
        phones=record.phones,
        email=email,
        status=record.status,
        kinds=_KINDS[record.kind],
        erp_refs=frozenset((record.ref,)) if record.ref else frozenset(),
        unread=_unread(record, email),
    )


def first(values: Iterable[_Value | None]) -> _Value | None:
    """Return the first value that is not blank."""
    return next((value for value in values if value), None)


def _phones(ranked: Sequence[ErpRecord]) -> Phones:
    return Phones(
        commercial=first(record.phones.commercial for record in ranked),
        home=first(record.phones.home for record in ranked),
        mobile=first(record.phones.mobile for record in ranked),
    )


def _unread(record: ErpRecord, email: str | None) -> frozenset[str]:
    """Return the fields that the record has filled with a text that is not read.

    "(49) 9999-8888 ramal 1" is no telephone to us, but nobody has emptied the field.

    email: what was read of the record's own.
    """
    unread, phones = _NOTHING, record.phones
    read = (phones.mobile is not None) + (phones.home is not None)
    texts = set(record.phone_texts) - _BLANKS
    if len(texts) > read + (phones.commercial is not None) and any(
        _HAS_NUMBER.search(text) and not read_phone(text) for text in texts if text
    ):
        unread = _PHONE_PATHS
    if email is None and record.email and _HAS_LETTER.search(record.email):
        unread |= {"email"}
    return unread


def _email_in(text: str | None) -> str | None:
    if text and (email := read_email(text)):
        return email
    # Users of the ERP put several addresses into one field.
    return first(read_email(part) for part in _BETWEEN_ADDRESSES.split(text)) if text else None


def read_document(record: ErpRecord) -> TaxId | NotATaxId | None:
    """Return the record's tax id or the reason why it is invalid.

    Return None when the document is from an unknown foreign country.
    """
    if record.is_foreign:
        return None
    read = read_tax_id(record.document)
    text = record.document.strip()
    if isinstance(read, NotATaxId) and text[:2].upper() == "BR":
        # Some ERPs write the country before the number, as in other countries' VAT numbers.
        without = read_tax_id(text[2:])
        return without if isinstance(without, TaxId) else read
    return read
