"""The timing mask: hides how long a look-up took, since its duration reveals the result."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

_LATEST: Final = 20
# A delay that people do not notice before the next button; an ERP may be slower than that.
_LONGEST_S: Final = 1.0


class TimingMask:
    """Delays work to the slowest of the last 20 durations, up to one second.

    A look-up in the register takes a hundredth of the time of one in the ERP. A person who sends
    a message right after a document could tell the two apart by the time of the answer.
    """

    def __init__(self) -> None:
        self._latest: deque[float] = deque(maxlen=_LATEST)

    @asynccontextmanager
    async def padded(self) -> AsyncIterator[None]:
        """Delay the work done inside; work that fails is not delayed."""
        clock = asyncio.get_running_loop().time
        begun = clock()
        yield
        took = clock() - begun
        self._latest.append(took)
        await asyncio.sleep(min(max(self._latest), _LONGEST_S) - took)
