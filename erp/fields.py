"""What the adapters' models of an ERP's answers are made of, and what all do with their rows."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict

from bot.domain.candidate import Candidate
from bot.domain.erp_record import ErpRecord, merge
from bot.domain.errors import UnreadableError
from bot.domain.phone import read_phone
from bot.domain.tax_id import TaxId


def as_text(value: object) -> str | None:
    """The value when it is a text or a number, None for anything else."""
    # JSON can hold halves of a character that no database takes; ERPs give numbers for texts, and
    # `false` or an object for nothing.
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "ignore").decode()
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


Text = Annotated[str | None, BeforeValidator(as_text)]
"""A text of a record, None for whatever is none: one odd field spoils no page."""


class Row(BaseModel):
    """The fields of an ERP's record that Balcão takes; all others, passwords among them, are
    dropped while the answer is parsed. Fields vary with the ERP's version: give each a default."""

    # Pydantic's errors quote their input, which here is a person's data.
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


_PLAIN: Final = str.maketrans("", "", " .-/")


def compact(document: str | None) -> str:
    """The document without punctuation, in capitals, to be compared."""
    text = (document or "").translate(_PLAIN)
    return text if text.isdigit() else "".join(c for c in text.upper() if c.isalnum())


def has(record: ErpRecord, tax_id: TaxId) -> bool:
    """Whether this record really has the document, however it is written."""
    # A foreigner's number could be the same as anybody's.
    is_of_country = tax_id.country == "BR" or record.is_foreign
    return is_of_country and compact(record.document) == tax_id.number


def who_has(label: str, tax_id: TaxId, found: Sequence[ErpRecord]) -> Candidate | None:
    """Return the candidate of the records that the ERP answered for `tax_id`; None for no records.

    Raises UnreadableError when none of them has the document: the ERP did not apply the filter, so
    its answer does not say that nobody has it.
    """
    having = [record for record in found if has(record, tax_id)]
    if found and not having:
        raise UnreadableError(f"{label}: answered with other documents than asked for")
    return merge(tax_id, having) if having else None


def phone_in(text: str | None) -> str | None:
    """Return the E.164 number of an ERP's field, or None when it holds none."""
    return read_phone(text) if text else None


def is_mobile(e164: str | None) -> bool:
    """Whether it is a Brazilian mobile number, for ERPs that do not say which is which."""
    return bool(e164) and len(e164 or "") == 14 and (e164 or "").startswith("+55")


def moment(text: str | None) -> datetime | None:
    """Return the moment of an ISO text, as UTC where it names no zone; None for anything else."""
    if not text or text.startswith("0000"):
        return None
    try:
        at = datetime.fromisoformat(text)
        return at if at.tzinfo else at.replace(tzinfo=UTC)
    except ValueError:
        return None


def mapping(label: str, answer: Any) -> Mapping[str, Any]:
    """The answer when it is an object; raises UnreadableError otherwise."""
    if not isinstance(answer, Mapping):
        raise UnreadableError(f"{label}: the answer is not an object")
    return answer


def rows_in(label: str, rows: Any) -> list[Mapping[str, Any]]:
    """The list when all in it are objects; raises UnreadableError otherwise."""
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise UnreadableError(f"{label}: no list of records in the answer")
    return rows
