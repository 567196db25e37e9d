"""A chart as it is to be drawn: words and numbers, nothing of how. Pure."""

from dataclasses import dataclass
from enum import StrEnum


class Tone(StrEnum):
    """Few colours, which differ in brightness, too."""

    MAIN = "main"
    LIGHT = "light"
    ACCENT = "accent"
    DARK = "dark"


@dataclass(frozen=True, slots=True)
class Bar:
    value: float
    tone: Tone
    label: str = ""
    """Written at its end."""


@dataclass(frozen=True, slots=True)
class Row:
    """What is compared, and a bar for each number of it."""

    name: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    title: str
    subtitle: str
    rows: tuple[Row, ...]
    legend: tuple[tuple[Tone, str], ...] = ()
    note: str = ""
    overlaid: bool = False
    """The bars of a row lie over one another, the longest first, beside its name."""
    limit: float | None = None
    """Longer bars are cut there, and marked as cut."""
