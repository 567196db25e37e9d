"""The supervisor of background tasks: each is started again when it ends or fails.

Nobody waits for a background task, so nobody would notice its end: the chats that wait for a sweep
would wait until the next restart. One that fails is down until it has worked again; health and
metrics say so.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Final

import structlog

from bot.domain.errors import TryLaterError

_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 15.0
_STEADY_S: Final = 5.0

logger = structlog.get_logger()


@dataclass(slots=True)
class TaskHealth:
    """How a background task does. Work for many chats is one task with a part for each."""

    restarts: int = 0
    _failing: set[Hashable] = field(default_factory=set)

    @property
    def is_up(self) -> bool:
        return not self._failing

    def is_failing(self, part: Hashable = None) -> bool:
        return part in self._failing

    def failed(self, part: Hashable = None) -> None:
        """Count a failure; the task is down until this part works."""
        self.restarts += 1
        self._failing.add(part)

    def works(self, part: Hashable = None) -> None:
        """Note that the part has worked, or that its work is over."""
        self._failing.discard(part)


class Supervisor:
    """Runs background tasks by name and keeps their health."""

    def __init__(
        self,
        *,
        first_pause_s: float = _FIRST_PAUSE_S,
        longest_pause_s: float = _LONGEST_PAUSE_S,
        steady_s: float = _STEADY_S,
    ) -> None:
        """first_pause_s: before the first restart; the pause doubles up to `longest_pause_s`.
        steady_s: as `run` says."""
        self._first_pause_s = first_pause_s
        self._longest_pause_s = longest_pause_s
        self._steady_s = steady_s
        self._health: dict[str, TaskHealth] = {}

    @property
    def health(self) -> Mapping[str, TaskHealth]:
        """Return the health of every task that should run now, by name."""
        return self._health

    @property
    def down(self) -> list[str]:
        """Return the names of the tasks that should run and do not."""
        return sorted(name for name, health in self._health.items() if not health.is_up)

    def watch(self, name: str, health: TaskHealth) -> None:
        """Report the health of a task that runs by itself."""
        self._health[name] = health

    def repeat(
        self,
        name: str,
        work: Callable[[], Awaitable[object]],
        *,
        every_s: float,
    ) -> asyncio.Task[None]:
        """Call `work` again and again, `every_s` seconds after the start and after each end."""
        health, wait_s = TaskHealth(), every_s

        async def round_() -> None:
            nonlocal wait_s
            await asyncio.sleep(wait_s)
            # After a failure only the pause counts.
            wait_s = 0.0
            await work()
            health.works()
            wait_s = every_s

        return self._start(name, round_, health)

    def run(
        self,
        name: str,
        work: Callable[[], Coroutine[None, None, None]],
        *,
        ends_with: Callable[[Exception], bool] = lambda _: False,
        health: TaskHealth | None = None,
    ) -> asyncio.Task[None]:
        """Run what should never end; the task ends only with an error that `ends_with` accepts.

        health: what the task itself keeps, saying when it works. Without one it is up again when
        it has run for `steady_s`.
        """
        kept = health or TaskHealth()

        async def steadily() -> None:
            steady = asyncio.get_running_loop().call_later(self._steady_s, kept.works)
            if health is not None:
                steady.cancel()
            try:
                await work()
            except Exception as error:
                if ends_with(error):
                    raise _EndedError from error
                raise
            finally:
                steady.cancel()
            raise RuntimeError("a task that should never end has ended")

        return self._start(name, steadily, kept)

    async def end(self, *tasks: asyncio.Task[None]) -> None:
        """Cancel these tasks and return when they have ended."""
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for task in tasks:
            self._health.pop(task.get_name(), None)

    def _start(
        self, name: str, work: Callable[[], Coroutine[None, None, None]], health: TaskHealth
    ) -> asyncio.Task[None]:
        self._health[name] = health
        return asyncio.create_task(self._forever(name, work, health), name=name)

    async def _forever(
        self, name: str, work: Callable[[], Coroutine[None, None, None]], health: TaskHealth
    ) -> None:
        pause_s = self._first_pause_s
        while True:
            try:
                await work()
            except _EndedError as error:
                raise error.__cause__ or error from None
            except (Exception, asyncio.CancelledError) as error:
                if is_cancelled(error):
                    raise
                pause_s = min(pause_s * 2, self._longest_pause_s)
                if not health.is_failing():
                    pause_s = self._first_pause_s
                _end_if_cancelled()
                health.failed()
                log_failure(name, error)
                await asyncio.sleep(pause_s)
            _end_if_cancelled()


class _EndedError(Exception):
    """Carries, as its cause, the error with which a task is meant to end."""


def _end_if_cancelled() -> None:
    """Raise the cancellation of this task again if something awaited has swallowed it.

    `asyncio.gather` does, when one of its parts fails at the same moment.
    """
    task = asyncio.current_task()
    if task and task.cancelling():
        raise asyncio.CancelledError


def is_cancelled(error: BaseException) -> bool:
    """Return True if the error is the cancellation of this very task.

    One that comes out of something awaited, such as a future that a library has cancelled, is a
    failure like any other.
    """
    task = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and bool(task and task.cancelling())


def log_failure(name: str, error: BaseException) -> None:
    """Log a failure of a task that is tried again."""
    if isinstance(error, TryLaterError):
        logger.warning("background task waits", task=name, error=str(error))
    else:
        # The log shows the error's type and places, not its text.
        logger.error("background task failed", task=name, exc_info=error)
