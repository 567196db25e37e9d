"""/backup: the whole register as a file in the admin's chat, and nothing left behind."""

import asyncio
import hashlib
import re
import stat
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.demo import people as demo
from bot.demo.bot_api import BotApiEmulator
from bot.domain.errors import RefusedError
from bot.domain.job import Job, JobKind, JobState, JobTrouble, Progress, Source
from bot.runtime.jobs.runs import JobRuns
from bot.runtime.leases import keep_chats
from bot.usecases.jobs.begin_backup import AlreadyRunning, BeginBackup
from bot.wiring.chat_jobs import backing_up
from handlers.admin.company import maintenance_texts as texts
from handlers.admin.company.backup import TelegramBackups
from storage.backup.backup import COLLECTIONS, check_backup
from storage.jobs.jobs import Jobs
from storage.updates.states import chat_leases
from tests.flows.admin import Admin
from tests.flows.conftest import ADMIN_ID, BIA, Clock, Start, Telegram
from tests.flows.wording import plain
from tests.patience import HANG_S
from tests.storage.broken_places import fill, mounted
from tests.storage.servers import connected_until_lost, kill, noted_pid, short_lived

NAME = re.compile(r"balcao-\d{4}-\d\d-\d\d-\d{4}\.backup")
AT = datetime(2026, 11, 24, 15, 30, tzinfo=UTC)


@pytest.fixture
async def people(start: Start, tmp_path: Path) -> AsyncIterator[Telegram]:
    async with start(data_dir=tmp_path) as telegram:
        yield telegram


def documents(telegram: BotApiEmulator, chat_id: int = ADMIN_ID) -> list[dict[str, Any]]:
    return [m for m in telegram.messages(chat_id) if "document" in m]


def left_in(data_dir: Path) -> list[Path]:
    return [p for p in data_dir.rglob("*") if "backup" in p.name or p.name.startswith("job-")]


async def received(telegram: BotApiEmulator) -> dict[str, Any]:
    await telegram.until(lambda: documents(telegram))
    return documents(telegram)[-1]


async def over(people: Telegram, text: str) -> None:
    await people.emulator.until(lambda: plain(text) in people.texts(ADMIN_ID))


async def finished(database: Any) -> Job:
    """Return the latest backup once its worker has left it."""
    async with asyncio.timeout(HANG_S):
        while not (jobs := await Jobs(database).backups()) or jobs[0].owner or jobs[0].is_active:
            pass
    return jobs[0]


def why(trouble: JobTrouble) -> str:
    """Return what the admin reads when a backup failed for this reason."""
    failed = {"kind": JobKind.BACKUP, "state": JobState.FAILED, "trouble": trouble}
    return texts.trouble(Job(id=1, by="admin:1", created_at=AT, **failed))


def make_by(people: Telegram, **changes: Any) -> None:
    """Change how the bot makes backups: what writes or sends them, or how large they may be."""
    assert people.balcao is not None
    work = people.balcao.jobs.work
    assert isinstance(work._run, JobRuns)
    assert work._run.make_backup is not None
    if data_dir := changes.pop("data_dir", None):
        work._data_dir = data_dir
    work._run = replace(work._run, make_backup=replace(work._run.make_backup, **changes))


async def press(people: Telegram, text: str, *, on: dict[str, Any] | None = None) -> str:
    """Press a button of /backup; return the text of the callback answer."""
    message = on or Admin(people, ADMIN_ID).message
    pressed = people.emulator.press(ADMIN_ID, ADMIN_ID, message["message_id"], text=text)
    await people.settled()
    answer = people.emulator.callback_answer(pressed)
    assert answer is not None, "the button spins for ever"
    return answer["text"] or ""


async def back_up_now(people: Telegram) -> int:
    """Ask for a backup; return the id of the message that shows it."""
    await Admin(people, ADMIN_ID).says("/backup")
    message_id = int(Admin(people, ADMIN_ID).message["message_id"])
    await press(people, texts.BACK_UP_NOW)
    return message_id


async def test_the_whole_register_comes_as_a_file(people: Telegram, tmp_path: Path, database: Any):
    await people.customer(demo.ANA).is_in_conversation()
    admin = Admin(people, ADMIN_ID)
    explained = await admin.says("/backup")
    assert "São dados pessoais, e o arquivo não é criptografado" in explained
    assert "balcao restore ARQUIVO" in explained
    question = admin.message["message_id"]
    await press(people, texts.BACK_UP_NOW)
    message = await received(people.emulator)
    await over(people, texts.SENT)
    document = message["document"]
    assert NAME.fullmatch(document["file_name"])
    file = people.emulator.files.by_id(document["file_id"])
    assert file is not None
    caption = message["caption"]
    assert "1 cadastro\n" in caption
    assert "1 atendimento\n" in caption
    assert f"sha256: {hashlib.sha256(file.content).hexdigest()}" in caption
    assert "balcao restore ARQUIVO" in caption
    [sent] = people.emulator.calls_of("sendDocument")
    assert sent.params.get("protect_content") in (None, "", "false", False)
    # The question was edited into the progress message, without buttons.
    [shown] = [m for m in people.messages(ADMIN_ID) if m["message_id"] == question]
    assert shown["text"] == plain(texts.SENT)
    assert "reply_markup" not in shown
    job = await finished(database)
    assert job.state is JobState.DONE
    assert job.counts.fields["registrations"] == 1
    assert job.results == (
        Source(file_id="", name=document["file_name"], size_bytes=len(file.content)),
    )
    assert left_in(tmp_path) == []
    path = tmp_path / "received"
    path.write_bytes(file.content)
    assert check_backup(path, lambda _: None)["registrations"].count == 1
    assert re.search(rf"{job.id} · Backup\n.* documentos", await admin.says("/tarefas"))
    opened = await admin.presses(f"✅ {job.id}")
    assert f"Tarefa {job.id} · Backup concluída" in opened
    assert f"{sum(job.counts.fields.values())} documentos" in opened
    assert re.search(
        rf"Último backup: .*, por administrador {ADMIN_ID}, \d KB", await admin.says("/status")
    )


def test_every_collection_is_named_and_all_of_it_fits_below_a_document():
    counts = dict.fromkeys(COLLECTIONS, 10**9)
    shown = plain(texts.caption(counts, size_bytes=10**9, sha256="f" * 64))
    assert shown.count("1.000.000.000 ") == len(COLLECTIONS)
    assert len(shown) <= 1024


async def test_cancelling_makes_none(people: Telegram, database: Any):
    admin = Admin(people, ADMIN_ID)
    await admin.says("/backup")
    await press(people, texts.CANCEL)
    assert people.texts(ADMIN_ID)[-1] == texts.CANCELLED
    assert await Jobs(database).backups() == []
    assert documents(people.emulator) == []


async def test_while_it_is_sent_the_admin_is_answered_and_no_second_one_begins(people: Telegram):
    admin = Admin(people, ADMIN_ID)
    taken = asyncio.Event()
    people.emulator.fail_next("sendDocument", held=taken)
    await admin.says("/backup")
    first = admin.message
    await admin.says("/backup")
    second = admin.message
    await press(people, texts.BACK_UP_NOW, on=first)
    await people.emulator.until(lambda: people.emulator.calls_of("sendDocument"))
    for screen in (first, second):
        pressed = people.emulator.press(
            ADMIN_ID, ADMIN_ID, screen["message_id"], data="backup:g", force=True
        )
        await people.settled()
        told = people.emulator.callback_answer(pressed)
        assert re.fullmatch(
            r"Já há um backup em andamento, desde \d\d/\d\d/\d{4} às \d\d:\d\d\. .*", told["text"]
        )
        assert len(told["text"]) <= 200
    assert "Backup em andamento desde" in await admin.says("/status")
    assert documents(people.emulator) == []
    taken.set()
    await received(people.emulator)
    await over(people, texts.SENT)
    # Both buttons of the old screen have expired.
    for data in ("backup:g", "backup:c"):
        pressed = people.emulator.press(
            ADMIN_ID, ADMIN_ID, first["message_id"], data=data, force=True
        )
        await people.settled()
        assert people.emulator.callback_answer(pressed)["text"] == texts.ALREADY_DONE
    assert plain(texts.SENT) in people.texts(ADMIN_ID)
    assert len(documents(people.emulator)) == 1


async def test_stopping_the_bot_leaves_no_file_and_the_next_start_makes_it(
    start: Start, tmp_path: Path, telegram: BotApiEmulator, database: Any
):
    telegram.fail_next("sendDocument", hang=True)
    async with start(data_dir=tmp_path) as people:
        await back_up_now(people)
        await telegram.until(lambda: telegram.calls_of("sendDocument"))
        assert left_in(tmp_path) != []
    assert left_in(tmp_path) == []
    assert documents(telegram) == []
    # As a killed process leaves it, before backups were jobs.
    (tmp_path / "chat-backup-4001-1").mkdir()
    async with start(data_dir=tmp_path) as people:
        await received(telegram)
        await over(people, texts.SENT)
        assert (await finished(database)).tries == 2
        assert left_in(tmp_path) == []
    assert len(documents(telegram)) == 1


async def test_of_many_replicas_one_begins_it(database: Any, clock: Clock):
    async def nobody(job_id: int) -> None: ...

    replicas = [
        BeginBackup(
            jobs=Jobs(database),
            wake=nobody,
            holding=keep_chats(chat_leases(database), clock).holding,
            clock=clock,
        )
        for _ in range(2)
    ]
    outcomes = await asyncio.gather(
        *(
            begin(by=f"admin:{ADMIN_ID}", progress=Progress(chat_id=ADMIN_ID, message_id=number))
            for number in range(4)
            for begin in replicas
        )
    )
    assert sum(isinstance(one, Job) for one in outcomes) == 1
    assert sum(isinstance(one, AlreadyRunning) for one in outcomes) == 7
    assert len(await Jobs(database).backups()) == 1


async def test_progress_is_one_message_that_is_edited(people: Telegram, database: Any):
    shown, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(
        out: Path, at: datetime, report: Callable[[str, int], None]
    ) -> Mapping[str, int]:
        assert stat.S_IMODE(out.parent.stat().st_mode) == 0o700
        report("registrations", 50_000)
        shown.set()
        await go_on.wait()
        return await backing_up(database)(out, at, report)

    async def expected() -> Mapping[str, int]:
        return {"registrations": 120_000}

    make_by(people, back_up=slowly, expected=expected)
    assert people.balcao is not None
    people.balcao.jobs.work._progress_interval_s = 0.05
    message_id = await back_up_now(people)
    await shown.wait()
    await people.emulator.until(
        lambda: any("50.000 de 120.000 cadastros" in t for t in people.texts(ADMIN_ID))
    )
    go_on.set()
    await received(people.emulator)
    await over(people, texts.SENT)
    edited = {
        int(call.params["message_id"])
        for call in people.emulator.calls_of("editMessageText")
        if "120.000" in call.params["text"]
    }
    assert edited == {message_id}


async def test_it_can_be_cancelled_while_it_is_made(
    people: Telegram, database: Any, tmp_path: Path
):
    async def for_ever(
        out: Path, at: datetime, report: Callable[[str, int], None]
    ) -> Mapping[str, int]:
        report("registrations", 1)
        await asyncio.Event().wait()
        return {}

    make_by(people, back_up=for_ever)
    message_id = await back_up_now(people)

    def cancel() -> dict[str, Any] | None:
        [shown] = [m for m in people.messages(ADMIN_ID) if m["message_id"] == message_id]
        return shown if "Fazendo o backup" in shown["text"] else None

    await people.emulator.until(cancel)
    await press(people, "✖️ Cancelar", on=cancel())
    assert (await finished(database)).state is JobState.CANCELLED
    await over(people, texts.CANCELLED)
    assert left_in(tmp_path) == []
    assert documents(people.emulator) == []


async def test_more_than_telegram_takes_is_not_sent_but_explained(
    people: Telegram, tmp_path: Path, database: Any
):
    make_by(people, largest_bytes=10)
    await back_up_now(people)
    await people.emulator.until(lambda: "balcao backup ARQUIVO" in people.texts(ADMIN_ID)[-1])
    assert "o Telegram aceita de um bot até 50 MB" in people.texts(ADMIN_ID)[-1]
    assert documents(people.emulator) == []
    await finished(database)
    assert left_in(tmp_path) == []


async def test_telegram_may_find_it_too_large_by_itself(people: Telegram):
    people.emulator.fail_next("sendDocument", 413, "Request Entity Too Large")
    await back_up_now(people)
    await people.emulator.until(lambda: "balcao backup ARQUIVO" in people.texts(ADMIN_ID)[-1])


@pytest.mark.parametrize(
    ("code", "description"), [(400, "Bad Request: file is empty"), (502, "Bad Gateway")]
)
async def test_a_file_that_telegram_does_not_take_is_said(
    people: Telegram, code: int, description: str, tmp_path: Path, database: Any
):
    people.emulator.fail_next("sendDocument", code, description)
    await back_up_now(people)
    await over(people, why(JobTrouble.TELEGRAM))
    assert plain(texts.STOPPED) in people.texts(ADMIN_ID)
    await finished(database)
    assert left_in(tmp_path) == []


async def test_a_full_disk_is_said(people: Telegram, tmp_path: Path, database: Any):
    with mounted(tmp_path / "full", "size=64k") as full:
        fill(full)
        make_by(people, data_dir=full)
        await back_up_now(people)
        await over(people, why(JobTrouble.DISK_FULL))
        await finished(database)
        assert left_in(full) == []


async def test_a_folder_that_cannot_be_written_is_said(people: Telegram, tmp_path: Path):
    (tmp_path / "file").write_text("x")
    make_by(people, data_dir=tmp_path / "file")
    await back_up_now(people)
    await over(people, why(JobTrouble.NOT_WRITABLE))


@pytest.mark.embedded
async def test_a_database_that_goes_meanwhile_is_said(
    people: Telegram, tmp_path: Path, database: Any
):
    async with (
        short_lived(tmp_path / "other") as uri,
        connected_until_lost(uri) as dead,
    ):
        await kill(noted_pid(tmp_path / "other"))
        make_by(people, back_up=backing_up(dead), data_dir=tmp_path / "data")
        await back_up_now(people)
        await over(people, why(JobTrouble.DATABASE))
    await finished(database)
    assert left_in(tmp_path / "data") == []


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (ValueError("a fault"), JobTrouble.UNKNOWN),
        (RefusedError("MongoDB refused"), JobTrouble.DATABASE),
    ],
)
async def test_a_fault_is_said_and_the_next_one_works(
    people: Telegram, database: Any, tmp_path: Path, error: Exception, trouble: JobTrouble
):
    async def broken(
        out: Path, at: datetime, report: Callable[[str, int], None]
    ) -> Mapping[str, int]:
        (out.parent / "half").touch()
        raise error

    make_by(people, back_up=broken)
    first = await back_up_now(people)
    await over(people, why(trouble))
    await finished(database)
    assert left_in(tmp_path) == []
    make_by(people, back_up=backing_up(database))
    pressed = people.emulator.press(ADMIN_ID, ADMIN_ID, first, data="backup:g", force=True)
    await people.settled()
    assert people.emulator.callback_answer(pressed)["text"] == texts.ALREADY_DONE
    await back_up_now(people)
    await received(people.emulator)
    await over(people, texts.SENT)


async def test_who_is_no_admin_any_more_does_not_get_it(people: Telegram):
    async def admin_ids() -> list[int]:
        return [BIA]

    assert people.balcao is not None
    make_by(people, deliver=TelegramBackups(bot=people.balcao.bot, admin_ids=admin_ids).deliver)
    await back_up_now(people)
    await over(people, why(JobTrouble.NO_RIGHT))
    assert documents(people.emulator) == []


async def test_an_admin_who_blocked_the_bot_gets_none_and_status_says_so(
    people: Telegram, database: Any, tmp_path: Path
):
    admin = Admin(people, ADMIN_ID)
    await admin.says("/backup")
    people.emulator.fail_next("sendDocument", 403, "Forbidden: bot was blocked by the user")
    people.emulator.fail_next("sendMessage", 403, "Forbidden: bot was blocked by the user")
    await press(people, texts.BACK_UP_NOW)
    assert (await finished(database)).trouble is JobTrouble.BLOCKED
    assert left_in(tmp_path) == []
    assert "quem pediu bloqueou o bot" in await admin.says("/status")
