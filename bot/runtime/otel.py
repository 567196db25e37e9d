"""Traces by OpenTelemetry: loaded only where the settings ask for them.

Of an error a span gets the name of its type alone: its text can quote what a person wrote.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from hashlib import blake2b
from threading import Thread
from typing import Final

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from bot.domain.trace import here
from bot.runtime.tracing import ERROR, Values

_NONE: Final[Values] = {}
# A long import does as much again and again: its first thousand calls tell enough.
_MOST: Final = 1_000
_PATIENCE_S: Final = 5.0
_PATH: Final = "/v1/traces"
_SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED)
_NOT_SAMPLED: Final = TraceFlags(TraceFlags.DEFAULT)


@dataclass(slots=True)
class _Place:
    """The span in which the present work is done."""

    span: Span
    left: list[int]
    """How many more spans may be recorded below the first of this process; all below share it."""


class OpenTelemetry:
    """Records spans with this provider, whose ids must be those of `_Ids`."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("balcao")

    @contextmanager
    def span(
        self, name: str, values: Values = _NONE, *, parent: str = "", causes: Sequence[str] = ()
    ) -> Iterator[None]:
        outer = _here()
        context = Context()
        if parent:
            context = _below(_read(parent))
        elif outer:
            context = set_span_in_context(outer.span, context)
        links = [Link(cause) for one in causes if (cause := _read(one))]
        span = self._tracer.start_span(name, context, attributes=dict(values), links=links)
        left = outer.left if outer and not parent else [_MOST]
        token = here.set(_Place(span, left))
        try:
            yield
        except BaseException as error:
            _failed(span, type(error).__name__)
            raise
        finally:
            here.reset(token)
            span.end()

    def took(self, name: str, seconds: float, values: Values = _NONE, *, place: str = "") -> None:
        outer, context = _here(), Context()
        if not place:
            if outer is None or not outer.span.is_recording() or outer.left[0] <= 0:
                return
            outer.left[0] -= 1
            context = set_span_in_context(outer.span, context)
        now = time.time_ns()
        token = _wanted.set(_read(place))
        try:
            span = self._tracer.start_span(
                name,
                context,
                kind=SpanKind.INTERNAL if place else SpanKind.CLIENT,
                attributes=dict(values),
                start_time=now - int(seconds * 1e9),
            )
        finally:
            _wanted.reset(token)
        if error := values.get(ERROR):
            _failed(span, str(error))
        span.end(now)

    def first_of(self, key: str) -> str:
        digest = blake2b(key.encode(), digest_size=24).digest()
        trace_id, span_id = digest[:16], digest[16:]
        # By the trace's id alone, so that all processes decide the same.
        decided = self._provider.sampler.should_sample(
            Context(), int.from_bytes(trace_id), "first"
        ).decision
        sampled = decided is Decision.RECORD_AND_SAMPLE
        return f"00-{trace_id.hex()}-{span_id.hex()}-{int(sampled):02x}"

    def here(self) -> str:
        place = _here()
        if place is None:
            return ""
        at = place.span.get_span_context()
        sampled = int(at.trace_flags.sampled)
        return f"00-{at.trace_id:032x}-{at.span_id:016x}-{sampled:02x}"


def _here() -> _Place | None:
    place = here.get()
    return place if isinstance(place, _Place) else None


def _failed(span: Span, error: str) -> None:
    span.set_attribute(ERROR, error)
    span.set_status(StatusCode.ERROR)


def _read(place: str) -> SpanContext | None:
    """Return the place that a text names; None for anything else."""
    try:
        _, trace_id, span_id, flags = place.split("-")
        sampled = _SAMPLED if int(flags, 16) & TraceFlags.SAMPLED else _NOT_SAMPLED
        return SpanContext(
            int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=sampled
        )
    except ValueError:
        return None


def _below(parent: SpanContext | None) -> Context:
    return set_span_in_context(NonRecordingSpan(parent), Context()) if parent else Context()


_wanted: Final[ContextVar[SpanContext | None]] = ContextVar("wanted", default=None)
"""The ids that the next span gets."""


class _Ids(RandomIdGenerator):
    """Random ids, but for a span whose place is known beforehand."""

    def generate_trace_id(self) -> int:
        wanted = _wanted.get()
        return wanted.trace_id if wanted else super().generate_trace_id()

    def generate_span_id(self) -> int:
        wanted = _wanted.get()
        return wanted.span_id if wanted else super().generate_span_id()


@asynccontextmanager
async def exporting(url: str, *, service: str, version: str) -> AsyncIterator[OpenTelemetry]:
    """Send what is recorded inside the block to a collector, by OTLP over HTTP.

    url: the collector's address; the standard path is added unless it is there. OpenTelemetry's
        own variables of the environment (OTEL_EXPORTER_OTLP_HEADERS, OTEL_TRACES_SAMPLER and
        others) hold. Spans are dropped while the collector is away. The end of the block waits
        5 seconds for it, no longer.
    """
    names = {"service.name": os.environ.get("OTEL_SERVICE_NAME") or service}
    provider = TracerProvider(
        resource=Resource.create({**names, "service.version": version}),
        id_generator=_Ids(),
        shutdown_on_exit=False,
    )
    endpoint = url if url.endswith(_PATH) else url.rstrip("/") + _PATH
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint)))
    try:
        yield OpenTelemetry(provider)
    finally:
        # A daemon: a collector that does not answer must not keep the process.
        ending = Thread(target=provider.shutdown, name="traces end", daemon=True)
        ending.start()
        await asyncio.to_thread(ending.join, _PATIENCE_S)
