"""What is known of the syncs with one ERP, between one and the next."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from bot.domain.job import SyncMode


class SyncState(BaseModel):
    """Kept per ERP; whoever changes it says which version they read."""

    model_config = ConfigDict(frozen=True)

    system: str
    full_mark: datetime | None = None
    """Up to then a full sync has seen all changes, as `ErpPage.latest` has it."""
    quick_mark: datetime | None = None
    """The same for any sync: a quick one leaves out who is new."""
    job: int | None = None
    """The sync that runs, or was the last to."""
    full_began_at: datetime | None = None
    """When the last full one began: the schedule goes by it, as a quick one brings nobody new."""
    done_at: datetime | None = None
    """When the last one ended that read everything it had to."""
    looked_at: int | None = None
    """The last job of which it was told whether it failed."""
    is_failing: bool = False
    """The admins were told that it fails, and not yet that it works again."""
    version: int = 0

    def mark(self, mode: SyncMode) -> datetime | None:
        """From when on a sync has to look; None for everything."""
        if mode is SyncMode.FULL:
            return self.full_mark
        return max((m for m in (self.full_mark, self.quick_mark) if m), default=None)

    def moved(self, mode: SyncMode, mark: datetime | None) -> dict[str, datetime | None]:
        """The marks after a sync that saw all changes up to `mark`."""
        name = "full_mark" if mode is SyncMode.FULL else "quick_mark"
        return {name: mark}
