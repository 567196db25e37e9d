"""Field types for the adapters' models of an ERP's answers, and functions for their rows."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict

from bot.domain.candidate import Candidate
from bot.domain.erp_record import ErpRecord, merge
from bot.domain.errors import UnknownRefusalError, UnreadableError
from bot.domain.normal_form import normalized
from bot.domain.phone import read_phone
from bot.domain.tax_id import TaxId

_LONGEST: Final = 100
"""Longer than any document, however it is written."""

_MESSAGES: Final = ("message", "messages", "msg", "mensagem", "detail")
_ERRORS: Final = ("error", "errors", "erro", "erros", "exception", "fault")
_WRONG: Final = frozenset(("error", "erro", "fail", "failed", "falha", "false"))
_NOT_FOUND: Final = re.compile(
    r"n[aã]o (?:foi |foram )?(?:encontrad|localizad|cadastrad|exist)|nenhum|consultad|sucesso",
    re.IGNORECASE,
)
# What else may not be found, or be wrong, than a person.
_OTHER: Final = re.compile(
    r"token|sess[aã]o|usu[aá]rio|acesso|licen[cç]a|rota|recurso|permiss|servi[cç]o|p[aá]gina|limite",
    re.IGNORECASE,
)

Fields = Mapping[str, object]
"""A JSON object."""


def as_text(value: object) -> str | None:
    """Return the value if it is a text or a number, None for anything else."""
    # JSON can hold lone surrogates, which no database takes. ERPs give numbers for texts, and
    # `false` or an object for an empty value.
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "ignore").decode()
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


Text = Annotated[str | None, BeforeValidator(as_text)]
"""A text of a record, None for any other type, so that one odd field does not fail a page."""


class Row(BaseModel):
    """The fields of an ERP's record that Balcão takes.

    All others, passwords among them, are dropped while the answer is parsed. Fields vary with the
    ERP's version: give each a default.
    """

    # Pydantic's errors quote their input, which here is a person's data.
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


_PLAIN: Final = str.maketrans("", "", " .-/")


def compact(document: str | None) -> str:
    """Return the document without punctuation, in capitals, for comparison."""
    text = (document or "").translate(_PLAIN)
    if text.isascii() and text.isdigit():
        return text
    return "".join(c for c in normalized("NFKC", text[:_LONGEST]).upper() if c.isalnum())


def has(record: ErpRecord, tax_id: TaxId) -> bool:
    """Return True if this record really has the document, in any notation."""
    # A foreign number could be the same as a Brazilian one, so the record must be foreign, too.
    is_of_country = tax_id.country == "BR" or record.is_foreign
    return is_of_country and is_number_of(tax_id, record.document)


def is_number_of(tax_id: TaxId, text: str | None) -> bool:
    """Return True if the text is this number in any notation, also with the country before it, as
    VAT numbers have it."""
    return compact(text) in (tax_id.number, tax_id.country + tax_id.number)


def one_candidate(label: str, tax_id: TaxId, found: Sequence[ErpRecord]) -> Candidate | None:
    """Return the candidate from the records that the ERP answered for `tax_id`; None for no
    records.

    Raises UnreadableError when none of them has the document. Then the ERP did not apply the
    filter, so its answer does not show that no record has it.

    found: without the records that the filter may find by mistake.
    """
    having = [record for record in found if has(record, tax_id)]
    if found and not having:
        raise UnreadableError(f"{label}: answered with other documents than asked for")
    return merge(tax_id, having) if having else None


def phone_in(text: str | None) -> str | None:
    """Return the E.164 number of an ERP's field, or None when it holds none."""
    return read_phone(text) if text else None


def utc_now() -> datetime:
    return datetime.now(UTC)


def moment(text: str | None) -> datetime | None:
    """Return the time in an ISO text, as UTC if it names no zone; None for anything else."""
    if not text or text.startswith("0000"):
        return None
    try:
        at = datetime.fromisoformat(text)
        return at if at.tzinfo else at.replace(tzinfo=UTC)
    except ValueError:
        return None


def check_total(label: str, rows: Sequence[object], total: int | None) -> None:
    """Raise UnreadableError if a first page is empty although its own count says otherwise."""
    if not rows and total:
        raise UnreadableError(f"{label}: no records, although their number is not 0")


def check_nobody(label: str, answer: Fields) -> None:
    """Raise UnknownRefusalError if an answer without records says anything else than that nobody
    was found: an error in it, or a message that we do not know."""
    said = " ".join(_texts_in([answer.get(name) for name in _MESSAGES]))
    is_other = said and (_OTHER.search(said) or not _NOT_FOUND.search(said))
    status = answer.get("status")
    is_wrong = isinstance(status, str) and status.strip().casefold() in _WRONG
    if is_other or is_wrong or any(answer.get(name) for name in _ERRORS):
        raise UnknownRefusalError(f"{label}: an error in place of records")


def _texts_in(value: object) -> list[str]:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        return [text for one in value for text in _texts_in(one)]
    return [value] if isinstance(value, str) and value.strip() else []


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
