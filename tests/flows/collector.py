"""What an operator collects: traces, sent by OTLP over HTTP, and the names of metrics."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web
from google.protobuf.json_format import MessageToJson
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from bot.runtime.http_server import serving

_RANDOM: Final = re.compile(
    r'"(?:(?:start|end)TimeUnixNano|traceId|(?:parentS|s)panId|doubleValue)": "?[^"\s]*"?'
    r'|"[0-9a-f-]{16,36}"'
)


@dataclass(frozen=True, slots=True)
class Got:
    """One span that came."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    values: dict[str, Any]


@dataclass(slots=True)
class Collector:
    url: str = ""
    text: str = ""
    """All that came, as JSON, but for times and names that are random."""
    spans: list[Got] = field(default_factory=list)

    def named(self, name: str, values: dict[str, Any] | None = None) -> list[Got]:
        """Return the spans of this name that have these values."""
        wanted = (values or {}).items()
        return [one for one in self.spans if one.name == name and wanted <= one.values.items()]

    def below(self, span: Got) -> list[Got]:
        """Return the spans below this one, at any depth."""
        own = [one for one in self.spans if one.parent == span.id and one.trace == span.trace]
        return [*own, *(one for part in own for one in self.below(part))]

    async def take(self, request: web.Request) -> web.Response:
        came = ExportTraceServiceRequest.FromString(await request.read())
        self.text += _RANDOM.sub("", MessageToJson(came, ensure_ascii=False))
        for resource in came.resource_spans:
            service = _values(resource.resource.attributes)["service.name"]
            for span in (span for scope in resource.scope_spans for span in scope.spans):
                self.spans.append(
                    Got(
                        service=service,
                        name=span.name,
                        trace=span.trace_id.hex(),
                        id=span.span_id.hex(),
                        parent=span.parent_span_id.hex(),
                        values=_values(span.attributes),
                    )
                )
        return web.Response(
            body=ExportTraceServiceResponse().SerializeToString(),
            content_type="application/x-protobuf",
        )


def _values(attributes: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}


@asynccontextmanager
async def collector() -> AsyncIterator[Collector]:
    """Run a collector inside the block."""
    made, app = Collector(), web.Application()
    app.router.add_post("/v1/traces", made.take)
    async with serving(app, "127.0.0.1", 0) as made.url:
        yield made


def names(metrics: str) -> str:
    """Return the metrics without their values: seconds have any four digits at some time."""
    return re.sub(r" [0-9.]+(?:e[+-]?\d+)?$", "", metrics, flags=re.MULTILINE)
