"""Prometheus metrics: counts and times, without personal data."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bot.domain.outgoing import Priority, Undelivered
from bot.runtime.supervisor import TaskHealth

# Seconds from putting a message into the outbox to Telegram's confirmation.
_LAG_BUCKETS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)


class Metrics:
    """The metrics of one running bot, in a registry of their own."""

    def __init__(
        self, *, asked_to_wait: Callable[[], int], tasks: Mapping[str, TaskHealth]
    ) -> None:
        """asked_to_wait: returns the number of calls that Telegram has answered with 429 so far.
        tasks: the health of the background tasks, as it is now."""
        self._registry = CollectorRegistry()
        self._registry.register(_Tasks(tasks))
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
