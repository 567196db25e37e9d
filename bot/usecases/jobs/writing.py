"""Writes a batch of a job while the next one is planned.

So neither our process nor the server waits for the other.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine

from bot.domain.job import Batch


class Writing:
    """The batch that is written while the next one is planned."""

    def __init__(self, report: Callable[[Batch], Awaitable[bool]]) -> None:
        self._report = report
        self._task: asyncio.Task[Batch] | None = None
        self.last: Batch | None = None
        """The last batch that was written."""

    def begin(self, write: Coroutine[None, None, Batch]) -> None:
        self._task = asyncio.create_task(write)

    async def reported(self) -> bool:
        """Report the batch once it is written; return False if the job is cancelled."""
        if self._task is None:
            return True
        self.last = await self._task
        self._task = None
        return await self._report(self.last)

    async def ended(self) -> None:
        """Wait for the batch. It is never cancelled: an open transaction would block the
        server."""
        if self._task is not None:
            await asyncio.wait({self._task})
            self._task.exception()  # mark it as retrieved, also while another error propagates
