"""The wiring of what watches a process: its metrics always, its traces by setting.

What is watched passes through here, so that no span and no metric gets more than is named here.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from importlib.metadata import version
from typing import Any, Final

from aiogram import Dispatcher
from aiogram.dispatcher.event.handler import HandlerObject
from aiogram.enums import UpdateType
from prometheus_client import CollectorRegistry

from bot.domain.backlog import Backlog
from bot.domain.errors import RefusedError, TryLaterError
from bot.runtime.metrics import ErpFigures, Metrics
from bot.runtime.sending.limits import RateLimiter
from bot.runtime.supervisor import Supervisor
from bot.runtime.tracing import ERROR, NO_TRACES, Tracer, Value
from bot.runtime.updates.inbox import Payload, chat_key
from bot.settings import PREFIX, Settings
from erp.watching import Asked
from storage.engine.connection import Database
from storage.engine.watching import Commands
from storage.jobs.figures import JobFigures
from storage.updates.inbox import Inbox as StoredInbox
from storage.updates.outbox import Outbox as StoredOutbox
from storage.updates.waiting import waiting_updates

_KINDS: Final = frozenset(kind.value for kind in UpdateType)

Handle = Callable[[Payload], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class ErpWatch:
    """Hears of the requests to ERPs, for metrics and traces."""

    figures: ErpFigures
    tracer: Tracer

    def asked(self, asked: Asked, status: int | None, seconds: float, error: str) -> None:
        self.figures.asked(asked.system, status, seconds)
        values: dict[str, Value] = {"balcao.erp": asked.system, "balcao.erp.request": asked.what}
        if status is not None:
            values["http.response.status_code"] = status
            error = str(status) if status >= 400 else ""
        if error:
            values[ERROR] = error
        self.tracer.took(f"erp {asked.system}", seconds, values)

    def watch_breaker(self, system: str, is_open: Callable[[], bool]) -> None:
        self.figures.watch_breaker(system, is_open)


class Watching:
    """What watches one process; clients are opened with its parts."""

    def __init__(self, tracer: Tracer = NO_TRACES) -> None:
        self.tracer = tracer
        self.registry = CollectorRegistry()
        """For the metrics of the process."""
        self.erp = ErpWatch(figures := ErpFigures(), tracer)
        self.registry.register(figures)
        self.listeners = [] if tracer is NO_TRACES else [Commands(self._command)]
        """For the driver of the database."""

    def metrics(self, limiter: RateLimiter, supervisor: Supervisor) -> Metrics:
        """Return the metrics of the process; built once, as its registry takes a name once."""
        return Metrics(
            asked_to_wait=lambda: limiter.asked_to_wait,
            tasks=supervisor.health,
            registry=self.registry,
        )

    def _command(self, name: str, collection: str, seconds: float, error: str) -> None:
        values = {"db.system.name": "mongodb", "db.operation.name": name}
        values |= {"db.collection.name": collection} if collection else {}
        values |= {ERROR: error} if error else {}
        self.tracer.took(f"mongodb {name}", seconds, values)


@asynccontextmanager
async def open_tracer(settings: Settings, *, service: str) -> AsyncIterator[Tracer]:
    """Yield what records the traces of this process: nothing unless the settings ask for it.

    Raises RefusedError when they do and OpenTelemetry is not installed.
    """
    if not settings.otlp_url:
        yield NO_TRACES
        return
    try:
        from bot.runtime.otel import exporting
    except ModuleNotFoundError as error:
        raise RefusedError(
            f"{PREFIX}OTLP_URL: falta instalar o que envia os rastros. Rode: "
            "pip install 'balcao[tracing]'"
        ) from error
    async with exporting(settings.otlp_url, service=service, version=version("balcao")) as tracer:
        yield tracer


class WatchedUpdates:
    """Measures the handling of updates, and begins the trace of each.

    Its chat is shown by a name that only who has the bot's token could tell from the chat's id.
    """

    def __init__(self, bot_id: int, token: str, *, metrics: Metrics, tracer: Tracer) -> None:
        self._bot_id = bot_id
        self._key = blake2b(token.encode()).digest()
        self._metrics = metrics
        self._tracer = tracer

    def handling(self, handle: Handle) -> Handle:
        """Return `handle`, watched."""

        async def watched(payload: Payload) -> None:
            kind, outcome, began = _kind_of(payload), "failed", time.monotonic()
            try:
                if self._tracer is NO_TRACES:
                    await handle(payload)
                else:
                    parent, values = self._first(payload["update_id"]), self._values(payload)
                    with self._tracer.span("update", values, parent=parent):
                        await handle(payload)
                outcome = "done"
            except TryLaterError:
                outcome = "later"
                raise
            finally:
                self._metrics.handled(kind, outcome, time.monotonic() - began)

        return watched

    def inbox(self, database: Database) -> StoredInbox:
        """Return the store of updates."""
        return StoredInbox(database) if self._tracer is NO_TRACES else _TracedInbox(database, self)

    def received(self, payload: Payload, seconds: float) -> None:
        """Begin the trace of an update that is stored now, and was not before."""
        place = self._first(payload["update_id"])
        self._tracer.took("receive", seconds, self._values(payload), place=place)

    def _first(self, update_id: int) -> str:
        return self._tracer.first_of(f"{self._bot_id}:{update_id}")

    def _values(self, payload: Payload) -> dict[str, Value]:
        chat = blake2b(chat_key(payload).encode(), key=self._key, digest_size=8).hexdigest()
        return {
            "balcao.update": payload["update_id"],
            "balcao.update.kind": _kind_of(payload),
            "balcao.chat": chat,
        }


class _TracedInbox(StoredInbox):
    def __init__(self, database: Database, watched: WatchedUpdates) -> None:
        super().__init__(database)
        self._watched = watched

    async def add(
        self, bot_id: int, updates: Sequence[tuple[int, str, Payload]], *, at: datetime
    ) -> list[bool | RefusedError]:
        began = time.monotonic()
        are_new = await super().add(bot_id, updates, at=at)
        for (_, _, payload), is_new in zip(updates, are_new, strict=True):
            if is_new is True:
                self._watched.received(payload, time.monotonic() - began)
        return are_new


def _kind_of(payload: Payload) -> str:
    """Return Telegram's name of the update's kind; `other` for one that we do not know."""
    return next((name for name in payload if name in _KINDS), "other")


def trace_handlers(dispatcher: Dispatcher, tracer: Tracer) -> None:
    """Record which handler an update comes to."""

    async def traced(
        handler: Callable[..., Awaitable[Any]], event: Any, data: dict[str, Any]
    ) -> Any:
        with tracer.span("handler", {"code.function.name": _name_of(data["handler"])}):
            return await handler(event, data)

    for name, observer in dispatcher.observers.items():
        if name in _KINDS:
            observer.middleware(traced)


def _name_of(handler: HandlerObject) -> str:
    callback = handler.callback
    name = getattr(callback, "__qualname__", type(callback).__qualname__)
    return f"{getattr(callback, '__module__', '')}.{name}"


def read_backlog(
    database: Database, clock: Callable[[], datetime]
) -> Callable[[], Awaitable[Backlog]]:
    """Return a function that reads what waits in the database."""
    outbox, jobs = StoredOutbox(database), JobFigures(database)

    async def read() -> Backlog:
        now = clock()
        updates, updates_since, set_aside = await waiting_updates(database)
        jobs_waiting, jobs_since = await jobs.waiting(now)
        return Backlog(
            updates=updates,
            updates_since=updates_since,
            set_aside=set_aside,
            undelivered=await outbox.undelivered(),
            jobs=await jobs.by_state(now),
            jobs_waiting=jobs_waiting,
            jobs_since=jobs_since,
        )

    return read
