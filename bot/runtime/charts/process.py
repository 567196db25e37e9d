"""Draws charts in a process of its own: started by `drawing.py`, never imported.

matplotlib takes half a second to load and 70 MB, which must burden neither the bot nor its
commands. stdin: a JSON list of charts, in the form of `bot.domain.chart`. stdout: a PNG of each,
after its length in four bytes.

The pictures are read on a telephone, where 1080 pixels are as wide as a hand. So the type is
large, and each bar has a number at its end instead of an axis. Type and bars are in pixels.
"""

import json
import os
import sys
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import TypedDict

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.ft2font import FT2Font

WIDTH = 1080
_EDGE = 48
_DPI = 100
# Colours by Okabe and Ito, which colour-blind people tell apart; they differ in grey as well.
_TONES = {"main": "#0072B2", "light": "#9BD0F0", "accent": "#E69F00", "dark": "#4D4D4D"}
_INK, _PALE = "#1A1A1A", "#595959"
_FONTS = Path(matplotlib.get_data_path(), "fonts", "ttf")
_PLAIN, _BOLD = _FONTS / "DejaVuSans.ttf", _FONTS / "DejaVuSans-Bold.ttf"
_GLYPHS = frozenset(FT2Font(str(_PLAIN)).get_charmap())
_INVISIBLE = frozenset(map(ord, "\u200d\ufe0e\ufe0f"))
_TITLE, _SUBTITLE, _NAME, _LABEL, _SMALL = 52, 32, 36, 34, 28
_LINE = 1.35
# Heights of a bar with its gap, and of the bar alone.
_STEP, _BAR = 48, 40
# The gap after a cut bar, and the short piece after it, which shows that the bar goes on.
_GAP, _PIECE = 8, 18
_PADDING = 14


class _Bar(TypedDict):
    value: float
    tone: str
    label: str


class _Row(TypedDict):
    name: str
    bars: list[_Bar]


class _Chart(TypedDict):
    title: str
    subtitle: str
    rows: list[_Row]
    legend: list[tuple[str, str]]
    note: str
    overlaid: bool
    limit: float | None


def drawable(text: str) -> str:
    """Return the text without the characters that the font lacks, such as most emoji."""
    kept = "".join(c for c in text if ord(c) in _GLYPHS and ord(c) not in _INVISIBLE)
    return " ".join(kept.split()) or "–"


class _Page:
    """A picture that is filled from the top."""

    def __init__(self) -> None:
        self.figure = Figure(dpi=_DPI)
        self.canvas = FigureCanvasAgg(self.figure)
        self.axes: Axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set_axis_off()
        self.y = float(_EDGE)

    def width_of(self, text: str, size: float, *, bold: bool = False) -> float:
        renderer = self.canvas.get_renderer()  # type: ignore[no-untyped-call]
        font = _font(size, bold=bold)
        return float(renderer.get_text_width_height_descent(text, font, ismath=False)[0])

    def write(
        self, text: str, x: float, y: float, size: float, *, bold: bool = False, ink: str = _INK
    ) -> None:
        """Write one line of text. y: the middle of the line."""
        self.axes.text(
            x,
            y,
            text,
            fontproperties=_font(size, bold=bold),
            color=ink,
            va="center_baseline",
            parse_math=False,
        )

    def paragraph(self, text: str, size: float, *, bold: bool = False, ink: str = _INK) -> None:
        """Write text over the whole width, broken into lines."""
        for line in self._lines(drawable(text), size, bold=bold):
            self.write(line, _EDGE, self.y + size * _LINE / 2, size, bold=bold, ink=ink)
            self.y += size * _LINE

    def _lines(self, text: str, size: float, *, bold: bool) -> list[str]:
        lines: list[str] = []
        for word in text.split():
            longer = f"{lines[-1]} {word}" if lines else word
            if lines and self.width_of(longer, size, bold=bold) <= WIDTH - 2 * _EDGE:
                lines[-1] = longer
            else:
                lines.append(word)
        return lines

    def png(self) -> bytes:
        height = self.y + _EDGE
        self.figure.set_size_inches(WIDTH / _DPI, round(height) / _DPI)
        self.axes.set_xlim(0, WIDTH)
        self.axes.set_ylim(height, 0)
        out = BytesIO()
        self.canvas.print_png(out)  # type: ignore[no-untyped-call]
        return out.getvalue()


def _font(size: float, *, bold: bool = False) -> FontProperties:
    return FontProperties(fname=_BOLD if bold else _PLAIN, size=size * 72 / _DPI)


def draw(chart: _Chart) -> bytes:
    """Return the chart as a PNG."""
    page = _Page()
    page.paragraph(chart["title"], _TITLE, bold=True)
    page.paragraph(chart["subtitle"], _SUBTITLE, ink=_PALE)
    page.y += 20
    for tone, words in chart["legend"]:
        middle = page.y + _SMALL * _LINE / 2
        page.axes.barh(middle, 44, 26, left=_EDGE, color=_TONES[tone])
        page.write(drawable(words), _EDGE + 60, middle, _SMALL)
        page.y += _SMALL * _LINE + 6
    page.y += 14
    (_overlaid if chart["overlaid"] else _grouped)(page, chart)
    if chart["note"]:
        page.y += 18
        page.paragraph(chart["note"], _SMALL, ink=_PALE)
    return page.png()


def _grouped(page: _Page, chart: _Chart) -> None:
    """Draw the bars of each row one below the other, under the row's name."""
    bars: list[tuple[float, _Bar]] = []
    for row in chart["rows"]:
        page.paragraph(row["name"], _NAME, bold=True)
        for bar in row["bars"]:
            bars.append((page.y + _STEP / 2, bar))
            page.y += _STEP
        page.y += 22
    _draw_bars(page, bars, left=_EDGE, limit=chart["limit"])


def _overlaid(page: _Page, chart: _Chart) -> None:
    """Draw the bars of each row over one another, beside the row's name."""
    names = [drawable(row["name"]) for row in chart["rows"]]
    bars: list[tuple[float, _Bar]] = []
    for name, row in zip(names, chart["rows"], strict=True):
        middle = page.y + _STEP / 2
        page.write(name, _EDGE, middle, _LABEL, bold=True)
        label = "".join(bar["label"] for bar in row["bars"])
        # The label stands behind the first bar, which is the longest.
        for number, bar in enumerate(row["bars"]):
            bars.append((middle, {**bar, "label": "" if number else label}))
        page.y += _STEP
    left = _EDGE + max(page.width_of(name, _LABEL, bold=True) for name in names) + 16
    _draw_bars(page, bars, left=left, limit=chart["limit"])


def _draw_bars(
    page: _Page, bars: list[tuple[float, _Bar]], *, left: float, limit: float | None
) -> None:
    """Draw bars with their labels at a scale at which the widest label fits behind the longest.

    bars: the middle of each, from the top of the page. Bars over the limit are cut.
    """
    axes = page.axes.twiny()
    axes.set_axis_off()
    middles, colours = [middle for middle, _ in bars], [_TONES[bar["tone"]] for _, bar in bars]
    labels = [drawable(bar["label"]) if bar["label"] else "" for _, bar in bars]
    values = [bar["value"] if limit is None else min(bar["value"], limit) for _, bar in bars]
    is_cut = [limit is not None and bool(bar["label"]) and bar["value"] > limit for _, bar in bars]
    room = WIDTH - _EDGE - left - _PADDING - max(page.width_of(text, _LABEL) for text in labels)
    if any(is_cut):
        room -= _GAP + _PIECE
    pixel = max(values) / room or 1.0
    axes.set_xlim(-left * pixel, (WIDTH - left) * pixel)
    # A bar that is not zero must be seen.
    widths = [max(value, 4 * pixel) if value else 0.0 for value in values]
    axes.barh(middles, widths, _BAR, color=colours)
    ends = axes.barh(
        middles,
        [_PIECE * pixel if cut else 0.0 for cut in is_cut],
        _BAR,
        left=[w + _GAP * pixel if cut else w for w, cut in zip(widths, is_cut, strict=True)],
        color=colours,
    )
    padding, font = _PADDING * 72 / _DPI, _font(_LABEL)
    for text in axes.bar_label(ends, labels, padding=padding, fontproperties=font, color=_INK):
        text.set_verticalalignment("center_baseline")
        text.set_parse_math(False)


def _main() -> None:
    with suppress(OSError):
        os.nice(10)
    matplotlib.rcdefaults()
    charts = json.load(sys.stdin)
    for chart in charts:
        png = draw(chart)
        sys.stdout.buffer.write(len(png).to_bytes(4, "big") + png)


if __name__ == "__main__":
    _main()
