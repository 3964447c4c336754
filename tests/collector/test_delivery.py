"""What the Collector acknowledged arrives, whatever dies in between."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from tests.support.collector import Collector
from tests.support.otlp_sink import (
    Answer,
    OtlpSink,
    attributes_of,
    export_request,
    post,
    span,
    spans_in,
)
from tests.support.servers import free_port, wait_for

UNAVAILABLE = Answer(503, {"retry-after": "1"})
TAGS = {"taximeter.feature": "search", "gen_ai.operation.name": "chat"}


@pytest.fixture
def sink() -> Iterator[OtlpSink]:
    with OtlpSink() as sink:
        yield sink


@pytest.fixture
def collector(tmp_path: Path, sink: OtlpSink) -> Iterator[Collector]:
    with Collector(tmp_path, sink.url) as collector:
        yield collector


def test_bodies_are_gzipped_protobuf_without_an_authorization_header(
    collector: Collector, sink: OtlpSink
) -> None:
    acknowledged(collector, 1)
    wait_for("delivery", lambda: sink.spans)
    headers = sink.headers[0]
    assert headers["content-encoding"] == "gzip"
    assert headers["content-type"] == "application/x-protobuf"
    assert "authorization" not in headers


def test_a_bearer_token_is_sent_when_given(tmp_path: Path, sink: OtlpSink) -> None:
    environment = {"TAXIMETER_PROCESSOR_HEADERS": '{authorization: "Bearer s3cret"}'}
    with Collector(tmp_path, sink.url, environment=environment) as collector:
        acknowledged(collector, 1)
        wait_for("delivery", lambda: sink.spans)
    assert sink.headers[0]["authorization"] == "Bearer s3cret"


def test_a_bearer_token_may_stay_in_its_file(tmp_path: Path, sink: OtlpSink) -> None:
    (tmp_path / "token").write_text("tx_5ecret")
    header = f'{{authorization: "Bearer ${{file:{tmp_path / "token"}}}"}}'
    with Collector(
        tmp_path, sink.url, environment={"TAXIMETER_PROCESSOR_HEADERS": header}
    ) as collector:
        acknowledged(collector, 1)
        wait_for("delivery", lambda: sink.spans)
    assert sink.headers[0]["authorization"] == "Bearer tx_5ecret"


def test_spans_sent_over_grpc_arrive(collector: Collector, sink: OtlpSink) -> None:
    provider = TracerProvider()
    exporter = OTLPSpanExporter(collector.grpc_endpoint, insecure=True)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    provider.get_tracer("app").start_span("chat", attributes=TAGS).end()
    provider.shutdown()
    wait_for("delivery", lambda: sink.spans)
    assert attributes_of(sink.spans[0]) == TAGS


def test_a_large_request_is_split_below_the_processors_limit(
    collector: Collector, sink: OtlpSink
) -> None:
    sent = acknowledged(collector, 5000)
    wait_for("delivery", lambda: sink.span_ids == sent)
    assert max(len(spans_in(request)) for request in sink.requests) == 2048


def test_an_unavailable_processor_is_asked_again_until_it_accepts(
    collector: Collector, sink: OtlpSink
) -> None:
    sink.answers.extend([UNAVAILABLE, Answer(429, {"retry-after": "1"})])
    sent = acknowledged(collector, 3)
    wait_for("delivery", lambda: sink.span_ids == sent)
    assert len(sink.headers) == 3
    assert collector.metric("otelcol_exporter_send_failed_spans") == 0
    wait_for("sending", lambda: collector.metric("otelcol_exporter_sent_spans") == 3)


def test_a_partial_success_is_not_sent_again(collector: Collector, sink: OtlpSink) -> None:
    body = ExportTraceServiceResponse()
    body.partial_success.rejected_spans = 1
    body.partial_success.error_message = "no trace id"
    sink.answers.append(Answer(200, body=body))
    acknowledged(collector, 2)
    wait_for("sending", lambda: collector.metric("otelcol_exporter_sent_spans") == 2)
    assert len(sink.headers) == 1
    assert "no trace id" in collector.log.read_text()


def test_a_final_refusal_is_counted_as_failed_and_holds_nothing_up(
    collector: Collector, sink: OtlpSink
) -> None:
    sink.answers.append(Answer(400))
    acknowledged(collector, 2)
    wait_for("refusal", lambda: collector.metric("otelcol_exporter_send_failed_spans") == 2)
    sent = acknowledged(collector, 1)
    wait_for("delivery", lambda: sink.span_ids == sent)


def test_everything_acknowledged_survives_kill_9_with_the_processor_down(tmp_path: Path) -> None:
    port = free_port()
    collector = Collector(tmp_path, f"http://127.0.0.1:{port}")
    with collector:
        sent = set().union(*(acknowledged(collector, 25) for _ in range(20)))
        assert collector.metric("otelcol_exporter_queue_size") > 0
        collector.kill()
        collector.start()
        with OtlpSink(port) as sink:
            wait_for("delivery", lambda: sink.span_ids == sent)
    assert len(sent) == 500


def test_what_was_in_flight_at_kill_9_is_delivered_after_the_restart(
    collector: Collector, sink: OtlpSink
) -> None:
    sink.default = UNAVAILABLE
    sent = acknowledged(collector, 10)
    wait_for("first attempt", lambda: sink.headers)
    collector.kill()
    sink.default = Answer()
    collector.start()
    wait_for("delivery", lambda: sink.span_ids == sent)


def test_kills_under_load_lose_nothing_that_was_acknowledged(
    collector: Collector, sink: OtlpSink
) -> None:
    load = Load(collector)
    for _ in range(3):
        load.wait_for_more(20)
        collector.kill()
        collector.start()
    load.stop()
    wait_for("delivery", lambda: load.acknowledged <= sink.span_ids)


def test_a_stop_keeps_what_is_not_delivered_for_the_next_start(
    collector: Collector, sink: OtlpSink
) -> None:
    sink.default = UNAVAILABLE
    sent = acknowledged(collector, 10)
    wait_for("first attempt", lambda: sink.headers)
    collector.stop()
    sink.default = Answer()
    collector.start()
    wait_for("delivery", lambda: sink.span_ids == sent)


def test_a_full_queue_acknowledges_nothing_it_cannot_keep(tmp_path: Path) -> None:
    port = free_port()
    environment = {"TAXIMETER_COLLECTOR_QUEUE_BYTES": "4000"}
    with Collector(tmp_path, f"http://127.0.0.1:{port}", environment=environment) as collector:
        acknowledged_ids = fill(collector)
        with OtlpSink(port) as sink:
            wait_for("delivery", lambda: acknowledged_ids <= sink.span_ids)
            sent = acknowledged(collector, 1)
            wait_for("delivery", lambda: sent <= sink.span_ids)


class Load:
    """Sends one span after another; those that cannot be sent are not acknowledged."""

    def __init__(self, collector: Collector) -> None:
        self.acknowledged: set[bytes] = set()
        self._collector = collector
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._stopping.is_set():
            with contextlib.suppress(OSError):
                self.acknowledged |= acknowledged(self._collector, 1)

    def wait_for_more(self, count: int) -> None:
        target = len(self.acknowledged) + count
        wait_for(f"{target} spans", lambda: len(self.acknowledged) >= target)

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()


def acknowledged(collector: Collector, count: int) -> set[bytes]:
    """The ids of `count` spans, sent in one request that the Collector acknowledged."""
    spans = [span(TAGS) for _ in range(count)]
    assert post(collector.url, export_request(spans)) == 200
    return {sent.span_id for sent in spans}


def fill(collector: Collector) -> set[bytes]:
    ids: set[bytes] = set()
    for _ in range(100):
        spans = [span(TAGS) for _ in range(5)]
        try:
            status = post(collector.url, export_request(spans), timeout_seconds=2)
        except TimeoutError:
            return ids
        assert status == 200
        ids |= {sent.span_id for sent in spans}
    raise AssertionError("the queue took 100 requests and was not full")
