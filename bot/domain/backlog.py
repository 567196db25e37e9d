"""What waits in the database, in figures for who watches Balcão."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    updates: int
    """Updates that are not handled."""
    updates_since: datetime | None
    """When the oldest of them came."""
    set_aside: int
    """Updates that were given up."""
    undelivered: int
    """Messages that were given up."""
    jobs: Mapping[tuple[str, str], int]
    """How many there are of each kind and state: all that are not over, and of the latest those
    that ended within an hour."""
    jobs_waiting: int
    """Jobs that nobody works on."""
    jobs_since: datetime | None
    """Since when the oldest of them waits."""
