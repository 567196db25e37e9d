"""Carries ids of jobs over the broker while it is there, and knows if it is.

Without it nothing stops: each process finds the jobs in the database a little later (`taking.py`).
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Final

import structlog

from bot.domain.broker_link import BrokerAway
from bot.domain.errors import RefusedError, TryLaterError
from bot.runtime.jobs.broker import JobBroker, Work, open_broker
from bot.runtime.jobs.places import ALL_PLACES

_PAUSE_S: Final = 1.0
_REFUSED_PAUSE_S: Final = 30.0

logger = structlog.get_logger()


class Carrying:
    """The broker as far as it is there."""

    def __init__(
        self,
        broker_url: str,
        *,
        queue: str,
        clock: Callable[[], datetime],
        must_be_let_in: bool = False,
    ) -> None:
        """queue: as `open_broker` has it. must_be_let_in: the first refusal ends `run_forever`."""
        self._broker_url = broker_url
        self._queue = queue
        self._clock = clock
        self._must_be_let_in = must_be_let_in
        self._broker: JobBroker | None = None
        self._away = BrokerAway(clock()) if broker_url else None
        self._is_said = False

    @property
    def away(self) -> BrokerAway | None:
        """Return since when there is no broker; None while there is one, or none is set."""
        return self._away

    @property
    def remarks(self) -> dict[str, str]:
        """Return what health says beside "ok": nothing has failed that a restart would mend."""
        if self._away is None:
            return {}
        what = "refuses the connection" if self._away.is_refused else "is away"
        since = self._away.since.isoformat(timespec="seconds")
        return {"broker": f"{what} since {since}; jobs are taken from the database"}

    async def send(self, job_id: str) -> None:
        """Send the id, as `JobBroker.send`; raises TryLaterError at once while it is away."""
        if self._broker is None or self._away is not None:
            raise TryLaterError("the broker is away")
        await self._broker.send(job_id)

    async def run_forever(self, work: Work) -> None:
        """Connect, and connect again whenever that failed; `work` is called as by `open_broker`.

        Raises RefusedError if the broker refuses this process before it has ever let it in, where
        that matters.
        """
        while True:
            pause_s = _PAUSE_S
            try:
                async with open_broker(
                    self._broker_url,
                    work,
                    at_once=ALL_PLACES,
                    queue=self._queue,
                    on_change=self._changed,
                ) as self._broker:
                    self._must_be_let_in = False
                    await asyncio.Event().wait()
            except TryLaterError as error:
                self._lost(str(error))
            except RefusedError as error:
                if self._must_be_let_in:
                    raise
                self._lost(str(error), is_refused=True)
                pause_s = _REFUSED_PAUSE_S
            finally:
                self._broker = None
            await asyncio.sleep(pause_s)

    def _changed(self, *, is_there: bool) -> None:
        if not is_there:
            self._lost("the connection is lost, or nothing is confirmed")
        elif self._away is not None:
            self._away, self._is_said = None, False
            if self._broker_url:
                logger.info("connected to the broker: new jobs go over it")

    def _lost(self, reason: str, *, is_refused: bool = False) -> None:
        before = self._away
        # At the start it is away as well, and nobody was told.
        if not self._is_said or before is None or is_refused != before.is_refused:
            log = logger.error if is_refused else logger.warning
            log(
                "the broker is away: this process works on the jobs that it finds in the database",
                reason=reason,
            )
        self._is_said = True
        self._away = BrokerAway(before.since if before else self._clock(), is_refused)
