"""Questions to the ERP in a long run: each is repeated for about a minute before the run fails."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

import structlog

from bot.domain.errors import AppError, Problem, RefusedError, TryLaterError, UnreadableError
from bot.domain.job import JobTrouble

_TRIES: Final = 5
_FIRST_WAIT_S: Final = 2.0
_LONGEST_WAIT_S: Final = 30.0
_CERTIFICATES: Final[Mapping[Problem | None, JobTrouble]] = {
    Problem.ERP_CERTIFICATE: JobTrouble.ERP_CERTIFICATE,
    Problem.ERP_CERTIFICATE_DATE: JobTrouble.ERP_CERTIFICATE_DATE,
    Problem.ERP_CERTIFICATE_NAME: JobTrouble.ERP_CERTIFICATE_NAME,
}
_Answer = TypeVar("_Answer")

logger = structlog.get_logger()


class ErpFailedError(AppError):
    """The ERP failed during a sync; `trouble` is the kind of failure."""

    def __init__(self, message: str, trouble: JobTrouble) -> None:
        super().__init__(message)
        self.trouble = trouble


@dataclass(frozen=True, slots=True, kw_only=True)
class AskErp:
    wait: Callable[[float], Awaitable[None]] = field(default=asyncio.sleep)
    """Waits this many seconds before the ERP is asked again."""

    async def __call__(self, ask: Callable[[], Awaitable[_Answer]]) -> _Answer:
        """Return the ERP's answer; retry with back-off, so that a long run is not lost.

        Raises ErpFailedError after the last try, or when the ERP refuses or is unreadable.
        """
        wait_s = _FIRST_WAIT_S
        for attempt in range(1, _TRIES + 1):
            try:
                return await ask()
            except TryLaterError as error:
                if attempt == _TRIES:
                    raise ErpFailedError(str(error), JobTrouble.ERP_AWAY) from error
                asked_for_s = error.retry_after_s or 0.0
                logger.info("the ERP is asked again", error=str(error), in_s=wait_s)
                await self.wait(min(max(wait_s, asked_for_s), _LONGEST_WAIT_S))
                wait_s *= 2
            except RefusedError as error:
                trouble = _CERTIFICATES.get(error.problem, JobTrouble.ERP_REFUSED)
                raise ErpFailedError(str(error), trouble) from error
            except UnreadableError as error:
                raise ErpFailedError(str(error), JobTrouble.ERP_UNREADABLE) from error
        raise AssertionError("the last attempt returns or raises")
