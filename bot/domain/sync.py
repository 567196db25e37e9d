"""The state of the syncs with one ERP, stored between runs."""

from datetime import datetime
from typing import TypedDict

from pydantic import BaseModel, ConfigDict

from bot.domain.job import SyncMode


class SyncChange(TypedDict, total=False):
    """The fields of a `SyncState` that change, each with its new value."""

    full_mark: datetime | None
    quick_mark: datetime | None
    job: int | None
    full_began_at: datetime | None
    whole_began_at: datetime | None
    done_at: datetime | None
    looked_at: int | None
    is_failing: bool


class SyncState(BaseModel):
    """The state of the syncs with one ERP, changed by compare-and-set on `version`."""

    model_config = ConfigDict(frozen=True)

    system: str
    full_mark: datetime | None = None
    """Watermark: full syncs have seen all changes up to this time.

    The time has the same clock as `ErpPage.latest`.
    """
    quick_mark: datetime | None = None
    """The watermark of quick syncs, which skip ERP records without a registration."""
    job: int | None = None
    """The running or the latest sync."""
    full_began_at: datetime | None = None
    """Start of the latest full sync.

    The schedule uses it, because a quick sync creates no registrations.
    """
    whole_began_at: datetime | None = None
    """Start of the latest full sync that read the unchanged records too."""
    done_at: datetime | None = None
    """End of the latest sync that completed."""
    looked_at: int | None = None
    """The latest job whose result was checked for a notification to the admins."""
    is_failing: bool = False
    """True if the admins were notified of a failure, and not yet of the recovery."""
    version: int = 0

    def mark(self, mode: SyncMode) -> datetime | None:
        """Return the time from which a sync has to read changes; None to read everything."""
        if mode is SyncMode.FULL:
            return self.full_mark
        return max((m for m in (self.full_mark, self.quick_mark) if m), default=None)

    def changed(self, change: SyncChange) -> "SyncState":
        """Return the next version of the state, with these fields changed."""
        return SyncState(**{**dict(self), **change, "version": self.version + 1})


def moved(mode: SyncMode, mark: datetime | None) -> SyncChange:
    """Return the changed watermark after a sync that saw all changes up to `mark`."""
    return {"full_mark": mark} if mode is SyncMode.FULL else {"quick_mark": mark}
