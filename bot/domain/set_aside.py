"""Updates that were given up: set aside, so that they stop no others, and kept for a while."""

from dataclasses import dataclass
from datetime import datetime

from bot.domain.retention import SET_ASIDE_KEPT


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    key: str
    received_at: datetime | None
    set_aside_at: datetime
    error: str
    """The name of the error's type."""
    who: str
    """The name of the group, or of the person who wrote; empty when it is not known."""
    can_be_repeated: bool
    """False for an update without content: it fitted into no document, or was emptied."""

    @property
    def ends_at(self) -> datetime:
        return self.set_aside_at + SET_ASIDE_KEPT
