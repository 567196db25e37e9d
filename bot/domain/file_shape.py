"""The shape of a sent file: found once when it arrives, kept with its job, used by later steps."""

from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from bot.domain.columns import Column, known_field

_PASSWORD: Final = "portal.password"  # noqa: S105 - the name of a column
_EXAMPLES: Final = 3


Quotes = Literal["text", "cell"]
"""What a quotation mark is around whole rows: a stray mark in a text, or the border of a cell."""


class Question(StrEnum):
    """What a person has to answer before a file is imported, since both readings are possible."""

    QUOTES = "quotes"
    """Whole rows stand inside a quoted cell."""
    ENCODING = "encoding"
    """No encoding, or more than one, gives words as people write them."""
    MOJIBAKE = "mojibake"
    """Some UTF-8 was taken for another encoding before: `JoÃ£o`."""


class Reading(BaseModel):
    """A person's answers on how to read a file; None leaves it to what the file tells."""

    model_config = ConfigDict(frozen=True)

    encoding: str | None = None
    """A name that `bot.domain.encodings` knows."""
    quotes: Quotes | None = None
    sheet: str | None = None
    """The name of a sheet, or its number among the visible ones."""


class Sheet(BaseModel):
    """A sheet of a workbook, beside the one that is read."""

    model_config = ConfigDict(frozen=True)

    name: str
    rows: int
    """The number of its rows that are not blank."""
    is_hidden: bool = False


class MarkKind(StrEnum):
    """What a workbook has that a reading would leave out without a word."""

    HIDDEN_ROW = "hidden_row"
    """Hidden by hand or by a filter; it is imported like any other."""
    HIDDEN_COLUMN = "hidden_column"
    NO_VALUE = "no_value"
    """A formula whose value was never computed, so its cell is blank."""
    ERROR = "error"
    """`#N/D` and the like; blank."""
    BEYOND_HEADER = "beyond_header"
    """A filled cell to the right of the last column of the header; its row is refused."""
    MERGED = "merged"
    """Cells that are merged with the one above or beside them, so they are blank."""


class Mark(BaseModel):
    """How often a workbook has one of these, with the first places."""

    model_config = ConfigDict(frozen=True)

    kind: MarkKind
    count: int
    places: tuple[str, ...]
    """`D2`, or the number of the row."""


class FileShape(BaseModel):
    """The layout of a file that was read to its end."""

    model_config = ConfigDict(frozen=True)

    format: Literal["csv", "xlsx"]
    encoding: str | None = None
    """Of a text file: a name that `bot.domain.encodings` knows."""
    delimiter: str | None = None
    """Of a text file: one of `;`, `,`, tab and `|`; `;` when there is only one column."""
    member: str | None = None
    """Name of the file inside a .zip."""
    sheet: str | None = None
    sheet_place: int = 0
    """The index of the sheet among the visible ones."""
    header_line: int
    """0 when there is no header."""
    header: tuple[str, ...]
    """One cell for each column, all empty when there is no header."""
    rows: int
    """The number of rows under the header."""
    other_lines: int = 0
    """Of a text file: how many lines below the header begin no row, being blank or in a cell."""
    broken_rows: int = 0
    """The number of rows with line breaks in a cell."""
    quotes: Quotes | None = None
    """The answer to the question on quotation marks."""
    swallowing: tuple[tuple[int, int], ...] = ()
    """First and last line of the first quoted cells in which whole rows stand."""
    has_escapes: bool = False
    """True if a text file has quotation marks as databases write them: `\\"`."""
    questions: tuple[Question, ...] = ()
    """What has to be answered before the file may be imported."""
    decimals: tuple[int, ...] = ()
    """The columns in which every filled cell is a number with decimals, all of them zero."""
    other_sheets: tuple[Sheet, ...] = ()
    marks: tuple[Mark, ...] = ()

    @property
    def lines(self) -> int | None:
        """Return the number of lines of a text file; None for a workbook."""
        return self.header_line + self.rows + self.other_lines if self.format == "csv" else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """A file as it was read, before a person has chosen anything."""

    shape: FileShape
    columns: tuple[Column, ...]
    """All columns, each with the doubt that its header and values raise."""
    samples: tuple[tuple[int, tuple[str, ...]], ...]
    """Line number and cells of some of the first rows."""

    def examples(self, column: Column) -> list[str]:
        """Return some values of the column; none where they could be passwords."""
        beside = self.columns[max(0, column.index - 1) : column.index + 2]
        if any(known_field(one.header) == _PASSWORD for one in beside):
            return []
        values = (row[column.index] for _, row in self.samples if len(row) > column.index)
        return list(islice(dict.fromkeys(v.strip() for v in values if v.strip()), _EXAMPLES))
