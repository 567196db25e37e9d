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
from typing import Any

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
# The width left for the short piece after a cut bar, which shows that the bar goes on.
_CUT = 26


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

    def bar(self, x: float, middle: float, width: float, height: float, tone: str) -> None:
        self.axes.barh(middle, width, height, left=x, color=_TONES[tone], linewidth=0)

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


def draw(chart: dict[str, Any]) -> bytes:
    """Return the chart as a PNG."""
    page = _Page()
    page.paragraph(chart["title"], _TITLE, bold=True)
    page.paragraph(chart["subtitle"], _SUBTITLE, ink=_PALE)
    page.y += 20
    for tone, words in chart["legend"]:
        page.bar(_EDGE, page.y + _SMALL * _LINE / 2, 44, 26, tone)
        page.write(drawable(words), _EDGE + 60, page.y + _SMALL * _LINE / 2, _SMALL)
        page.y += _SMALL * _LINE + 6
    page.y += 14
    (_overlaid if chart["overlaid"] else _grouped)(page, chart)
    if chart["note"]:
        page.y += 18
        page.paragraph(chart["note"], _SMALL, ink=_PALE)
    return page.png()


def _grouped(page: _Page, chart: dict[str, Any]) -> None:
    """Draw the bars of each row one below the other, under the row's name."""
    labels = [bar["label"] for row in chart["rows"] for bar in row["bars"]]
    scale = _Scale(page, chart, left=_EDGE, labels=labels)
    for row in chart["rows"]:
        page.paragraph(row["name"], _NAME, bold=True)
        for bar in row["bars"]:
            middle = page.y + 24
            end = scale.bar(bar, middle, 40)
            page.write(drawable(bar["label"]), end + 14, middle, _LABEL)
            page.y += 48
        page.y += 22


def _overlaid(page: _Page, chart: dict[str, Any]) -> None:
    """Draw the bars of each row over one another, beside the row's name."""
    names = [drawable(row["name"]) for row in chart["rows"]]
    left = _EDGE + max(page.width_of(name, _LABEL, bold=True) for name in names) + 16
    labels = ["".join(bar["label"] for bar in row["bars"]) for row in chart["rows"]]
    scale = _Scale(page, chart, left=left, labels=labels)
    for name, row, label in zip(names, chart["rows"], labels, strict=True):
        middle = page.y + 24
        page.write(name, _EDGE, middle, _LABEL, bold=True)
        longest, *others = row["bars"]
        end = scale.bar(longest, middle, 38)
        for bar in others:
            # Only the longest bar goes on behind the cut.
            scale.bar(bar, middle, 38, goes_on=False)
        page.write(drawable(label), end + 14, middle, _LABEL)
        page.y += 48


class _Scale:
    """The scale of the bars, at which the widest label still fits behind the longest bar."""

    def __init__(
        self, page: _Page, chart: dict[str, Any], *, left: float, labels: list[str]
    ) -> None:
        self._page, self._left = page, left
        self._limit = chart["limit"]
        room = WIDTH - _EDGE - left - 14 - max(page.width_of(one, _LABEL) for one in labels)
        values = [bar["value"] for row in chart["rows"] for bar in row["bars"]]
        longest = max(values)
        if self._limit is not None and longest > self._limit:
            longest, room = self._limit, room - _CUT
        self._by = room / longest if longest else 0.0

    def bar(
        self, bar: dict[str, Any], middle: float, height: float, *, goes_on: bool = True
    ) -> float:
        """Draw the bar; return the place where it ends."""
        is_cut = self._limit is not None and bar["value"] > self._limit
        # A bar that is not zero must be seen.
        width = max(4.0, (self._limit if is_cut else bar["value"]) * self._by)
        self._page.bar(self._left, middle, width if bar["value"] else 0, height, bar["tone"])
        end = self._left + (width if bar["value"] else 0)
        if is_cut and goes_on:
            self._page.bar(end + 8, middle, _CUT - 8, height, bar["tone"])
            end += _CUT
        return end


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
