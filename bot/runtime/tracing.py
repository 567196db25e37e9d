"""Traces: what an update, a message or a job caused, over all processes, and how long each took.

A span holds no text, name, document, telephone or token: its values are chosen one by one where it
is begun. Without the setting nothing here does anything. `docs/decisions/traces.md`
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Final, Protocol

Value = str | int | float | bool
Values = Mapping[str, Value]
_NONE: Final[Values] = {}
ERROR: Final = "error.type"
"""Names the value with the type of an error: a span that has it has failed."""


class Tracer(Protocol):
    """Records spans. A trace's place travels between processes as a text, a W3C `traceparent`."""

    def span(
        self, name: str, values: Values = _NONE, *, parent: str = "", causes: Sequence[str] = ()
    ) -> AbstractContextManager[None]:
        """Record the block as a span; everything that is recorded inside belongs to it.

        parent: the place that it belongs to, in place of the span around it; without any it
            begins a trace. causes: other places that it comes from.
        """

    def took(self, name: str, seconds: float, values: Values = _NONE, *, place: str = "") -> None:
        """Record what ends now, if it was done inside a span.

        place: where it stands itself, as the first of its trace.
        """

    def first_of(self, key: str) -> str:
        """Return the place of the first span of a trace that every process knows by this key."""

    def here(self) -> str:
        """Return the place of the present work; empty where nothing is traced."""


class NoTracer:
    """Records nothing."""

    def span(
        self, name: str, values: Values = _NONE, *, parent: str = "", causes: Sequence[str] = ()
    ) -> AbstractContextManager[None]:
        return nullcontext()

    def took(self, name: str, seconds: float, values: Values = _NONE, *, place: str = "") -> None:
        """Do nothing."""

    def first_of(self, key: str) -> str:
        return ""

    def here(self) -> str:
        return ""


NO_TRACES: Final = NoTracer()
