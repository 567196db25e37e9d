"""Real-life files go through a whole import and are read as they were meant."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from bot.domain.columns import assign, fields_of, map_header
from bot.domain.fields import UPDATABLE
from bot.domain.file_refusal import FileReason, FileRefused
from bot.domain.job import ImportOptions, Job, JobState, JobTrouble
from bot.domain.registration import Kind
from bot.runtime.files.table import inspect
from tests.files import corpus
from tests.jobs.conftest import JobRunner

pytestmark = pytest.mark.embedded

Choices = Mapping[int, str | None]
"""Columns that an admin assigns (field) or ignores (None), by position."""

WHOLE = [
    pytest.param(corpus.excel_pt_br(), id="excel"),
    pytest.param(corpus.utf8_with_bom(), id="utf8-bom"),
    pytest.param(corpus.utf16_tabs(), id="utf16"),
    pytest.param(corpus.libreoffice(), id="libreoffice"),
    pytest.param(corpus.gz(corpus.excel_pt_br()), id="gz"),
    pytest.param(corpus.zipped(clientes_csv=corpus.excel_pt_br()), id="zip"),
    pytest.param(corpus.xlsx([corpus.HEADER, *corpus.ROWS]), id="xlsx"),
]


@pytest.fixture
def sent(runner: JobRunner) -> Callable[..., Any]:
    """Return a function that imports a file with assigned columns, all as prospects."""

    async def sent(data: bytes, choices: Choices | None = None) -> Job:
        path = runner.folder / "sent"
        path.write_bytes(data)
        shape = (await inspect(path, name="clientes.csv")).shape
        columns = map_header(shape.header)
        for place, field in (choices or {}).items():
            columns = assign(columns, place, field)
        job = await runner.manage.begin_import(
            path,
            name="clientes.csv",
            by="admin:1",
            options=ImportOptions(
                columns=tuple(fields_of(columns)),
                update=True,
                fields=frozenset(UPDATABLE),
                default_kind=Kind.PROSPECT,
            ),
            shape=shape,
            state=JobState.RUNNING,
        )
        return await runner.job(job.id)

    return sent


async def stored(runner: JobRunner, *fields: str) -> list[tuple[Any, ...]]:
    """Return these fields of all registrations, sorted by name."""
    found = await runner.database["registrations"].find({}).sort("name", 1).to_list(None)
    return [tuple(one.get(field) for field in fields) for one in found]


def counts(job: Job) -> dict[str, Any]:
    return job.counts.model_dump(exclude_defaults=True)


async def reasons(runner: JobRunner, job: Job) -> list[tuple[int, list[str]]]:
    report = await runner.work.report(job)
    return [(one.line, [reason for _, reason, _ in one.reasons]) for one in report.refused]


@pytest.mark.parametrize("data", WHOLE)
async def test_the_template_enters_whole_from_whatever_writes_it(
    runner: JobRunner, sent: Callable[..., Any], data: bytes
):
    job = await sent(data)
    assert job.state is JobState.DONE
    assert counts(job) == {"rows": 2, "created": 2}
    fields = ("name", "tax_key", "trade_name", "phones", "email", "status", "kinds", "tags")
    assert await stored(runner, *fields) == [
        (
            "João Conceição",
            corpus.CPF.key,
            None,
            {"commercial": "+554933334444", "home": None, "mobile": "+5549999998888"},
            "joao@exemplo.com.br",
            "active",
            ["customer"],
            ["t1"],
        ),
        (
            "Padaria Pão & Cia – “Central”",
            corpus.CNPJ.key,
            "Pão, Cia; e filhos",
            {"commercial": "+554932221111", "home": None, "mobile": None},
            "contato@exemplo.com.br",
            "inactive",
            ["customer", "supplier"],
            [],
        ),
    ]
    assert counts(await sent(data)) == {"rows": 2, "unchanged": 2}


GROUPS = corpus.GOOGLE_HEADER.index("Group Membership")
WITH_DOUBTS = [
    # Only the group's cell is wrong; with that column ignored, only the tax id is missing.
    pytest.param(corpus.google_contacts(), {GROUPS: None}, [(2, ["no_tax_id"])], id="google"),
    pytest.param(corpus.scientific(), {}, [(2, ["tax_id_scientific_notation"])], id="scientific"),
    pytest.param(
        corpus.broken_lines(),
        {},
        [
            (2, ["tax_id_wrong_length"]),
            (7, ["tax_id_wrong_length"]),
            (9, ["tax_id_wrong_length", "no_name"]),
        ],
        id="line-breaks",
    ),
    pytest.param(
        corpus.doubtful_header(),
        {3: None, 4: None, 1: "trade_name"},
        [(2, ["tax_id_nothing_like_a_number"])],
        id="doubtful-header",
    ),
    pytest.param(
        corpus.ragged(),
        {},
        [
            (2, ["no_tax_id"]),
            (3, ["tax_id_wrong_length"]),
            (4, ["too_many_cells", "tax_id_wrong_length"]),
            (6, ["tax_id_wrong_length"]),
        ],
        id="ragged",
    ),
    pytest.param(
        corpus.long_cells(),
        {},
        [(2, ["no_tax_id", "note_too_long"]), (3, ["no_tax_id", "name_too_long"])],
        id="5000-characters",
    ),
    pytest.param(
        corpus.nul_bytes(),
        {},
        [
            (2, ["tax_id_wrong_length"]),
            (3, ["unreadable_characters", "tax_id_wrong_length"]),
            (4, ["tax_id_wrong_length"]),
        ],
        id="nul",
    ),
]


@pytest.mark.parametrize(("data", "choices", "refused"), WITH_DOUBTS)
async def test_each_row_that_does_not_enter_says_why(
    runner: JobRunner,
    sent: Callable[..., Any],
    data: bytes,
    choices: Choices,
    refused: list[tuple[int, list[str]]],
):
    job = await sent(data, choices)
    assert job.state is JobState.DONE
    assert await reasons(runner, job) == refused
    assert counts(job) == {"rows": len(refused), "refused": len(refused)}
    assert await stored(runner, "name") == []


async def test_numbers_of_a_workbook_enter_with_their_lost_zeros(
    runner: JobRunner, sent: Callable[..., Any]
):
    job = await sent(corpus.xlsx_numbers())
    assert job.state is JobState.DONE
    assert await stored(runner, "name", "tax_key", "fixed_note") == [
        ("Ana", corpus.LOST_ZEROS.key, "2024-02-29"),
    ]
    assert counts(job) == {"rows": 4, "created": 1, "refused": 3, "repaired": 1}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(b"", FileReason.EMPTY, id="empty"),
        pytest.param(corpus.header_only(), FileReason.HEADER_ONLY, id="header-only"),
        pytest.param(corpus.a_pdf(), FileReason.NOT_A_TABLE, id="pdf"),
        pytest.param(corpus.old_excel(), FileReason.OLD_EXCEL, id="xls"),
        pytest.param(corpus.encrypted_zip(), FileReason.ENCRYPTED, id="encrypted"),
        pytest.param(corpus.gz(corpus.tar(corpus.excel_pt_br())), FileReason.NESTED, id="tar-gz"),
        pytest.param(corpus.zip_bomb(100_000_000), FileReason.TOO_LARGE, id="bomb"),
    ],
)
async def test_what_cannot_be_read_is_refused_with_its_reason(
    runner: JobRunner, sent: Callable[..., Any], data: bytes, reason: FileReason
):
    with pytest.raises(FileRefused) as raised:
        await sent(data)
    assert raised.value.reason is reason
    # If nobody checked the file before, the job itself reports the trouble.
    path = runner.folder / "sent"
    job = await runner.manage.begin_import(
        path,
        name="clientes.csv",
        by="admin:1",
        options=ImportOptions(columns=("name",)),
        state=JobState.RUNNING,
    )
    job = await runner.job(job.id)
    assert (job.state, job.trouble) == (JobState.FAILED, JobTrouble.FILE)
    assert job.file_trouble
    assert job.file_trouble.reason == reason
    assert await stored(runner, "name") == []
