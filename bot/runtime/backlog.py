"""The figures of what waits in the database, read when somebody asks for the metrics."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime
from typing import Final

import structlog
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bot.domain.backlog import Backlog
from bot.runtime.supervisor import log_failure

# Several may scrape, and each look costs the database a few reads.
_FRESH_S: Final = 10.0
# Prometheus gives up after ten seconds; while the database is away the other metrics matter most.
_PATIENCE_S: Final = 3.0

logger = structlog.get_logger()


class BacklogFigures(Collector):
    """Shows the backlog as `look` read it last; while it cannot be read, nothing but that."""

    def __init__(
        self,
        read: Callable[[], Awaitable[Backlog]],
        clock: Callable[[], datetime],
        *,
        fresh_s: float = _FRESH_S,
        patience_s: float = _PATIENCE_S,
    ) -> None:
        self._read = read
        self._clock = clock
        self._fresh_s = fresh_s
        self._patience_s = patience_s
        self._looking = asyncio.Lock()
        self._looked_at: float | None = None
        self._backlog: Backlog | None = None

    async def look(self) -> None:
        """Read the backlog, unless that was done a moment ago. Raises nothing."""
        loop = asyncio.get_running_loop()
        async with self._looking:
            if self._looked_at is not None and loop.time() - self._looked_at < self._fresh_s:
                return
            try:
                async with asyncio.timeout(self._patience_s):
                    self._backlog = await self._read()
            except TimeoutError:
                logger.warning("backlog not read in time")
                self._backlog = None
            except Exception as error:
                # The other metrics are shown all the same.
                log_failure("backlog", error)
                self._backlog = None
            self._looked_at = loop.time()

    def collect(self) -> Iterator[Metric]:
        found = self._backlog
        if self._looked_at is not None:
            yield _gauge(
                "balcao_database_up",
                "1 if the database has answered for these metrics, else 0",
                found is not None,
            )
        if found is None:
            return
        yield _gauge("balcao_inbox_waiting", "Updates that are not handled yet", found.updates)
        yield _gauge(
            "balcao_inbox_oldest_seconds",
            "Age of the oldest update that is not handled yet",
            self._age_s(found.updates_since),
        )
        yield _gauge("balcao_inbox_set_aside", "Updates that were given up", found.set_aside)
        yield _gauge(
            "balcao_outbox_failed", "Messages that were given up and are kept", found.undelivered
        )
        jobs = GaugeMetricFamily(
            "balcao_jobs",
            "Jobs that are not over, and those that ended within an hour",
            labels=["kind", "state"],
        )
        for (kind, state), count in sorted(found.jobs.items()):
            jobs.add_metric([kind, state], count)
        yield jobs
        yield _gauge("balcao_jobs_waiting", "Jobs that nobody works on", found.jobs_waiting)
        yield _gauge(
            "balcao_jobs_oldest_seconds",
            "For how long the oldest job has waited for a worker",
            self._age_s(found.jobs_since),
        )

    def _age_s(self, since: datetime | None) -> float:
        return max((self._clock() - since).total_seconds(), 0.0) if since else 0.0


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=float(value))
