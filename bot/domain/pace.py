"""The pace of requests to an ERP: when the next one may start, over all processes."""

from datetime import UTC, datetime, timedelta
from typing import Final

from pydantic import BaseModel, ConfigDict

_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Pace(BaseModel):
    """The earliest start of the next request, and until when the ERP has blocked us."""

    model_config = ConfigDict(frozen=True)

    next_at: datetime = _EVER
    closed_until: datetime = _EVER

    def taken(self, now: datetime, gap: timedelta) -> "Pace":
        """Return the pace after one more request, which starts a gap before `next_at`."""
        return self.model_copy(update={"next_at": max(now, self.next_at) + gap})

    def closed(self, until: datetime) -> "Pace":
        """Return the pace without requests until then."""
        return self.model_copy(update={"closed_until": max(until, self.closed_until)})
