"""Leases, and the numbers that fence off the writes of those who have lost one."""

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
