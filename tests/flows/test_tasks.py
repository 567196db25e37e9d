"""/tarefas, and the buttons of jobs, also when they are old."""

import itertools
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.demo.documents import make_cpf
from bot.domain.candidate import CellReason, Refusal
from bot.domain.errors import TryLaterError
from bot.domain.fields import UPDATABLE
from bot.domain.file_refusal import FileReason, FileRefused
from bot.domain.job import (
    COMMAND_LINE,
    LINES,
    Counts,
    FileTrouble,
    Job,
    JobKind,
    JobState,
    JobTrouble,
    Kept,
    Progress,
    Report,
    RowReport,
    Sample,
    Source,
)
from bot.domain.portal import PasswordRefusal, UsernameRefusal
from bot.domain.row import ACCEPTED
from bot.wording.jobs import cannot_undo, duration
from bot.wording.reasons import describe, describe_file, describe_trouble
from bot.wording.values import Names
from handlers.admin.files import report_texts, texts
from handlers.admin.files.services import TelegramJobNotifier
from tests.flows.conftest import ADMIN_ID, BIA, Start
from tests.flows.file_admin import FileAdmin

# Long, and not about the database.
pytestmark = pytest.mark.embedded

NOW = datetime(2026, 11, 24, 12, 30, tzinfo=UTC)
NAMES = Names(timezone=ZoneInfo("America/Sao_Paulo"))
HOSTILE = "<b>&{x}</i>"


@pytest.fixture
async def admin(start: Start, tmp_path: Path) -> AsyncIterator[FileAdmin]:
    async with start(data_dir=tmp_path, admin_ids=(ADMIN_ID, BIA)) as telegram:
        yield FileAdmin(telegram, ADMIN_ID)


def people(*numbers: int) -> str:
    lines = [f"Pessoa {n};{make_cpf(300_000 + n).masked};cliente" for n in numbers]
    return "\n".join(["Nome;cpfCnpj;tipoRegistro", *lines, ""])


def a_job(**values: Any) -> Job:
    return Job.model_validate(
        {
            "id": 12,
            "kind": JobKind.IMPORT,
            "state": JobState.DONE,
            "by": "admin:1",
            "created_at": NOW,
            **values,
        }
    )


def screens(found: Report, **values: Any) -> list[str]:
    """Return every text that the bot can send about such a job."""
    job = a_job(**values)
    return [
        report_texts.report(job, found, NAMES),
        report_texts.details(job, found, NAMES),
        report_texts.progress(job, job.counts, rows_a_second=3.0, left_s=70.0),
        report_texts.list_line(job, NAMES),
        report_texts.cancelled(job),
        report_texts.state_message(job),
        texts.ask_to_undo(job),
        cannot_undo(job),
    ]


async def test_without_jobs_it_says_what_will_be_there(admin: FileAdmin):
    assert "Ainda não houve nenhuma" in await admin.says("/tarefas")


async def test_jobs_are_listed_in_pages_and_opened(admin: FileAdmin):
    for number in range(8):
        await admin.imports(people(number), f"{HOSTILE}{number}.csv")
    first = await admin.says("/tarefas")
    assert [label for label in admin.buttons if "✅" in label] == [
        f"✅ {n}" for n in range(8, 2, -1)
    ]
    assert f"✅ 8 · Importação de {HOSTILE}7.csv" in first
    assert "Dora · 1 novo, 0 atualizados" in first
    assert await admin.presses("Mais antigas") != first
    assert admin.buttons == ["✅ 2", "✅ 1", "◀️ Mais novas"]
    assert await admin.presses("Mais novas") == first
    opened = await admin.presses("✅ 5")
    assert "Tarefa 5 · Importação concluída" in opened
    assert "👤 Dora" in opened
    assert admin.buttons == ["↩️ Desfazer", "⬅️ Tarefas"]
    assert await admin.presses("⬅️ Tarefas") == first


async def test_undo_asks_and_is_done_once_and_can_be_undone(admin: FileAdmin):
    assert admin.telegram.balcao is not None
    count = admin.telegram.balcao.registrations.count
    await admin.imports(people(1, 2))
    report = admin.message
    assert "Desfazer a tarefa 1?" in await admin.presses("Desfazer")
    await admin.presses("Não")
    assert admin.last == texts.NOT_UNDONE
    await admin.presses("Desfazer", screen=report)
    question = admin.message
    await admin.presses("Sim, desfazer")
    await admin.reads("Tarefa 2: importação da tarefa 1 desfeita")
    assert await count() == 0
    undone = admin.message
    for old, label in ((report, "Desfazer"), (question, "Sim, desfazer")):
        await admin.presses(label, screen=old)
        assert "já foi desfeita, pela tarefa 2" in admin.told
    await admin.presses("Desfazer", screen=undone)
    await admin.presses("Sim, desfazer")
    assert "♻️ 2 trazidos de volta" in await admin.reads("Tarefa 3: tarefa 2 desfeita")
    assert await count() == 2


async def test_what_somebody_changed_since_is_kept_and_named(admin: FileAdmin):
    await admin.imports(people(1, 2))
    report = admin.message
    await admin.says("/clientes pessoa 1")
    await admin.presses("Pessoa 1 ·")
    await admin.presses("Inativar")
    await admin.presses("Desfazer", screen=report)
    await admin.presses("Sim, desfazer")
    said = await admin.reads("da tarefa 1 desfeita")
    assert "🗑 1 retirado\n" in said
    assert "✋ 1 mantido: alguém mudou depois" in said
    assert "• Pessoa 1: o cadastro todo" in said


async def test_another_admin_confirms_and_gets_the_report(admin: FileAdmin):
    await admin.sends(people(1))
    await admin.presses("Conferir arquivo")
    await admin.reads("Prévia")
    mine = admin.message
    bia = FileAdmin(admin.telegram, BIA)
    assert "esperando confirmação" in await bia.says("/tarefas")
    assert "Prévia" in await bia.presses("❓ 1")
    await bia.presses("Importar 1")
    await bia.reads("Importação concluída")
    await admin.presses("Importar 1", screen=mine)
    assert admin.told == "A tarefa 1 já terminou."


async def test_files_are_sent_again_until_they_are_gone(admin: FileAdmin, database: Any):
    await admin.imports(f"{people(1)}Rui;;cliente\n")
    await admin.receives()
    report = admin.message
    await admin.presses("Linhas recusadas", screen=report)
    assert admin.rows(await admin.receives(2))[1][0] == "Rui"
    await database["files.files"].delete_many({})
    await admin.presses("Linhas recusadas", screen=report)
    assert admin.last == texts.FILE_GONE


async def test_buttons_of_a_job_that_is_no_more_say_so(admin: FileAdmin):
    await admin.says("/importar")
    for verb in ("confirm", "options", "cancel", "undo", "sure", "files", "open"):
        pressed = admin.telegram.emulator.press(
            ADMIN_ID, ADMIN_ID, admin.message["message_id"], data=f"job:{verb}:77:0", force=True
        )
        await admin.telegram.settled()
        answer = admin.telegram.emulator.callback_answer(pressed)
        assert answer is not None
        assert answer["text"] == texts.GONE, verb


async def test_who_is_no_admin_any_more_is_told_nothing(admin: FileAdmin):
    assert admin.telegram.balcao is not None

    async def names() -> Names:
        return NAMES

    async def nobody() -> list[int]:
        return []

    notifier = TelegramJobNotifier(bot=admin.telegram.balcao.bot, names=names, admin_ids=nobody)
    before = len(admin.telegram.emulator.calls)
    await notifier.notify(a_job(progress=Progress(chat_id=ADMIN_ID, message_id=1)), Report(), [])
    assert [
        c for c in list(admin.telegram.emulator.calls)[before:] if c.method != "getUpdates"
    ] == []


async def test_while_telegram_is_away_the_end_of_a_job_waits(admin: FileAdmin):
    assert admin.telegram.balcao is not None

    async def names() -> Names:
        return NAMES

    async def admins() -> list[int]:
        return [ADMIN_ID]

    notifier = TelegramJobNotifier(bot=admin.telegram.balcao.bot, names=names, admin_ids=admins)
    job = a_job(progress=Progress(chat_id=ADMIN_ID, message_id=1))
    for status in (400, 403, 502):
        admin.telegram.emulator.fail_next("sendMessage", status, "no")
        admin.telegram.emulator.fail_next("editMessageText", status, "no")
        with pytest.raises(TryLaterError):
            await notifier.notify(job, Report(), [])
        await notifier.progress(job, Counts(), rows_a_second=1.0, left_s=None)
    admin.telegram.emulator.fail_next("sendMessage", 403, "Forbidden: bot was blocked by the user")
    await notifier.notify(job, Report(), [])


def test_every_reason_of_a_row_has_its_sentence():
    details = {
        CellReason.USERNAME: [refusal.name.lower() for refusal in UsernameRefusal],
        CellReason.PASSWORD: [refusal.name.lower() for refusal in PasswordRefusal],
    }
    said = set()
    for reason in CellReason:
        for detail in details.get(reason, [HOSTILE]):
            row = RowReport(line=7, reasons=(("phones.home", reason.value, detail),))
            sentence = describe(row)
            assert sentence.startswith("Telefone residencial: ")
            assert "{" not in sentence.replace(HOSTILE, "")
            said.add(sentence)
    assert len(said) == len(CellReason) - 2 + len(UsernameRefusal) + len(PasswordRefusal)
    for refusal in Refusal:
        said.add(describe(RowReport(line=7, reasons=(("", refusal.value, "3"),))))
    assert "repete a linha 3" in said
    assert len(said) == (
        len(CellReason) - 2 + len(UsernameRefusal) + len(PasswordRefusal) + len(Refusal)
    )


def test_a_row_tells_all_its_reasons():
    row = RowReport(
        line=7,
        reasons=(
            ("email", CellReason.EMAIL.value, ""),
            ("portal.password", CellReason.PASSWORD.value, "too_short"),
            ("", Refusal.NO_KIND.value, ""),
            ("", Refusal.REPEATED.value, ""),
        ),
    )
    parts = describe(row).split("; ")
    assert parts[0].startswith("E-mail: ")
    assert "Senha do portal: a senha tem menos de 8 caracteres" in parts
    assert any(part.startswith("falta o tipo") for part in parts)
    assert any(part.startswith("repete um cadastro") for part in parts)


@pytest.mark.parametrize("reason", list(FileReason))
def test_every_reason_of_a_file_has_its_sentence(reason: FileReason):
    for refused in (
        FileRefused(reason),
        FileRefused(reason, line=7_000, names=(HOSTILE * 9, "b"), found=300),
        FileTrouble(reason=reason.value, line=7),
    ):
        sentence = describe_file(refused)
        assert sentence.endswith((".", "envie outra vez."))
        assert "{" not in sentence.replace(HOSTILE, "")[:30]
        assert len(sentence) < 400
    assert len({describe_file(FileRefused(one)) for one in FileReason}) == len(FileReason)


@pytest.mark.parametrize("trouble", list(JobTrouble))
def test_every_trouble_of_a_job_has_its_sentence(trouble: JobTrouble):
    job = a_job(state=JobState.FAILED, trouble=trouble)
    assert describe_trouble(job) in report_texts.report(job, Report(), NAMES)


@pytest.mark.parametrize(
    ("kind", "state"),
    list(itertools.product(JobKind, JobState)),
    ids=lambda value: str(value),
)
def test_the_largest_report_fits_in_one_message(kind: JobKind, state: JobState):
    reasons = tuple((path, CellReason.TAG.value, HOSTILE * 6) for path in UPDATABLE)
    counts = Counts.model_validate(
        dict.fromkeys(set(Counts.model_fields) - {"fields", "problems"}, 10**9)
        | {
            "fields": dict.fromkeys(UPDATABLE, 10**9),
            "problems": dict.fromkeys(ACCEPTED, 10**9),
        }
    )
    found = Report(
        refused=tuple(RowReport(line=10**9 + n, reasons=reasons) for n in range(LINES)),
        repaired=tuple(10**9 + n for n in range(LINES)),
        replanned=tuple(10**9 + n for n in range(LINES)),
        kept=tuple(
            Kept(registration_id="1", name=HOSTILE * 30, paths=UPDATABLE) for _ in range(LINES)
        ),
    )
    samples = tuple(
        Sample(path="name", line=1, name=HOSTILE * 30, before=HOSTILE * 90, after=HOSTILE * 90)
        for _ in range(60)
    )
    said = screens(
        found,
        id=10**9,
        kind=kind,
        state=state,
        by=COMMAND_LINE,
        counts=counts,
        preview=counts,
        samples=samples,
        total=10**9,
        working_s=10.0**6,
        undoes=10**8,
        undone_by=10**8,
        source=Source(file_id="1", name=HOSTILE * 30, size_bytes=1),
    )
    # This counts more than Telegram does, where an escaped sign is one character.
    assert max(map(len, said)) < 4096


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.2, "1 s"), (59.4, "59 s"), (200, "3 min 20 s"), (3600, "1 h"), (3900, "1 h 5 min")],
)
def test_durations_are_in_words(seconds: float, said: str):
    assert duration(seconds) == said


def test_progress_tells_how_far_how_fast_and_how_long():
    job = a_job(state=JobState.RUNNING, total=1_000)
    said = report_texts.progress(job, Counts(rows=420), rows_a_second=350.4, left_s=80)
    assert "▓▓▓▓░░░░░░ 42%" in said
    assert "420 de 1.000 linhas" in said
    assert "350 por segundo · faltam cerca de 1 min 20 s" in said
