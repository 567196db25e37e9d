"""The progress of a migration."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress within one collection; `of` is about how many documents there are."""

    collection: str
    documents: int
    of: int


Report = Callable[[Progress], None]
