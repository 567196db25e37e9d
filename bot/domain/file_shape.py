"""The shape of a sent file: found once when it arrives, kept with its job, used by later steps."""

from dataclasses import dataclass
from itertools import islice
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from bot.domain.columns import Column, known_field

_PASSWORD: Final = "portal.password"  # noqa: S105 - the name of a column
_EXAMPLES: Final = 3


class FileShape(BaseModel):
    """The layout of a file that was read to its end."""

    model_config = ConfigDict(frozen=True)

    format: Literal["csv", "xlsx"]
    encoding: str | None = None
    """Of a text file: utf-8, utf-8-sig (with byte order mark), utf-16-le, utf-16-be or cp1252."""
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
