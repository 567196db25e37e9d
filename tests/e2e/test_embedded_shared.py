"""Commands come and go around a running bot, and its server is killed: one server, or none."""

import asyncio
import os
import pty
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.demo.bot_api import BotApiEmulator
from bot.demo.documents import make_cpf
from handlers.customer import texts
from storage.engine.server_folder import prepared
from storage.engine.server_process import find
from tests import warm
from tests.e2e.process import balcao_run
from tests.jobs.conftest import HEADER, table
from tests.jobs.rows import row
from tests.patience import HANG_S
from tests.storage.commands import CommandResult, all_of, balcao, environment
from tests.storage.servers import kill, until

GROUP_ID = -1001000000001
CUSTOMER = 6000
WORDS = 12
NO_LIMITS = 0.001


@pytest.fixture
def settings(telegram: BotApiEmulator, data_dir: Path) -> dict[str, str]:
    telegram.add_group(GROUP_ID, "Atendimento", bot="administrator")
    telegram.add_user(CUSTOMER, "Fulano")
    (data_dir.parent / "c.csv").write_bytes(table([HEADER, row(1), row(2)]))
    return {
        "BALCAO_BOT_TOKEN": telegram.token,
        "BALCAO_TELEGRAM_API_URL": telegram.url,
        "BALCAO_ATTENDANTS_CHAT_ID": str(GROUP_ID),
        "BALCAO_DATA_DIR": str(data_dir),
        "BALCAO_HTTP_PORT": "0",
        "BALCAO_LOG_FORMAT": "json",
    }


def server_pid(data_dir: Path) -> int | None:
    server = find(prepared(data_dir))
    return server.pid if server else None


class Asking:
    """An import that waits for an answer on its terminal."""

    def __init__(self, command: warm.Command, terminal: int) -> None:
        self._command = command
        self._terminal = terminal

    async def answer(self, text: str) -> CommandResult:
        os.write(self._terminal, text.encode())
        seen = asyncio.create_task(asyncio.to_thread(all_of, self._terminal))
        async with asyncio.timeout(HANG_S):
            out, _ = await self._command.communicate()
        return CommandResult(self._command.returncode, out.decode(), (await seen).decode())

    def kill(self) -> None:
        if self._command.returncode is None:
            self._command.kill()


@asynccontextmanager
async def import_that_asks(settings: dict[str, str], cwd: Path) -> AsyncIterator[Asking]:
    ours, theirs = pty.openpty()
    command = await warm.begin(
        *("import", "c.csv"), cwd=cwd, env=environment(**settings), stdin=theirs, stderr=theirs
    )
    os.close(theirs)
    asking = Asking(command, ours)
    try:
        yield asking
    finally:
        asking.kill()
        os.close(ours)


async def customer_is_answered(telegram: BotApiEmulator, text: str) -> None:
    before = len(telegram.messages(CUSTOMER))
    telegram.send_text(CUSTOMER, CUSTOMER, text)
    # The customer's own message, and an answer to it.
    await telegram.until(lambda: len(telegram.messages(CUSTOMER)) >= before + 2, timeout_s=HANG_S)


async def test_an_import_that_came_first_leaves_the_bot_its_server(
    telegram: BotApiEmulator, settings: dict[str, str], data_dir: Path
):
    cwd = data_dir.parent
    async with import_that_asks(settings, cwd) as importing:
        await until(lambda: prepared(data_dir).note() is not None)
        async with balcao_run(settings, cwd=cwd) as bot:
            await bot.ready()
            pid = server_pid(data_dir)
            said = await importing.answer("s\n")
            assert said.code == 0, said.all
            assert "2 novos" in said.words
            assert server_pid(data_dir) == pid
            await customer_is_answered(telegram, "oi")
            assert await bot.end(signal.SIGTERM) == 0
    assert "gone" not in bot.log
    assert server_pid(data_dir) is None


async def test_two_imports_at_once_and_one_after_a_killed_bot_leave_no_server(
    settings: dict[str, str], data_dir: Path
):
    cwd = data_dir.parent
    async with balcao_run(settings, cwd=cwd) as bot:
        await bot.ready()
        await bot.end(signal.SIGKILL)
    left = server_pid(data_dir)
    assert left is not None
    said = await balcao("import", "c.csv", cwd=cwd, **settings)
    assert said.code == 0, said.all
    assert server_pid(data_dir) is None
    both = await asyncio.gather(
        *(balcao("import", "c.csv", "--update", cwd=cwd, **settings) for _ in range(2))
    )
    assert [one.code for one in both] == [0, 0], both
    assert server_pid(data_dir) is None


def relayed(telegram: BotApiEmulator) -> list[str]:
    """Return the customer's numbered words in the group, each once, in order."""
    words = " ".join(m.get("text", "") for m in telegram.messages(GROUP_ID)).split()
    return list(dict.fromkeys(word for word in words if word.startswith("m-")))


async def test_a_bot_whose_server_is_killed_starts_it_again_and_loses_nothing(
    telegram: BotApiEmulator, settings: dict[str, str], data_dir: Path
):
    expected = [f"m-{number}" for number in range(WORDS)]
    async with balcao_run(settings, cwd=data_dir.parent, minute_s=NO_LIMITS) as bot:
        await bot.ready()
        # What is asked before a conversation opens.
        for text in ("oi", make_cpf(200000001).masked, texts.SKIP, "Fulano"):
            telegram.send_text(CUSTOMER, CUSTOMER, text)
        before = server_pid(data_dir)
        assert before is not None
        for number, word in enumerate(expected):
            telegram.send_text(CUSTOMER, CUSTOMER, word)
            if number == WORDS // 2:
                await kill(before)
        await bot.says("starting it again")
        await telegram.until(lambda: relayed(telegram)[-1:] == expected[-1:], timeout_s=HANG_S)
        after = server_pid(data_dir)
        assert after not in (None, before)
        assert await bot.end(signal.SIGTERM) == 0
    assert relayed(telegram) == expected
    assert "Traceback" not in bot.log
    assert server_pid(data_dir) is None


async def test_a_bot_whose_port_was_taken_ends_with_one_sentence(
    settings: dict[str, str], data_dir: Path
):
    folder = prepared(data_dir)
    async with balcao_run(settings, cwd=data_dir.parent) as bot:
        await bot.ready()
        server = find(folder)
        assert server
        async with folder.locked(HANG_S):
            await kill(server.pid)
            other = socket.create_server(("127.0.0.1", server.port))
        with other:
            assert await bot.ended() == 1
    assert bot.log.count("outro programa usa a porta dele") == 1
    assert "Traceback" not in bot.log
