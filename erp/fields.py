"""Field types for the adapters' models of an ERP's answers, and functions for their rows."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Final, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict

from bot.domain.candidate import Candidate
from bot.domain.erp_record import ErpRecord, first, merge
from bot.domain.errors import RefusedError, UnreadableError
from bot.domain.phone import read_phone
from bot.domain.registration import ErpRef, Kind, Phones
from bot.domain.tax_id import TaxId

Fields = Mapping[str, object]
"""A JSON object."""


def as_text(value: object) -> str | None:
    """Return the value if it is a text or a number, None for anything else."""
    # JSON can hold lone surrogates, which no database takes. ERPs give numbers for texts, and
    # `false` or an object for an empty value.
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "ignore").decode()
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def as_object(value: object) -> Fields:
    """Return the value if it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def _objects(value: object) -> Sequence[Fields]:
    return [v for v in value if isinstance(v, Mapping)] if isinstance(value, list) else []


Text = Annotated[str | None, BeforeValidator(as_text)]
"""A text of a record, None for any other type, so that one odd field does not fail a page."""
# Annotations of a row, or a tuple of rows, within a row; anything else counts as empty.
One: Final = BeforeValidator(as_object)
Many: Final = BeforeValidator(_objects)


class Row(BaseModel):
    """The fields of an ERP's record that Balcão takes.

    All others, passwords among them, are dropped while the answer is parsed. Fields vary with the
    ERP's version: give each a default.
    """

    # Pydantic's errors quote their input, which here is a person's data.
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


_AnyRow = TypeVar("_AnyRow", bound=Row)


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


_PLAIN: Final = str.maketrans("", "", " .-/")


def compact(document: str | None) -> str:
    """Return the document without punctuation, in capitals, for comparison."""
    text = (document or "").translate(_PLAIN)
    return text if text.isdigit() else "".join(c for c in text.upper() if c.isalnum())


def has(record: ErpRecord, tax_id: TaxId) -> bool:
    """Return True if this record really has the document, in any notation."""
    # A foreign number could be the same as a Brazilian one, so the record must be foreign, too.
    is_of_country = tax_id.country == "BR" or record.is_foreign
    return is_of_country and compact(record.document) == tax_id.number


def one_candidate(label: str, tax_id: TaxId, found: Sequence[ErpRecord]) -> Candidate | None:
    """Return the candidate from the records that the ERP answered for `tax_id`; None for no
    records.

    Raises UnreadableError when none of them has the document. Then the ERP did not apply the
    filter, so its answer does not show that no record has it.
    """
    having = [record for record in found if has(record, tax_id)]
    if found and not having:
        raise UnreadableError(f"{label}: answered with other documents than asked for")
    return merge(tax_id, having) if having else None


def phone_in(text: str | None) -> str | None:
    """Return the E.164 number of an ERP's field, or None when it holds none."""
    return read_phone(text) if text else None


def is_mobile(e164: str | None) -> bool:
    """Return True for a Brazilian mobile number, for ERPs that do not mark which numbers are
    mobile."""
    return e164 is not None and len(e164) == 14 and e164.startswith("+55")


def phones_in(*texts: str | None, mobiles: Iterable[str | None] = ()) -> Phones:
    """Return the first landline among the fields as home, and the first mobile number.

    mobiles: fields that the ERP marks as mobile, which come before the others.
    """
    others = [phone_in(text) for text in texts]
    return Phones(
        home=first(phone for phone in others if not is_mobile(phone)),
        mobile=first((*map(phone_in, mobiles), *(phone for phone in others if is_mobile(phone)))),
    )


def kinds_in(words: Iterable[str | None], kinds: Mapping[str, Kind]) -> Sequence[Kind]:
    """Return the kinds that the words name, each once; customer when they name none."""
    names = [(word or "").strip().casefold() for word in words]
    return list(dict.fromkeys(kinds[name] for name in names if name in kinds)) or [Kind.CUSTOMER]


def moment(text: str | None) -> datetime | None:
    """Return the time in an ISO text, as UTC if it names no zone; None for anything else."""
    if not text or text.startswith("0000"):
        return None
    try:
        at = datetime.fromisoformat(text)
        return at if at.tzinfo else at.replace(tzinfo=UTC)
    except ValueError:
        return None


def mapping(label: str, answer: object) -> Fields:
    """Return the answer if it is an object; raises UnreadableError otherwise."""
    if not isinstance(answer, Mapping):
        raise UnreadableError(f"{label}: the answer is not an object")
    return answer


def rows_in(label: str, rows: object) -> Sequence[Fields]:
    """Return the list if all items in it are objects; raises UnreadableError otherwise."""
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise UnreadableError(f"{label}: no list of records in the answer")
    return rows


def read_rows(label: str, model: type[_AnyRow], rows: object) -> Sequence[_AnyRow]:
    """Return the rows of the list; raises UnreadableError if it is no list of objects."""
    return [model.model_validate(row) for row in rows_in(label, rows)]


def text_of(fields: Fields, name: str) -> str:
    """Return the text of a field; empty for anything else."""
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def token_in(label: str, answer: Fields, name: str) -> str:
    """Return a token that can be sent in a header; raises UnreadableError when there is none."""
    token = text_of(answer, name)
    if not token or not token.isascii() or not token.isprintable():
        raise UnreadableError(f"{label}: no token in the answer")
    return token


def rpc_result(label: str, answer: Fields) -> object:
    """Return the result in an answer of JSON-RPC that holds no error."""
    if "result" not in answer:
        raise UnreadableError(f"{label}: neither result nor error in the answer")
    return answer["result"]


def check_brazilian(system: str, tax_id: TaxId) -> None:
    """Raise RefusedError for a foreign document, for ERPs that keep none."""
    if tax_id.country != "BR":
        raise RefusedError(f"ERP {system}: keeps only CPF and CNPJ")
