"""Why a file is not taken as a table, with the figures that the sentence for the person needs."""

from enum import StrEnum
from typing import Final

from bot.domain.errors import RefusedError

MAX_COLUMNS: Final = 256
MAX_RECORD: Final = 1_000_000
"""Characters in one row, line breaks inside quotes included."""
MAX_UNPACKED_TEXT: Final = 2_000_000_000
"""Bytes that a text file inside an archive may have."""
MAX_UNPACKED_WORKBOOK: Final = 300_000_000
"""Bytes that the parts of an .xlsx may have when unpacked."""
MAX_RATIO: Final = 200
"""How many times larger than its archive a large file may be."""


class FileReason(StrEnum):
    """What stands in the way of reading a file; each has a sentence of its own."""

    EMPTY = "empty"
    HEADER_ONLY = "header_only"
    NOT_A_TABLE = "not_a_table"
    """A PDF, an image, a document, an archive that is neither .zip nor .gz."""
    OLD_EXCEL = "old_excel"
    """.xls: save as .xlsx or .csv."""
    OTHER_SPREADSHEET = "other_spreadsheet"
    """.ods, .xlsb, or the HTML and XML that some systems call .xls: save as .xlsx or .csv."""
    ENCODING = "encoding"
    """`line` holds bytes that are no text in the file's encoding."""
    LINE_TOO_LONG = "line_too_long"
    """The row that begins at `line` is longer than `MAX_RECORD`: a quotation mark stands open."""
    UNCLOSED_QUOTE = "unclosed_quote"
    """The quotation mark in the row that begins at `line` is never closed."""
    TOO_MANY_COLUMNS = "too_many_columns"
    """`found` columns, more than `MAX_COLUMNS`."""
    TOO_LARGE = "too_large"
    """More than the bounds above when unpacked, or more than the memory it may take."""
    NESTED = "nested"
    SEVERAL_FILES = "several_files"
    """`found` files in one archive, of which `names` are the first."""
    NO_FILE = "no_file"
    ENCRYPTED = "encrypted"
    DAMAGED = "damaged"


class FileRefused(RefusedError):  # noqa: N818 - a verdict on somebody's file, not a fault of ours
    """The file cannot be read as a table."""

    def __init__(
        self,
        reason: FileReason,
        *,
        line: int | None = None,
        names: tuple[str, ...] = (),
        found: int | None = None,
    ) -> None:
        # Names in an archive may be people's: they stay out of the message, which is logged.
        super().__init__(f"file refused: {reason}" + (f", line {line}" if line else ""))
        self.reason = reason
        self.line = line
        self.names = names
        self.found = found
