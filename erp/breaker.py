"""A circuit breaker: after failures in a row, an ERP is not called for a while.

So an ERP that is down is left alone, and no caller waits for it.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from bot.domain.errors import (
    AppError,
    LostError,
    TakenError,
    TryLaterError,
    UnknownRefusalError,
)
from erp.answer import ErrorPageError

logger = structlog.get_logger()


class Breaker:
    """Counts failures in a row; from `failures` on, calls are refused for `pause_s` seconds.

    After the pause, calls are sent again (half open): the first success closes the breaker, the
    first failure starts another pause. The client's concurrency limit sets how many are sent at
    once. A refusal is an answer, so it counts as success. An error page and a refusal for an
    unknown reason count as neither, unless the status means overload: they may concern one request
    only. Nor does a lease that another process has. A call that is cancelled after
    `slow_s` counts as a failure, because callers give up sooner than the client's time-outs.
    """

    def __init__(
        self,
        *,
        failures: int = 5,
        pause_s: float = 10.0,
        slow_s: float = 3.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._failures = failures
        self._pause_s = pause_s
        self._slow_s = slow_s
        self._clock = clock
        self._in_a_row = 0
        self._paused_until: float | None = None

    @property
    def is_open(self) -> bool:
        """Return True from the first pause on until a call succeeds."""
        return self._paused_until is not None

    @contextmanager
    def watching(self, label: str) -> Iterator[None]:
        """Run one call under the breaker.

        While paused, raises TryLaterError instead, with the rest of the pause.
        """
        started = self._clock()
        if self._paused_until is not None and started < self._paused_until:
            raise TryLaterError(
                f"{label}: paused after {self._in_a_row} failures",
                retry_after_s=self._paused_until - started,
            )
        try:
            yield
        except ErrorPageError as error:
            if error.is_overload:
                self._failed(label)
            raise
        except (UnknownRefusalError, TakenError, LostError):
            raise
        except TryLaterError:
            self._failed(label)
            raise
        except AppError:
            self._succeeded()
            raise
        except asyncio.CancelledError:
            if self._clock() - started >= self._slow_s:
                self._failed(label)
            raise
        else:
            self._succeeded()

    def _succeeded(self) -> None:
        self._in_a_row = 0
        self._paused_until = None

    def _failed(self, label: str) -> None:
        self._in_a_row += 1
        if self._in_a_row >= self._failures:
            self._paused_until = self._clock() + self._pause_s
            logger.warning("erp.paused", what=label, failures=self._in_a_row, for_s=self._pause_s)
