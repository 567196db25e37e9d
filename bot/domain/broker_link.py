"""The connection to the job broker, as /status and health tell of it."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class BrokerAway:
    """The broker is not used: processes work on the jobs that they find in the database."""

    since: datetime
    is_refused: bool = False
    """True if it answers, but refuses the connection."""
