"""The content of a chart: texts and numbers, without any drawing. Pure."""

from dataclasses import dataclass
from enum import StrEnum


class Tone(StrEnum):
    """The few colours of a chart; they differ in brightness as well."""

    MAIN = "main"
    LIGHT = "light"
    ACCENT = "accent"
    DARK = "dark"


@dataclass(frozen=True, slots=True)
class Bar:
    value: float
    tone: Tone
    label: str = ""
    """Text at the end of the bar."""


@dataclass(frozen=True, slots=True)
class Row:
    """One item of the comparison, with one bar for each of its numbers."""

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
    """True if the bars of a row overlap on one line beside its name, the longest drawn first."""
    limit: float | None = None
    """Longer bars are cut at this value and marked as cut."""
