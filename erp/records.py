"""What records of several ERPs have in common, and their meaning for us."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeVar

from pydantic import BeforeValidator

from bot.domain.erp_record import first
from bot.domain.errors import RefusedError
from bot.domain.registration import ErpRef, Kind, Phones
from bot.domain.tax_id import TaxId
from erp.fields import Fields, Row, Text, phone_in, rows_in

_AnyRow = TypeVar("_AnyRow", bound=Row)


def _object(value: object) -> Fields:
    return value if isinstance(value, Mapping) else {}


def _objects(value: object) -> Sequence[Fields]:
    return [v for v in value if isinstance(v, Mapping)] if isinstance(value, list) else []


# Annotations of a row, or a tuple of rows, within a row; anything else counts as empty.
One: Final = BeforeValidator(_object)
Many: Final = BeforeValidator(_objects)


class Record(Row):
    """A row with an id, by which lists are paged and registrations refer to it."""

    id: Text = None

    @property
    def number(self) -> int:
        """The id; 0, which is never an id, for anything that is no number."""
        return int(self.id) if self.id and self.id.isdecimal() else 0

    def ref(self, system: str) -> ErpRef | None:
        """Return the reference to this record in the ERP of this name."""
        return ErpRef(system=system, id=self.id) if self.id else None


def read_rows(label: str, model: type[_AnyRow], rows: object) -> Sequence[_AnyRow]:
    """Return the rows of the list; raises UnreadableError if it is no list of objects."""
    return [model.model_validate(row) for row in rows_in(label, rows)]


def check_brazilian(system: str, tax_id: TaxId) -> None:
    """Raise RefusedError for a foreign document, for ERPs that keep none."""
    if tax_id.country != "BR":
        raise RefusedError(f"ERP {system}: keeps only CPF and CNPJ")


def written(tax_id: TaxId) -> list[str]:
    """Return the usual notations of a document, for ERPs that find only the one they store."""
    other = tax_id.masked if tax_id.country == "BR" else tax_id.country + tax_id.number
    return [tax_id.number, other]


def pattern(tax_id: TaxId) -> str:
    """Return a pattern of `ilike` that finds a CPF or CNPJ in any notation, and few others."""
    return f"%{'%'.join(re.split(r'[./-]', tax_id.masked))}%"


def is_near(text: str | None, tax_id: TaxId) -> bool:
    """Return True if `pattern` finds this text, which may be another document all the same."""
    groups = re.split(r"[./-]", tax_id.masked)
    return re.search(".*".join(groups), text or "", re.IGNORECASE | re.DOTALL) is not None


def phones_in(*texts: str | None, mobiles: Iterable[str | None] = ()) -> Phones:
    """Return the first landline among the fields as home, and the first mobile number.

    mobiles: fields that the ERP marks as mobile, which come before the others.
    """
    others = [phone_in(text) for text in texts]
    return Phones(
        home=first(phone for phone in others if not is_mobile(phone)),
        mobile=first((*map(phone_in, mobiles), *(phone for phone in others if is_mobile(phone)))),
    )


def is_mobile(e164: str | None) -> bool:
    """Return True for a Brazilian mobile number, for ERPs that do not mark which numbers are
    mobile."""
    return e164 is not None and len(e164) == 14 and e164.startswith("+55")


def kinds_in(words: Iterable[str | None], kinds: Mapping[str, Kind]) -> Sequence[Kind]:
    """Return the kinds that the words name, each once; customer when they name none."""
    names = [(word or "").strip().casefold() for word in words]
    return list(dict.fromkeys(kinds[name] for name in names if name in kinds)) or [Kind.CUSTOMER]
