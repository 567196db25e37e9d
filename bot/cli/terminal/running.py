"""Work on a job in the process of a command: progress bars on a terminal, and an orderly end.

The first Ctrl-C or SIGTERM cancels the job, which ends after its present batch. The second one
leaves the job as it is.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import rich.progress

from bot.cli.terminal.console import err
from bot.domain.errors import Problem, RefusedError
from bot.domain.job import Counts, Job, Report
from bot.wording.jobs import doing, progress_parts

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class Stop:
    """The reaction of a command to SIGINT and SIGTERM."""

    def __init__(self) -> None:
        self.working: asyncio.Future[int] | None = None
        self._cancel: Callable[[], Awaitable[object]] | None = None
        self._cancelling: asyncio.Future[object] | None = None
        self.is_pressed = False

    def press(self) -> None:
        again, self.is_pressed = self.is_pressed, True
        if self._cancel is None or again:
            if self.working is not None:
                self.working.cancel()
            return
        err.print("Parando: o lote em andamento termina antes…", highlight=False)
        self._cancelling = asyncio.ensure_future(self._cancel())

    @contextmanager
    def cancels(self, cancel: Callable[[], Awaitable[object]]) -> Iterator[None]:
        """Let the first signal call `cancel` inside the block, instead of breaking off the
        command."""
        self._cancel = cancel
        try:
            yield
        finally:
            self._cancel = None

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Take Ctrl-C as an answer inside the block, because the input blocks the event loop."""
        for number_ in _SIGNALS:
            asyncio.get_running_loop().remove_signal_handler(number_)
        try:
            yield
        finally:
            self.listen()

    def listen(self) -> None:
        for number_ in _SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number_, self.press)


async def stoppable(command: Callable[[Stop], Awaitable[int]]) -> int:
    """Run the command and return its exit code; a signal ends it with a sentence.

    Raises AppError.
    """
    stop = Stop()
    working = stop.working = asyncio.ensure_future(command(stop))
    stop.listen()
    try:
        return await working
    except asyncio.CancelledError:
        raise RefusedError(
            "Interrompido antes do fim. O que há: balcao jobs. Para continuar: balcao jobs --go-on"
        ) from None
    except OSError as error:
        raise RefusedError(
            f"a file could not be read or written ({error.strerror})",
            problem=Problem.DATA_DIR_READ_ONLY,
        ) from error


class TerminalProgress:
    """Shows the progress of a job, on a terminal only; the command itself reports the end."""

    def __init__(self) -> None:
        self._bars: rich.progress.Progress | None = None
        self._bar = rich.progress.TaskID(0)
        self._total: int | None = None

    async def progress(
        self, job: Job, done: Counts, *, rows_a_second: float, left_s: float | None
    ) -> None:
        total = job.total or self._total
        if left_s is None and total and rows_a_second >= 1:
            left_s = max(0, total - done.rows) / rows_a_second
        parts = progress_parts(job, done, total=total, rows_a_second=rows_a_second, left_s=left_s)
        self.show(doing(job), done.rows, total, ", ".join(parts))

    async def notify(self, job: Job, report: Report, files: Sequence[Path]) -> None:
        """Do nothing: the command prints the report."""

    async def show_end(self, job: Job, report: Report) -> None:
        """Do nothing, like `notify`."""

    def show(self, description: str, completed: int, total: int | None, text: str) -> None:
        """Update the progress bar, where one is shown."""
        if self._bars is not None:
            self._bars.update(
                self._bar, description=description, completed=completed, total=total, done=text
            )

    @contextmanager
    def showing(self, description: str, total: int | None = None) -> Iterator[None]:
        """Show a progress bar inside the block, and remove it afterwards."""
        with rich.progress.Progress(
            rich.progress.SpinnerColumn(),
            "{task.description}",
            rich.progress.BarColumn(),
            "{task.fields[done]}",
            rich.progress.TimeElapsedColumn(),
            console=err,
            transient=True,
            disable=not err.is_terminal,
        ) as bars:
            self._bar = bars.add_task(description, total=total, done="")
            self._bars, self._total = bars, total
            try:
                yield
            finally:
                self._bars = self._total = None
