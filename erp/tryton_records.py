"""Tryton's rows of parties in Tryton's own field names, and their meaning for us."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import BeforeValidator, Field

from bot.domain.erp_record import ErpRecord, first
from bot.domain.registration import Kind, Phones, Status
from bot.domain.tax_id import TaxId
from erp.fields import Fields, Row, Text, compact, is_number_of
from erp.records import Many, Record, is_near, kinds_in, phones_in

SYSTEM: Final = "tryton"
_STATUS: Final = {True: Status.ACTIVE, False: Status.INACTIVE, None: None}
# The party module knows no kinds, so companies make categories for them.
_KINDS: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(("customer", "customers", "cliente", "clientes"), Kind.CUSTOMER),
    **dict.fromkeys(("supplier", "suppliers", "fornecedor", "fornecedores"), Kind.SUPPLIER),
}
_PARTS: Final = ("year", "month", "day", "hour", "minute", "second", "microsecond")


def tell(at: datetime) -> Fields:
    """Return the time in Tryton's format, which is always UTC."""
    at = at.astimezone(UTC)
    return {"__class__": "datetime", **{part: getattr(at, part) for part in _PARTS}}


def _moment(value: object) -> object:
    if not isinstance(value, Mapping):
        return None
    try:
        return datetime(**{part: value[part] for part in _PARTS}, tzinfo=UTC)
    except (KeyError, TypeError, ValueError):
        return None


def _flag(value: object) -> object:
    # 1 and 0 from SQLite, true and false from PostgreSQL.
    return bool(value) if isinstance(value, int) else None


_Moment = Annotated[datetime | None, BeforeValidator(_moment)]
_Flag = Annotated[bool | None, BeforeValidator(_flag)]


class _DatedRow(Row):
    active: _Flag = None
    create_date: _Moment = None
    write_date: _Moment = None

    @property
    def times(self) -> Sequence[datetime]:
        """The times at which this row itself was created and changed, as far as they are known."""
        return [at for at in (self.create_date, self.write_date) if at]


class _IdentifierRow(_DatedRow):
    type: Text = None
    code: Text = None

    def is_(self, tax_id: TaxId) -> bool:
        """Return True if it is this document, of that country; without a type it counts as
        Brazilian."""
        country = (self.type or "br").partition("_")[0].upper()
        if country == "EU":
            return compact(self.code) == tax_id.country + tax_id.number
        return country == tax_id.country and is_number_of(tax_id, self.code)

    @property
    def is_brazilian(self) -> bool:
        """True if it may be a CPF (`br_cpf`) or a CNPJ (`br_vat`)."""
        return not self.type or self.type.startswith("br_")


class _ContactRow(_DatedRow):
    type: Text = None
    value: Text = None


class _CategoryRow(Row):
    name: Text = None


class PartyRow(_DatedRow, Record):
    """A row of `party.party`; the names of fields that hold lists of other rows end with a dot."""

    name: Text = None
    identifiers: Annotated[list[_IdentifierRow], Many] = Field([], alias="identifiers.")
    contacts: Annotated[list[_ContactRow], Many] = Field([], alias="contact_mechanisms.")
    categories: Annotated[list[_CategoryRow], Many] = Field([], alias="categories.")

    @property
    def changed(self) -> datetime | None:
        """The latest change of the party or of its rows; None when no time is known."""
        rows: Sequence[_DatedRow] = [self, *self.identifiers, *self.contacts]
        return max((at for row in rows for at in row.times), default=None)

    def is_of_another_country(self, tax_id: TaxId) -> bool:
        """Return True if it has this number, but only as a document of another country."""
        same = [row for row in self.identifiers if compact(row.code) == tax_id.number]
        return bool(same) and not any(row.is_(tax_id) for row in self.identifiers)

    def is_only_near(self, tax_id: TaxId) -> bool:
        """Return True if `pattern` found this party, but it has another document."""
        return any(is_near(row.code, tax_id) for row in self.identifiers) and not any(
            row.is_(tax_id) for row in self.identifiers
        )

    def to_records(self, tax_id: TaxId | None = None) -> Sequence[ErpRecord]:
        """Return this party in our terms: one record for each kind, as a customer may be a
        supplier too.

        tax_id: selects one of its documents; None selects the first Brazilian one.
        """
        there = [row for row in self.identifiers if row.active is not False and row.code]
        document = first(row.code for row in there if row.is_brazilian)
        is_foreign = document is None and bool(there)
        if is_foreign:
            document = there[0].code
        if tax_id is not None and any(row.is_(tax_id) for row in there):
            document, is_foreign = tax_id.number, tax_id.country != "BR"
        kinds = kinds_in((row.name for row in self.categories), _KINDS)
        phones = self._phones()
        texts = tuple(row.value for row in (*self._having("phone"), *self._having("mobile")))
        emails = [row.value for row in self._having("email") if row.value]
        changed = self.changed
        return [
            ErpRecord(
                ref=self.ref(SYSTEM),
                document=document or "",
                is_foreign=is_foreign,
                kind=kind,
                status=_STATUS[self.active],
                updated=changed.isoformat() if changed else "",
                names=(self.name,),
                phones=phones,
                phone_texts=texts,
                email=";".join(emails),
            )
            for kind in (kinds if document else kinds[:1])
        ]

    def _having(self, type_: str) -> Sequence[_ContactRow]:
        return [row for row in self.contacts if row.type == type_ and row.active is not False]

    def _phones(self) -> Phones:
        # Tryton does not check these values, unless a library is installed there.
        return phones_in(
            *(row.value for row in self._having("phone")),
            mobiles=(row.value for row in self._having("mobile")),
        )
