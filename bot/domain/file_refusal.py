"""The refusal of a file that is not a readable table, with the details for the error sentence."""

from enum import StrEnum
from typing import Final

from bot.domain.errors import RefusedError

MAX_COLUMNS: Final = 256
MAX_RECORD: Final = 1_000_000
"""Maximum number of characters in one row, including line breaks inside quotes."""
MAX_UNPACKED_TEXT: Final = 2_000_000_000
"""Maximum size in bytes of an unpacked text file from an archive."""
MAX_UNPACKED_WORKBOOK: Final = 300_000_000
"""Maximum total size in bytes of the unpacked parts of an .xlsx."""
MAX_RATIO: Final = 200
"""Maximum ratio of a large file's unpacked size to the size of its archive."""


class FileReason(StrEnum):
    """The reasons why a file cannot be read; each has its own sentence in `bot.wording`."""

    EMPTY = "empty"
    HEADER_ONLY = "header_only"
    NOT_A_TABLE = "not_a_table"
    """A PDF, an image, a document, an archive that is neither .zip nor .gz."""
    CONTACTS = "contacts"
    """A .vcf."""
    CALENDAR = "calendar"
    JSON = "json"
    SQL = "sql"
    QUOTED_LINES = "quoted_lines"
    """Each line is one quoted cell."""
    NO_SHEET = "no_sheet"
    """No visible sheet has the name that was asked for; `names` are those that it has."""
    UNANSWERED = "unanswered"
    """There are questions that nobody has answered (`bot.domain.file_shape.Question`)."""
    OLD_EXCEL = "old_excel"
    """.xls: save as .xlsx or .csv."""
    OTHER_SPREADSHEET = "other_spreadsheet"
    """.ods, .xlsb, or the HTML and XML that some systems call .xls: save as .xlsx or .csv."""
    ENCODING = "encoding"
    """`line` has bytes that are invalid in the file's encoding."""
    LINE_TOO_LONG = "line_too_long"
    """The row that begins at `line` is longer than `MAX_RECORD`: a quote was not closed."""
    UNCLOSED_QUOTE = "unclosed_quote"
    """A quote in the row that begins at `line` is never closed."""
    TOO_MANY_COLUMNS = "too_many_columns"
    """The file has `found` columns, more than `MAX_COLUMNS`."""
    TOO_LARGE = "too_large"
    """The unpacked file exceeds the limits above or the memory limit."""
    NESTED = "nested"
    SEVERAL_FILES = "several_files"
    """The archive has `found` files; `names` are the first of them."""
    NO_FILE = "no_file"
    ENCRYPTED = "encrypted"
    DAMAGED = "damaged"


class FileRefused(RefusedError):  # noqa: N818 - a verdict on an admin's file, not a fault of ours
    """The error for a file that cannot be read as a table."""

    def __init__(
        self,
        reason: FileReason,
        *,
        line: int | None = None,
        names: tuple[str, ...] = (),
        found: int | None = None,
    ) -> None:
        # File names in an archive may be names of people: keep them out of the logged message.
        super().__init__(f"file refused: {reason}" + (f", line {line}" if line else ""))
        self.reason = reason
        self.line = line
        self.names = names
        self.found = found
