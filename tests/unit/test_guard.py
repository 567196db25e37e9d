"""The formula guard: nothing runs, and nothing is lost on the way back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.guard import guarded, unguarded
from tests.unit.documents import STABLE

SIGNS = "=+-@＝＋－＠"
BREAKS = "\t\r\n\0"
BLANKS = " \v\f\u00a0\u3000\ufeff"
# Nearly every text of `st.text` begins with something harmless.
hostile = st.text(alphabet=f"'{SIGNS}{BREAKS}{BLANKS}a1\\", max_size=6)
texts = st.text() | hostile | st.tuples(hostile, st.text()).map("".join)


@pytest.mark.parametrize(
    "cell",
    [
        "=cmd|' /C calc'!A0",
        "=1+1",
        "+554999998888",
        "+351 912 345 678",
        "-1",
        "-",
        "@SUM(A1:A9)",
        "\t=1",
        "\tAna",
        "\rAna",
        "\nAna",
        "\0Ana",
        " =1+1",
        "  \u00a0=1+1",
        "\ufeff=1+1",
        "＝1+1",
        "＠SUM(1)",
        "'=1+1",
        "''=1+1",
        "' =1+1",
        "'\tAna",
    ],
)
def test_what_would_run_begins_with_one_apostrophe_more(cell: str):
    assert guarded(cell) == f"'{cell}"
    assert unguarded(guarded(cell)) == cell


@pytest.mark.parametrize(
    "cell",
    [
        "",
        "Ana",
        "(49) 99999-8888",
        "390.533.447-05",
        "1-2",
        "a=1",
        " Ana",
        "'",
        "''",
        "'Ana'",
        "'90s",
        "d'Ávila",
        "\\=1",
        '"=1"',
        ";=1",
        "😀",
        "\u202e=1",
        "ação",
    ],
)
def test_everything_else_stays_as_it_is_both_ways(cell: str):
    assert guarded(cell) == cell
    assert unguarded(cell) == cell


def test_a_cell_that_a_spreadsheet_has_freed_of_its_apostrophe_is_left_alone():
    assert unguarded("=1+1") == "=1+1"
    assert unguarded("+554999998888") == "+554999998888"


@STABLE
@given(texts)
def test_the_guard_comes_off_again(cell: str):
    assert unguarded(guarded(cell)) == cell


@STABLE
@given(texts)
def test_no_guarded_cell_begins_like_a_formula(cell: str):
    safe = guarded(cell)
    assert safe in (cell, f"'{cell}")
    assert safe[:1] not in (*SIGNS, *BREAKS)
    assert safe.lstrip(BLANKS + BREAKS)[:1] not in tuple(SIGNS)


@STABLE
@given(texts)
def test_only_what_the_guard_can_have_made_loses_its_apostrophe(cell: str):
    plain = unguarded(cell)
    assert plain == cell or guarded(plain) == cell
