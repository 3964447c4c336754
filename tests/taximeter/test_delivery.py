"""Spans that never got out are counted."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from taximeter.delivery import Delivery


class Collector(SpanExporter):
    """Takes spans, refuses them, or does not answer until it may."""

    def __init__(self, result: SpanExportResult = SpanExportResult.SUCCESS) -> None:
        self.result = result
        self.answers = threading.Event()
        self.answers.set()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.answers.wait(10)
        return self.result


def end_spans(delivery: Delivery, number: int) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(delivery)
    tracer = provider.get_tracer("t")
    for _ in range(number):
        tracer.start_span("s").end()


def test_what_is_delivered_is_not_lost() -> None:
    delivery = Delivery(Collector())
    end_spans(delivery, 5)
    assert delivery.force_flush()
    assert delivery.dropped() == 0
    delivery.shutdown()


def test_a_refused_batch_is_lost() -> None:
    delivery = Delivery(Collector(SpanExportResult.FAILURE))
    end_spans(delivery, 5)
    delivery.force_flush()
    assert delivery.dropped() == 5
    delivery.shutdown()


def test_a_full_queue_loses_what_does_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "10")
    collector = Collector()
    collector.answers.clear()
    delivery = Delivery(collector, max_queue_size=10)
    end_spans(delivery, 100)
    collector.answers.set()
    delivery.force_flush()
    # Ten may be on their way while ten wait: the rest found no room.
    assert 80 <= delivery.dropped() <= 90
    delivery.shutdown()


def test_spans_ended_after_the_last_flush_are_counted_at_shutdown() -> None:
    delivery = Delivery(Collector(SpanExportResult.FAILURE))
    end_spans(delivery, 3)
    delivery.shutdown()
    assert delivery.dropped() == 3


def test_a_forked_child_has_lost_nothing_yet() -> None:
    delivery = Delivery(Collector(SpanExportResult.FAILURE))
    end_spans(delivery, 4)
    delivery.force_flush()
    child = os.fork()
    if child == 0:
        os._exit(delivery.dropped())
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert delivery.dropped() == 4
    delivery.shutdown()
