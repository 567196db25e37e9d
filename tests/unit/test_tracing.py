"""What OpenTelemetry is given: places that travel, few spans, and nobody's words."""

import asyncio

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio

from bot.runtime import otel
from bot.runtime.otel import OpenTelemetry
from bot.runtime.tracing import ERROR

DOCUMENT = "529.982.247-25"


class Traced:
    def __init__(self, ratio: float = 1.0) -> None:
        self._kept = InMemorySpanExporter()
        provider = TracerProvider(
            sampler=ParentBasedTraceIdRatio(ratio),
            id_generator=otel._Ids(),
            shutdown_on_exit=False,
        )
        provider.add_span_processor(SimpleSpanProcessor(self._kept))
        self.tracer = OpenTelemetry(provider)

    @property
    def spans(self) -> dict[str, ReadableSpan]:
        return {span.name: span for span in self._kept.get_finished_spans()}

    @property
    def count(self) -> int:
        return len(self._kept.get_finished_spans())


def test_an_error_leaves_its_type_alone():
    traced = Traced()

    def handle() -> None:
        traced.tracer.took("mongodb find", 0.1, {ERROR: "NotWritablePrimary"})
        raise ValueError(DOCUMENT)

    with pytest.raises(ValueError, match=DOCUMENT), traced.tracer.span("update"):
        handle()
    assert traced.spans["update"].attributes == {ERROR: "ValueError"}
    for span in traced.spans.values():
        assert not span.status.is_ok
        assert DOCUMENT not in span.to_json()


def test_a_place_goes_through_another_process_and_garbage_begins_a_new_trace():
    here, there = Traced(), Traced()
    place = here.tracer.first_of("1:7")
    here.tracer.took("receive", 0.5, place=place)
    with here.tracer.span("update", parent=place):
        sent = here.tracer.here()
    with here.tracer.span("other"):
        cause = here.tracer.here()
    assert there.tracer.first_of("1:7") == place != there.tracer.first_of("1:8")
    with there.tracer.span("send", parent=sent, causes=[cause, "nonsense"]):
        there.tracer.took("telegram sendMessage", 0.1)
    receive, update, send = here.spans["receive"], here.spans["update"], there.spans["send"]
    assert receive.parent is None
    assert update.parent
    assert send.parent
    assert update.parent.span_id == receive.context.span_id
    assert send.parent.span_id == update.context.span_id
    assert {s.context.trace_id for s in (receive, update, send)} == {int(place.split("-")[1], 16)}
    assert [link.context.trace_id for link in send.links] == [here.spans["other"].context.trace_id]
    for garbage in ("x", "00-zz-1-01", "00-" + "0" * 32 + "-" + "0" * 16 + "-01", "a-b-c-d-e"):
        with there.tracer.span(garbage, parent=garbage):
            pass
        assert there.spans[garbage].parent is None


def test_all_processes_keep_the_same_traces():
    here, there = Traced(0.5), Traced(0.5)
    for number in range(40):
        place = here.tracer.first_of(str(number))
        here.tracer.took(f"receive {number}", 0.1, place=place)
        with here.tracer.span(f"update {number}", parent=place):
            sent = here.tracer.here()
        with there.tracer.span(f"send {number}", parent=sent):
            there.tracer.took(f"call {number}", 0.1)
        is_kept = f"receive {number}" in here.spans
        assert (f"update {number}" in here.spans) is is_kept
        assert (f"send {number}" in there.spans) is (f"call {number}" in there.spans) is is_kept
    assert 0 < here.count < 80


async def test_what_goes_on_without_end_records_no_end_of_spans(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(otel, "_MOST", 5)
    traced, go_on = Traced(), asyncio.Event()

    async def long_after() -> None:
        await go_on.wait()
        traced.tracer.took("late", 0.1)

    with traced.tracer.span("job"):
        task = asyncio.create_task(long_after())
        with traced.tracer.span("part"):
            for _ in range(9):
                traced.tracer.took("batch", 0.1)
    go_on.set()
    await task
    traced.tracer.took("outside", 0.1)
    assert traced.count == 2 + 5
    assert "late" not in traced.spans
    assert traced.tracer.here() == ""
