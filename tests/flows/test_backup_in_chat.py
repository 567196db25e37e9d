"""/backup: the whole register as a file in the admin's chat, and nothing left behind."""

import asyncio
import hashlib
import re
import stat
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.demo import people as demo
from bot.demo.bot_api import BotApiEmulator
from bot.domain.backup import (
    AlreadyOver,
    AlreadyRunning,
    BackupRun,
    Copied,
    Started,
    Trouble,
)
from bot.domain.errors import RefusedError
from bot.runtime.jobs.backups import MakeBackups
from bot.wiring.backups import backing_up
from handlers.admin.company import maintenance_texts as texts
from handlers.admin.company.backup import TelegramBackupNotifier
from storage.backup.backup import COLLECTIONS, check_backup
from storage.backup.runs import BackupRuns
from tests.flows.admin import Admin
from tests.flows.conftest import ADMIN_ID, BIA, Clock, Start, Telegram
from tests.flows.replica import background
from tests.flows.wording import plain
from tests.patience import HANG_S
from tests.storage.broken_places import fill, mounted
from tests.storage.servers import connected_until_lost, kill, noted_pid, short_lived

NAME = re.compile(r"balcao-\d{4}-\d\d-\d\d-\d{4}\.backup")


@pytest.fixture
async def people(start: Start, tmp_path: Path) -> AsyncIterator[Telegram]:
    async with start(data_dir=tmp_path) as telegram:
        yield telegram


def documents(telegram: BotApiEmulator, chat_id: int = ADMIN_ID) -> list[dict[str, Any]]:
    return [m for m in telegram.messages(chat_id) if "document" in m]


def left_in(data_dir: Path) -> list[Path]:
    return [p for p in data_dir.rglob("*") if "backup" in p.name]


async def received(telegram: BotApiEmulator) -> dict[str, Any]:
    await telegram.until(lambda: documents(telegram))
    return documents(telegram)[-1]


async def over(people: Telegram, text: str) -> None:
    await people.emulator.until(lambda: plain(text) in people.texts(ADMIN_ID))


async def finished(database: Any) -> None:
    async with asyncio.timeout(HANG_S):
        while await BackupRuns(database).running():
            pass


async def press(people: Telegram, text: str, *, on: dict[str, Any] | None = None) -> str:
    """Press a button of /backup; return the text of the callback answer."""
    message = on or Admin(people, ADMIN_ID).message
    pressed = people.emulator.press(ADMIN_ID, ADMIN_ID, message["message_id"], text=text)
    await people.settled()
    answer = people.emulator.callback_answer(pressed)
    assert answer is not None, "the button spins for ever"
    return answer["text"] or ""


@asynccontextmanager
async def maker(
    people: Telegram,
    database: Any,
    clock: Clock,
    data_dir: Path,
    *,
    admins: Callable[[], list[int]] = lambda: [ADMIN_ID],
    **others: Any,
) -> AsyncIterator[MakeBackups]:
    """Start another replica that makes backups, with its own disk, database or limit."""
    assert people.balcao is not None

    async def admin_ids() -> list[int]:
        return admins()

    back_up = others.pop("back_up", None) or backing_up(others.pop("of", database))
    making = MakeBackups(
        runs=BackupRuns(database),
        back_up=back_up,
        notifier=TelegramBackupNotifier(bot=people.balcao.bot),
        data_dir=data_dir,
        name=lambda _: "name.backup",
        admin_ids=admin_ids,
        clock=clock,
        **others,
    )
    async with background(making.run_forever()):
        yield making


async def a_message(people: Telegram, text: str = "/backup") -> int:
    """Send `text`; return the id of the bot's message that asks for confirmation."""
    await Admin(people, ADMIN_ID).says(text)
    return int(Admin(people, ADMIN_ID).message["message_id"])


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
    await finished(database)
    assert left_in(tmp_path) == []
    path = tmp_path / "received"
    path.write_bytes(file.content)
    assert check_backup(path, lambda _: None)["registrations"].count == 1
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
    assert (await BackupRuns(database).all()).running is None
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


async def test_stopping_the_bot_leaves_no_file_and_is_told_at_the_next_start(
    start: Start, tmp_path: Path, telegram: BotApiEmulator
):
    telegram.fail_next("sendDocument", hang=True)
    async with start(data_dir=tmp_path) as people:
        admin = Admin(people, ADMIN_ID)
        await admin.says("/backup")
        await press(people, texts.BACK_UP_NOW)
        await telegram.until(lambda: telegram.calls_of("sendDocument"))
        assert left_in(tmp_path) != []
    assert left_in(tmp_path) == []
    assert documents(telegram) == []
    async with start(data_dir=tmp_path) as people:
        await over(people, texts.trouble(Trouble.INTERRUPTED, size_bytes=0))
        assert plain(texts.STOPPED) in people.texts(ADMIN_ID)
        assert "interrompido" in await admin.says("/status")
        await admin.says("/backup")
        await press(people, texts.BACK_UP_NOW)
        await received(telegram)
    told = plain(texts.trouble(Trouble.INTERRUPTED, size_bytes=0))
    assert people.texts(ADMIN_ID).count(told) == 1


async def test_a_killed_run_is_cleaned_up_and_told_once_its_time_is_over(
    start: Start, tmp_path: Path, database: Any, clock: Clock
):
    async with start(data_dir=tmp_path) as people:
        message_id = await a_message(people)
    run = BackupRun(
        id=f"{ADMIN_ID}-{message_id}",
        admin_id=ADMIN_ID,
        message_id=message_id,
        began_at=clock(),
        until=clock() + timedelta(seconds=30),
    )
    assert await BackupRuns(database).begin(run)
    living, dead = tmp_path / f"chat-backup-{run.id}", tmp_path / "chat-backup-4001-1"
    for folder in (living, dead):
        folder.mkdir()
        (folder / ".balcao.backup.x.part").write_bytes(b"x")
    async with maker(people, database, clock, tmp_path) as making:
        # Another replica may be making the backup.
        assert isinstance(await making.start(ADMIN_ID, message_id + 50), AlreadyRunning)
        assert living.exists()
        assert not dead.exists()
    clock.advance(timedelta(seconds=31))
    async with start(data_dir=tmp_path) as people:
        await over(people, texts.trouble(Trouble.INTERRUPTED, size_bytes=0))
        await finished(database)
    assert not living.exists()


async def test_of_many_replicas_one_makes_it(
    people: Telegram, database: Any, clock: Clock, tmp_path: Path
):
    message_id = await a_message(people)
    taken = asyncio.Event()
    people.emulator.fail_next("sendDocument", held=taken)
    async with (
        maker(people, database, clock, tmp_path) as first,
        maker(people, database, clock, tmp_path) as second,
    ):
        outcomes = await asyncio.gather(
            *(
                making.start(ADMIN_ID, message_id + n)
                for n in range(4)
                for making in (first, second)
            )
        )
        assert sum(isinstance(one, Started) for one in outcomes) == 1
        assert sum(isinstance(one, AlreadyRunning) for one in outcomes) == 7
        taken.set()
        await received(people.emulator)
        await finished(database)
    assert left_in(tmp_path) == []
    assert len(documents(people.emulator)) == 1


async def test_a_maker_that_lives_keeps_its_turn(
    people: Telegram, database: Any, clock: Clock, tmp_path: Path
):
    message_id = await a_message(people)
    taken = asyncio.Event()
    people.emulator.fail_next("sendDocument", held=taken)
    async with maker(people, database, clock, tmp_path, round_s=0.02) as making:
        assert await making.start(ADMIN_ID, message_id) == Started()
        runs = BackupRuns(database)
        for _ in range(3):
            clock.advance(timedelta(seconds=25))
            async with asyncio.timeout(HANG_S):
                while (run := await runs.running()) and run.until < clock() + timedelta(
                    seconds=29
                ):
                    pass
        async with maker(people, database, clock, tmp_path) as other:
            assert isinstance(await other.start(ADMIN_ID, 1), AlreadyRunning)
        taken.set()
        await received(people.emulator)
        await over(people, texts.SENT)


async def test_progress_is_one_message_that_is_edited(
    people: Telegram, database: Any, clock: Clock, tmp_path: Path
):
    message_id, shown, go_on = await a_message(people), asyncio.Event(), asyncio.Event()

    async def slowly(
        out: Path, *, at: datetime, report: Callable[[str, Copied], None]
    ) -> Mapping[str, int]:
        assert stat.S_IMODE(out.parent.stat().st_mode) == 0o700
        for number in range(1, 500):
            report("registrations", Copied(number * 100, 120_000))
            await asyncio.sleep(0)
        report("registrations", Copied(50_000, 120_000))
        shown.set()
        await go_on.wait()
        return await backing_up(database)(out, at=at, report=report)

    async with maker(
        people, database, clock, tmp_path, back_up=slowly, progress_interval_s=0.05
    ) as making:
        await making.start(ADMIN_ID, message_id)
        await shown.wait()
        await people.emulator.until(
            lambda: any("50.000 de 120.000 cadastros" in t for t in people.texts(ADMIN_ID))
        )
        go_on.set()
        await received(people.emulator)
        await over(people, texts.SENT)
    # One message all the time; how often is in tests/unit/test_backup_pace.py.
    edited = {
        int(call.params["message_id"])
        for call in people.emulator.calls_of("editMessageText")
        if "120.000" in call.params["text"]
    }
    assert edited == {message_id}


async def test_more_than_telegram_takes_is_not_sent_but_explained(
    people: Telegram, database: Any, clock: Clock, tmp_path: Path
):
    message_id = await a_message(people)
    async with maker(people, database, clock, tmp_path, largest_bytes=10) as making:
        await making.start(ADMIN_ID, message_id)
        await people.emulator.until(lambda: "balcao backup ARQUIVO" in people.texts(ADMIN_ID)[-1])
    assert "o Telegram aceita de um bot até 50 MB" in people.texts(ADMIN_ID)[-1]
    assert documents(people.emulator) == []
    assert left_in(tmp_path) == []


async def test_telegram_may_find_it_too_large_by_itself(people: Telegram):
    people.emulator.fail_next("sendDocument", 413, "Request Entity Too Large")
    admin = Admin(people, ADMIN_ID)
    await admin.says("/backup")
    await press(people, texts.BACK_UP_NOW)
    await people.emulator.until(lambda: "balcao backup ARQUIVO" in people.texts(ADMIN_ID)[-1])


@pytest.mark.parametrize(
    ("code", "description"), [(400, "Bad Request: file is empty"), (502, "Bad Gateway")]
)
async def test_a_file_that_telegram_does_not_take_is_said(
    people: Telegram, code: int, description: str, tmp_path: Path
):
    people.emulator.fail_next("sendDocument", code, description)
    admin = Admin(people, ADMIN_ID)
    await admin.says("/backup")
    await press(people, texts.BACK_UP_NOW)
    await over(people, texts.trouble(Trouble.TELEGRAM, size_bytes=0))
    assert left_in(tmp_path) == []


async def test_a_full_disk_is_said(people: Telegram, database: Any, clock: Clock, tmp_path: Path):
    message_id = await a_message(people)
    with mounted(tmp_path / "full", "size=64k") as full:
        fill(full)
        async with maker(people, database, clock, full) as making:
            await making.start(ADMIN_ID, message_id)
            await over(people, texts.trouble(Trouble.DISK_FULL, size_bytes=0))
        assert left_in(full) == []


async def test_a_folder_that_cannot_be_written_is_said(
    people: Telegram, database: Any, clock: Clock, tmp_path: Path
):
    message_id = await a_message(people)
    (tmp_path / "file").write_text("x")
    async with maker(people, database, clock, tmp_path / "file") as making:
        await making.start(ADMIN_ID, message_id)
        await over(people, texts.trouble(Trouble.NOT_WRITABLE, size_bytes=0))


async def test_a_database_that_goes_meanwhile_is_said(
    people: Telegram, database: Any, clock: Clock, tmp_path: Path
):
    message_id = await a_message(people)
    async with (
        short_lived(tmp_path / "other") as uri,
        connected_until_lost(uri) as dead,
    ):
        await kill(noted_pid(tmp_path / "other"))
        async with maker(people, database, clock, tmp_path / "data", of=dead) as making:
            await making.start(ADMIN_ID, message_id)
            await over(people, texts.trouble(Trouble.DATABASE, size_bytes=0))
    assert left_in(tmp_path / "data") == []


@pytest.mark.parametrize("error", [ValueError("a fault"), RefusedError("MongoDB refused")])
async def test_a_fault_is_said_and_the_next_one_works(
    people: Telegram, database: Any, clock: Clock, tmp_path: Path, error: Exception
):
    message_id, next_id = await a_message(people), await a_message(people)

    async def broken(
        out: Path, *, at: datetime, report: Callable[[str, Copied], None]
    ) -> Mapping[str, int]:
        (out.parent / "half").touch()
        raise error

    async with maker(people, database, clock, tmp_path, back_up=broken) as making:
        await making.start(ADMIN_ID, message_id)
        await over(people, texts.trouble(Trouble.UNKNOWN, size_bytes=0))
        await finished(database)
    assert left_in(tmp_path) == []
    async with maker(people, database, clock, tmp_path) as making:
        assert await making.start(ADMIN_ID, message_id) == AlreadyOver()
        assert await making.start(ADMIN_ID, next_id) == Started()
        await received(people.emulator)
        await over(people, texts.SENT)


async def test_who_is_no_admin_any_more_does_not_get_it(
    people: Telegram, database: Any, clock: Clock, tmp_path: Path
):
    message_id = await a_message(people)
    async with maker(people, database, clock, tmp_path, admins=lambda: [BIA]) as making:
        await making.start(ADMIN_ID, message_id)
        await over(people, texts.trouble(Trouble.NO_RIGHT, size_bytes=0))
    assert documents(people.emulator) == []


async def test_an_admin_who_blocked_the_bot_gets_none_and_status_says_so(
    people: Telegram, database: Any, tmp_path: Path
):
    admin, runs = Admin(people, ADMIN_ID), BackupRuns(database)
    await admin.says("/backup")
    people.emulator.fail_next("sendDocument", 403, "Forbidden: bot was blocked by the user")
    people.emulator.fail_next("sendMessage", 403, "Forbidden: bot was blocked by the user")
    await press(people, texts.BACK_UP_NOW)
    async with asyncio.timeout(HANG_S):
        while not (await runs.all()).failed:
            pass
    assert left_in(tmp_path) == []
    assert "quem pediu bloqueou o bot" in await admin.says("/status")
