"""A file that an admin sends in pieces, each in a request of its own."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

PIECE_BYTES: Final = 1 << 20
"""Every piece but the last has this length: it fits what proxies let through by default."""
LARGEST_BYTES: Final = 200 * PIECE_BYTES
UPLOAD_LASTS: Final = timedelta(days=1)
"""An upload that broke off goes on for this long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    by: str
    """Who sends it, as in `Job.by`; each has one at a time."""
    key: str
    """Different for each file; a page whose file another one has replaced is told so by it."""
    file_id: str
    """Of the stored file, which is whole once all pieces are there."""
    name: str
    size_bytes: int
    mark: str
    """What the browser says of the file's age: with name and size it tells the same file again."""
    ends_at: datetime
    job_id: int | None = None
    """The import that was made of it."""

    @property
    def pieces(self) -> int:
        return -(-self.size_bytes // PIECE_BYTES)

    def length_of(self, number: int) -> int:
        """Return the length of a piece, counted from 0; 0 if there is no such piece."""
        return max(0, min(PIECE_BYTES, self.size_bytes - number * PIECE_BYTES))
