"""What a large import takes on the embedded server: time and disk, by measured figures."""

from typing import Final

from pydantic import BaseModel, ConfigDict

LARGE: Final = 20_000
"""Fewer rows need no word: as many registrations as the embedded server is meant for."""
# 200,000 new registrations took 202 s and 968 MB, with the server's log of operations.
_ROWS_A_SECOND: Final = 990
_BYTES_OF_A_ROW: Final = 4_840
# A full disk stops the server for everybody; this much must be left.
_RESERVE_BYTES: Final = 500_000_000


class Effort(BaseModel):
    """What writing so many rows takes, and what there is."""

    model_config = ConfigDict(frozen=True)

    seconds: int
    disk_bytes: int
    free_bytes: int

    @property
    def fits(self) -> bool:
        """Return True if enough of the disk is left free."""
        return self.disk_bytes + _RESERVE_BYTES <= self.free_bytes


def effort_of(rows: int, free_bytes: int) -> Effort | None:
    """Return what it takes to write so many rows; None if they are too few for a word."""
    if rows < LARGE:
        return None
    return Effort(
        seconds=round(rows / _ROWS_A_SECOND),
        disk_bytes=rows * _BYTES_OF_A_ROW,
        free_bytes=free_bytes,
    )
