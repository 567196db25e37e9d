"""Work that takes its time by what it finds, kept from telling so by that time."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

_LATEST: Final = 20
# Nobody notices it while reaching for the next button; somebody's ERP may be slower than that.
_LONGEST_S: Final = 1.0


class TimingMask:
    """Makes work take as long as the slowest of the latest times, up to a second.

    A look-up in the register takes a hundredth of one in the ERP: who sends the next message right
    behind a document could tell by its answer which of the two it was.
    """

    def __init__(self) -> None:
        self._latest: deque[float] = deque(maxlen=_LATEST)

    @asynccontextmanager
    async def padded(self) -> AsyncIterator[None]:
        """Do the work inside; what fails is not delayed."""
        clock = asyncio.get_running_loop().time
        begun = clock()
        yield
        took = clock() - begun
        self._latest.append(took)
        await asyncio.sleep(min(max(self._latest), _LONGEST_S) - took)
