"""`balcao` run as a command, and what it answers."""

import asyncio
import os
import pty
import sys
from dataclasses import dataclass
from pathlib import Path

from tests import warm
from tests.patience import HANG_S

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class CommandResult:
    code: int | None
    out: str
    err: str

    @property
    def all(self) -> str:
        return self.out + self.err

    @property
    def words(self) -> str:
        """Return the output on one line: a terminal breaks long ones."""
        return " ".join(self.all.split())


def environment(**env: str) -> dict[str, str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("BALCAO_")}
    return inherited | {"PYTHONPATH": str(ROOT), "COLUMNS": "300", "TERM": "xterm"} | env


async def balcao(*command: str, cwd: Path, **env: str) -> CommandResult:
    """Run the command as a script does: no input, and no progress bars."""
    process = await warm.begin(*command, cwd=cwd, env=environment(**env))
    async with asyncio.timeout(HANG_S):
        out, err = await process.communicate()
    return CommandResult(process.returncode, out.decode(), err.decode())


async def python_balcao(
    *command: str, cwd: Path, python: str = sys.executable, **env: str
) -> CommandResult:
    """Run `python -m bot` in a new process, with nothing preloaded."""
    process = await asyncio.create_subprocess_exec(
        *(python, "-m", "bot", *command),
        cwd=cwd,
        env=environment(**env),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(HANG_S):
        out, err = await process.communicate()
    return CommandResult(process.returncode, out.decode(), err.decode())


async def balcao_in_a_terminal(*command: str, answer: str, cwd: Path, **env: str) -> CommandResult:
    """Run the command in a terminal, type this answer, and return what the screen shows."""
    ours, theirs = pty.openpty()
    try:
        process = await warm.begin(
            *command, cwd=cwd, env=environment(**env), stdin=theirs, stderr=theirs
        )
        os.close(theirs)
        os.write(ours, answer.encode())
        seen = asyncio.create_task(asyncio.to_thread(all_of, ours))
        async with asyncio.timeout(HANG_S):
            out, _ = await process.communicate()
        return CommandResult(process.returncode, out.decode(), (await seen).decode())
    finally:
        os.close(ours)


def all_of(terminal: int) -> bytes:
    seen = b""
    while True:
        try:
            seen += os.read(terminal, 4096)
        except OSError:  # The other end of the terminal is closed.
            return seen


def assert_one_sentence(said: CommandResult, sentence: str) -> None:
    assert said.code == 1
    assert "Traceback" not in said.all
    assert said.words.count(sentence) == 1
    assert "segredo" not in said.all
