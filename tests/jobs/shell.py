"""Commands of Balcão on the database of a test."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from tests import warm
from tests.jobs.conftest import JobRunner, read_back, table
from tests.patience import HANG_S
from tests.storage.commands import (
    CommandResult,
    balcao,
    balcao_in_a_terminal,
    environment,
    python_balcao,
)


class Shell:
    """Commands on the database of the test, in a folder of its own."""

    def __init__(self, runner: JobRunner, mongodb_uri: str, folder: Path) -> None:
        self.runner = runner
        self.folder = folder
        self.env = {
            "BALCAO_MONGODB_URI": mongodb_uri,
            "BALCAO_MONGODB_DATABASE": runner.database.name,
            "BALCAO_DATA_DIR": str(folder / "data"),
        }

    def write(self, name: str, rows: Sequence[Sequence[str]]) -> None:
        (self.folder / name).write_bytes(table(rows))

    def read(self, name: str) -> list[list[str]]:
        return read_back((self.folder / name).read_bytes())

    async def __call__(self, *command: str, **env: str) -> CommandResult:
        said = await balcao(*command, cwd=self.folder, **self.env, **env)
        assert "Traceback" not in said.all
        assert 'File "' not in said.all
        return said

    async def as_python(self, *command: str) -> CommandResult:
        """Run the command in a fresh Python process, with nothing preloaded."""
        return await python_balcao(*command, cwd=self.folder, **self.env)

    async def in_a_terminal(self, *command: str, answer: str) -> CommandResult:
        said = await balcao_in_a_terminal(*command, answer=answer, cwd=self.folder, **self.env)
        assert "Traceback" not in said.all
        return said

    @asynccontextmanager
    async def running(self, *command: str, **env: str) -> AsyncIterator[warm.Command]:
        """Start the process; kill it at the end if it still runs."""
        process = await warm.begin(*command, cwd=self.folder, env=environment(**self.env, **env))
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
                await process.communicate()

    async def until_it_has_written(self, job_id: int) -> None:
        """Return once a batch of the job is written, and others are still to come."""
        async with asyncio.timeout(HANG_S):
            while not await self.runner.store.batch(job_id, 1):  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.01)
