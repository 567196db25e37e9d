"""The figures of docs/figures.md are read as they were written, and what fell is named."""

from dataclasses import replace

import pytest

from benchmarks.figures import Figure
from benchmarks.kept import PAGE, fallen, read, written

SERVER = "Embedded server"
ROW = Figure("a row", cpu=0.25, server_cpu=1.5, time=2.0, trips=0.01)
PRESS = Figure("a press", cpu=3.0, server_cpu=None, time=None, trips=9.0)
KEPT = {figure.item: figure for figure in (ROW, PRESS)}


def test_a_table_is_read_as_it_was_written():
    page = written("# Figures\n\nWords.\n", SERVER, [ROW])
    page = written(page, "MongoDB 8.2", [PRESS])
    page = written(page, SERVER, [ROW, PRESS])
    assert read(page, SERVER) == KEPT
    assert read(page, "MongoDB 8.2") == {"a press": PRESS}
    assert read(page, "MongoDB 7.0") == {}
    assert page.startswith("# Figures\n\nWords.\n\n## Embedded server\n")
    assert written(page, SERVER, [ROW, PRESS]) == page


def test_the_page_holds_figures_of_the_embedded_server():
    assert read(PAGE.read_text(encoding="utf-8"), SERVER)


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (replace(PRESS, trips=11.2), []),
        (replace(PRESS, trips=11.3), ["a press: round trips 11.3, kept 9"]),
        (replace(PRESS, cpu=3.8, trips=1.0), ["a press: our CPU 3.8, kept 3"]),
        (replace(PRESS, server_cpu=5.0, time=5.0), []),
        (replace(PRESS, item="another"), ["a press: kept, but not measured any more"]),
    ],
)
def test_what_is_worse_by_more_than_a_fifth_is_named(now: Figure, said: list[str]):
    assert list(fallen(KEPT, [ROW, now])) == said
