"""Prometheus metrics: counts and times, without personal data."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bot.domain.outgoing import Priority, Undelivered
from bot.runtime.supervisor import TaskHealth

# Seconds from putting a message into the outbox to Telegram's confirmation.
_LAG_BUCKETS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
_UPDATE_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_ERP_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """The metrics of one running bot, in a registry of their own."""

    def __init__(
        self,
        *,
        asked_to_wait: Callable[[], int],
        tasks: Mapping[str, TaskHealth],
        registry: CollectorRegistry | None = None,
    ) -> None:
        """asked_to_wait: returns the number of calls that Telegram has answered with 429 so far.
        tasks: the health of the background tasks, as it is now. registry: one that others have
        put metrics of this process into."""
        self._registry = registry or CollectorRegistry()
        self._registry.register(_Tasks(tasks))
        ProcessCollector(registry=self._registry)
        self._updates = Histogram(
            "balcao_update_seconds",
            "Handling of an update, by its kind and how that ended",
            ["kind", "outcome"],
            registry=self._registry,
            buckets=_UPDATE_BUCKETS,
        )
        self._lag = Histogram(
            "balcao_outbox_lag_seconds",
            "From being put into the outbox to Telegram's confirmation",
            ["priority"],
            registry=self._registry,
            buckets=_LAG_BUCKETS,
        )
        self._undelivered = Counter(
            "balcao_outbox_undelivered",
            "Messages that Telegram did not take",
            ["reason"],
            registry=self._registry,
        )
        self._waiting = Gauge(
            "balcao_outbox_waiting", "Messages that wait to be sent", registry=self._registry
        )
        self._oldest = Gauge(
            "balcao_outbox_oldest_seconds",
            "Age of the oldest message that waits to be sent",
            registry=self._registry,
        )
        Gauge(
            "balcao_telegram_retry_after",
            "Calls that Telegram has answered with 429 since the start",
            registry=self._registry,
        ).set_function(asked_to_wait)

    def sent(self, priority: Priority, after_s: float) -> None:
        self._lag.labels(priority.name.lower()).observe(max(after_s, 0.0))

    def undelivered(self, reason: Undelivered) -> None:
        self._undelivered.labels(str(reason)).inc()

    def waits(self, items: int, oldest_s: float) -> None:
        self._waiting.set(items)
        self._oldest.set(oldest_s)

    def handled(self, kind: str, outcome: str, seconds: float) -> None:
        """Note that the handling of an update has ended.

        kind: one of Telegram's. outcome: one of few words.
        """
        self._updates.labels(kind, outcome).observe(seconds)

    def add(self, collector: Collector) -> None:
        """Show what this collector has, too."""
        self._registry.register(collector)

    def text(self) -> bytes:
        """Return the body of /metrics."""
        return generate_latest(self._registry)


@dataclass(frozen=True, slots=True, eq=False)
class _Tasks(Collector):
    tasks: Mapping[str, TaskHealth]

    def collect(self) -> Iterator[Metric]:
        restarts = CounterMetricFamily(
            "balcao_task_restarts",
            "Background tasks that ended or failed and were started again",
            labels=["task"],
        )
        up = GaugeMetricFamily(
            "balcao_task_up", "1 while the background task works, else 0", labels=["task"]
        )
        for name, health in sorted(self.tasks.items()):
            restarts.add_metric([name], health.restarts)
            up.add_metric([name], health.is_up)
        yield from (restarts, up)


class ErpFigures(Collector):
    """The requests to ERPs, and which of them are left alone for a while."""

    def __init__(self) -> None:
        self._seconds = Histogram(
            "balcao_erp_request_seconds",
            "From a request to an ERP to the beginning of its answer, by the answer's status",
            ["adapter", "outcome"],
            registry=None,
            buckets=_ERP_BUCKETS,
        )
        self._open: dict[str, list[Callable[[], bool]]] = {}

    def asked(self, adapter: str, status: int | None, seconds: float) -> None:
        """Note a request that has ended; status: of HTTP, None if no answer came."""
        outcome = "none" if status is None else f"{status // 100}xx"
        self._seconds.labels(adapter, outcome).observe(seconds)

    def watch_breaker(self, adapter: str, is_open: Callable[[], bool]) -> None:
        self._open.setdefault(adapter, []).append(is_open)

    def collect(self) -> Iterator[Metric]:
        yield from self._seconds.collect()
        circuit = GaugeMetricFamily(
            "balcao_erp_circuit_open",
            "1 from failures in a row on until an ERP answers again, else 0",
            labels=["adapter"],
        )
        for adapter, breakers in sorted(self._open.items()):
            circuit.add_metric([adapter], any(is_open() for is_open in breakers))
        yield circuit


class Counts(Protocol):
    """What a keeper of leases counts."""

    @property
    def held(self) -> int: ...
    @property
    def lost(self) -> int: ...
    @property
    def taken_over(self) -> int: ...


@dataclass(frozen=True, slots=True, eq=False)
class LeaseFigures(Collector):
    """The leases of this process, by what they are on."""

    keepers: Mapping[str, Counts]

    def collect(self) -> Iterator[Metric]:
        held = GaugeMetricFamily("balcao_leases_held", "Leases that are held", labels=["what"])
        lost = CounterMetricFamily(
            "balcao_leases_lost", "Leases that ended while they were held", labels=["what"]
        )
        taken = CounterMetricFamily(
            "balcao_leases_taken_over",
            "Leases acquired whose last holder had not released them",
            labels=["what"],
        )
        for name, keeper in sorted(self.keepers.items()):
            held.add_metric([name], keeper.held)
            lost.add_metric([name], keeper.lost)
            taken.add_metric([name], keeper.taken_over)
        yield from (held, lost, taken)
