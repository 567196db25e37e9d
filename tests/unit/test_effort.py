"""What a large import takes is said before it; what would fill the disk is not begun."""

from datetime import UTC, datetime

import pytest

from bot.cli.import_ import say_effort
from bot.domain.effort import LARGE, Effort, effort_of
from bot.domain.errors import RefusedError
from bot.domain.job import Counts, Job, JobKind, JobState, Report
from bot.wording.job_report import report_lines
from bot.wording.values import Names
from handlers.admin.files.buttons import of_job

GB = 1_000_000_000
NAMES = Names(tags={}, departments={}, timezone=UTC)  # type: ignore[arg-type]


def preview(effort: Effort | None) -> tuple[str, list[str]]:
    """Return the lines and the buttons of a preview."""
    job = Job(
        id=1,
        kind=JobKind.IMPORT,
        state=JobState.CHECKED,
        by="admin:1",
        created_at=datetime(2026, 11, 29, tzinfo=UTC),
        preview=Counts(rows=200_000, created=200_000),
        effort=effort,
    )
    lines = "\n".join(line.text for line in report_lines(job, Report(), NAMES))
    return lines, [button.text for row in of_job(job) for button in row]


def test_a_large_import_says_what_it_takes(capsys: pytest.CaptureFixture[str]):
    effort = effort_of(200_000, 12 * GB)
    assert effort is not None
    lines, buttons = preview(effort)
    assert "Leva cerca de 3 min 22 s e 968 MB de disco (há 12,0 GB livres)" in lines
    assert "BALCAO_MONGODB_URI" in lines
    assert "✅ Importar 200.000" in buttons
    say_effort(effort, is_sure=False)
    assert "3 min 22 s" in capsys.readouterr().out


def test_what_would_fill_the_disk_is_not_begun(capsys: pytest.CaptureFixture[str]):
    effort = effort_of(200_000, GB)
    lines, buttons = preview(effort)
    assert "Não cabe no disco do servidor: são cerca de 968 MB, e há 1,0 GB livres" in lines
    assert not any("Importar" in text for text in buttons)
    with pytest.raises(RefusedError, match="Nada foi importado"):
        say_effort(effort, is_sure=False)
    say_effort(effort, is_sure=True)
    assert "Não cabe" in capsys.readouterr().out


def test_a_small_import_and_a_mongodb_server_need_no_word(capsys: pytest.CaptureFixture[str]):
    assert effort_of(LARGE - 1, 0) is None
    lines, buttons = preview(None)
    assert "disco" not in lines
    assert "✅ Importar 200.000" in buttons
    say_effort(None, is_sure=False)
    assert capsys.readouterr().out == ""
