"""The figures that are kept in docs/figures.md, a table for each server, and what fell since."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from benchmarks.figures import Figure

PAGE: Final = Path(__file__).parents[1] / "docs" / "figures.md"
_HEADER: Final = "| item | our CPU | server's CPU | time | round trips |\n|---|---|---|---|---|"
_NAMES: Final = ("our CPU", "server's CPU", "time", "round trips")
_NONE: Final = "–"
_FELL: Final = 0.8
# Below this, a figure is a rounding error of the clocks.
_LEAST: Final = 0.002


def read(page: str, server: str) -> dict[str, Figure]:
    """Return the kept figures of a server by item."""
    kept = {}
    for line in _section(page, server).splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|") or len(cells) != 1 + len(_NAMES) or cells[0] == "item":
            continue
        if cells[0].strip("-"):
            values = [None if cell == _NONE else float(cell) for cell in cells[1:]]
            kept[cells[0]] = Figure(cells[0], *values)
    return kept


def written(page: str, server: str, figures: Sequence[Figure]) -> str:
    """Return the page with the figures of this server replaced."""
    new = f"## {server}\n\n{table(figures)}\n"
    if old := _section(page, server):
        return page.replace(old, new)
    return f"{page.rstrip()}\n\n{new}"


def table(figures: Sequence[Figure]) -> str:
    rows = [
        " | ".join([figure.item, *(_cell(value) for value in _values(figure))])
        for figure in figures
    ]
    return "\n".join([_HEADER, *(f"| {row} |" for row in rows)])


def fallen(kept: dict[str, Figure], figures: Sequence[Figure]) -> Iterator[str]:
    """Yield a line for each figure that is worse by more than a fifth, and for each missing one.

    Worse by a fifth: four items cost what five cost before.
    """
    now = {figure.item: figure for figure in figures}
    for item, before in kept.items():
        if item not in now:
            yield f"{item}: kept, but not measured any more"
            continue
        pairs = zip(_NAMES, _values(before), _values(now[item]), strict=True)
        for name, old, new in pairs:
            if old is None or new is None:
                continue
            if new > _LEAST and old < _FELL * new:
                yield f"{item}: {name} {_cell(new)}, kept {_cell(old)}"


def _section(page: str, server: str) -> str:
    """Return a server's part of the page with its heading, or an empty string."""
    _, found, after = page.partition(f"## {server}\n")
    if not found:
        return ""
    return found + after.partition("\n## ")[0].rstrip("\n") + "\n"


def _values(figure: Figure) -> tuple[float | None, ...]:
    return figure.cpu, figure.server_cpu, figure.time, figure.trips


def _cell(value: float | None) -> str:
    return _NONE if value is None else f"{value:.3g}" if value < 100 else f"{value:.0f}"
