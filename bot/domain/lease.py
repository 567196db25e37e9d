"""Leases, and the numbers that fence off the writes of those who have lost one."""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease that was acquired."""

    number: int
    """Grows with each acquisition of the key."""
    is_takeover: bool = False
    """True if it had expired without being released, so that its last holder may still write."""


held_number: Final[ContextVar[int | None]] = ContextVar("held_number", default=None)
"""The number of the lease under which the present work is done; None for work under no lease.

The store adds it to writes, by itself: none of the code in between has a use for it.
"""

has_ended: Final[ContextVar[Callable[[], bool] | None]] = ContextVar("has_ended", default=None)
"""Returns True if the lease under which the present work is done has ended without a renewal, as
in a process that was stopped; None for work under no lease.

Nothing fences off what Telegram is asked for: it is asked here, before each call.
"""
