"""Any register, written in any kind of file: what is read equals what was meant, or it is told."""

import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bot.domain.candidate import Create, Policy, decide
from bot.domain.file_refusal import FileRefused
from bot.domain.file_shape import Question, Reading
from bot.domain.registration import ChangeSource, Provenance
from bot.domain.row import Row
from tests.files.conftest import read_people
from tests.files.registers import (
    DAMAGED_FILES,
    KINDS_OF_FILE,
    SPOILT,
    Person,
    headers,
    people,
    values_of,
)
from tests.unit.documents import STABLE

AT = Provenance(at=datetime(2026, 11, 1, tzinfo=UTC), by="cli", way=ChangeSource.IMPORT)
# How many registers of each kind; with many more, it takes minutes.
EXAMPLES = int(os.environ.get("REGISTERS", "4"))
BOUNDED = settings(
    STABLE,
    max_examples=EXAMPLES,
    phases=(Phase.explicit, Phase.generate),  # shrinking would write and read files for minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def written(some: Sequence[Person], header: Mapping[str, str]) -> list[list[str]]:
    return [list(header.values()), *([one.cells[path] for path in header] for one in some)]


def taken(rows: Sequence[Row]) -> list[tuple[object, ...]]:
    """Return the values of the rows that would enter."""
    policy = Policy(may_create=True, may_update=False)
    decisions = [
        decide(row.candidate, None, policy, provenance=AT, new_ids=iter("1")) for row in rows
    ]
    return [
        values_of(row.candidate)
        for row, decision in zip(rows, decisions, strict=True)
        if isinstance(decision, Create)
    ]


@pytest.mark.parametrize("kind", KINDS_OF_FILE)
@BOUNDED
@given(some=people, header=headers)
def test_what_the_docs_call_readable_is_read_as_it_was_meant(
    kind: str, some: list[Person], header: dict[str, str], tmp_path: Path
):
    found, rows = read_people(tmp_path / "file", KINDS_OF_FILE[kind](written(some, header)))
    assert [(one.field, one.doubt) for one in found.columns] == [(path, None) for path in header]
    # Accents that fit two encodings are asked about.
    if found.shape.questions != (Question.ENCODING,):
        assert found.shape.questions == ()
        assert [row.candidate.problems for row in rows] == [()] * len(some)
        assert [values_of(row.candidate) for row in rows] == [one.values for one in some]


@pytest.mark.parametrize("path", SPOILT)
@settings(BOUNDED, max_examples=2 * EXAMPLES)
@given(some=people, header=headers, data=st.data())
def test_a_spoilt_cell_refuses_its_row_and_no_other(
    path: str, some: list[Person], header: dict[str, str], data: st.DataObject, tmp_path: Path
):
    place = data.draw(st.integers(0, len(some) - 1))
    spoilt = some[place]
    spoilt.cells[path] = data.draw(st.sampled_from(SPOILT[path]))(spoilt)
    kind = data.draw(st.sampled_from(("excel-utf8", "libreoffice", "utf16-no-mark", "mysql")))
    found, rows = read_people(tmp_path / "file", KINDS_OF_FILE[kind](written(some, header)))
    if any(one.doubt for one in found.columns):
        return
    others = [one.values for one in some if one is not spoilt]
    # Decimals of a lone cell are read where only one reading is a document.
    assert taken(rows) in (others, [one.values for one in some] if path == "tax_id" else others)


@pytest.mark.parametrize("damage", DAMAGED_FILES)
@settings(BOUNDED, max_examples=2 * EXAMPLES)
@given(some=people, header=headers)
def test_a_damaged_file_is_asked_about_or_refused_and_nothing_is_swallowed(
    damage: str, some: list[Person], header: dict[str, str], tmp_path: Path
):
    note = list(header).index("fixed_note")
    meant = [one.values for one in some]
    try:
        found, rows = read_people(
            tmp_path / "file", DAMAGED_FILES[damage](written(some, header), note)
        )
    except FileRefused:
        return
    if found.shape.questions or any(one.doubt for one in found.columns):
        return
    assert all(values in meant for values in taken(rows))
    assert len(rows) >= len(some)


@settings(BOUNDED, max_examples=2 * EXAMPLES)
@given(some=people, header=headers)
def test_the_answer_on_marks_gives_every_swallowed_row_back(
    some: list[Person], header: dict[str, str], tmp_path: Path
):
    note = list(header).index("fixed_note")
    data = DAMAGED_FILES["swallowed"](written(some, header), note)
    _, rows = read_people(tmp_path / "file", data, Reading(quotes="text"))
    documents = [one.candidate.tax_id for one in rows]
    assert documents == [one.tax_id for one in some]
