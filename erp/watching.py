"""What can be watched of an ERP: its requests, without what they ask, and its circuit breakers."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Protocol

import aiohttp


class Watch(Protocol):
    """Hears of the requests to ERPs."""

    def asked(self, asked: "Asked", status: int | None, seconds: float, error: str) -> None:
        """Note a request that has ended, and the seconds until its answer began.

        status: of HTTP; None if no answer came. error: the name of the error's type then.
        """

    def watch_breaker(self, system: str, is_open: Callable[[], bool]) -> None:
        """Note a function that tells whether the ERP is left alone, as it has failed too often."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, as an adapter names it: without document, query or secret."""

    system: str
    what: str


def tracing_to(watch: Watch) -> aiohttp.TraceConfig:
    """Return what a session needs so that `watch` hears of each request that says what it is."""
    config = aiohttp.TraceConfig()

    async def begun(_: object, context: SimpleNamespace, __: object) -> None:
        context.began = time.monotonic()

    async def answered(
        _: object, context: SimpleNamespace, end: aiohttp.TraceRequestEndParams
    ) -> None:
        tell(context, end.response.status, "")

    async def failed(
        _: object, context: SimpleNamespace, end: aiohttp.TraceRequestExceptionParams
    ) -> None:
        tell(context, None, type(end.exception).__name__)

    def tell(context: SimpleNamespace, status: int | None, error: str) -> None:
        if isinstance(asked := context.trace_request_ctx, Asked):
            watch.asked(asked, status, time.monotonic() - context.began, error)

    config.on_request_start.append(begun)
    config.on_request_end.append(answered)
    config.on_request_exception.append(failed)
    return config
