"""Where spans go: money is not sampled, and the application's own traces are left as they were."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import httpx2
import pytest
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    ParentBasedTraceIdRatio,
    Sampler,
)

import taximeter
from taximeter import tracing
from tests.support.otlp_sink import OtlpSink, attributes_of
from tests.taximeter.replay import recording

BODY = recording("openai-chat-json").body
CHAT = "https://api.openai.com/v1/chat/completions"


@pytest.fixture
def sink() -> Iterator[OtlpSink]:
    with OtlpSink() as running:
        yield running


class Application:
    """An application with a tracer provider of its own, and a backend of its own."""

    def __init__(self, sampler: Sampler) -> None:
        self.exported = InMemorySpanExporter()
        resource = Resource.create({"service.name": "shop"})
        self.provider = TracerProvider(sampler, resource, shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self.exported))
        self.current_while_sending: list[trace.Span] = []
        self.client = httpx2.Client(transport=httpx2.MockTransport(self._answer))

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.current_while_sending.append(trace.get_current_span())
        return httpx2.Response(200, content=BODY)

    def call(self) -> None:
        self.client.post(CHAT, json={"model": "gpt-4.1"})


def test_a_sampler_of_one_percent_loses_no_call(
    sink: OtlpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", sink.url)
    application = Application(ParentBasedTraceIdRatio(0.01))
    taximeter.instrument(tracer_provider=application.provider)
    for _ in range(500):
        application.call()
    taximeter.uninstrument()
    exported = [dict(span.attributes or {}) for span in application.exported.get_finished_spans()]
    exported += [attributes_of(span) for span in sink.spans]
    numbers = sorted(int(str(attributes["taximeter.sequence"])) for attributes in exported)
    assert numbers == list(range(numbers[0], numbers[0] + 500))
    assert {attributes["gen_ai.usage.input_tokens"] for attributes in exported} == {19}


def test_a_dropped_trace_keeps_its_id_and_parent_and_its_current_span(
    sink: OtlpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", sink.url)
    application = Application(ALWAYS_OFF)
    taximeter.instrument(tracer_provider=application.provider)
    with application.provider.get_tracer("shop").start_as_current_span("order") as order:
        application.call()
    taximeter.uninstrument()
    (ours,) = sink.spans
    parent = order.get_span_context()
    assert int.from_bytes(ours.trace_id, "big") == parent.trace_id
    assert int.from_bytes(ours.parent_span_id, "big") == parent.span_id
    assert application.current_while_sending == [order]
    assert application.exported.get_finished_spans() == ()


def test_a_sampled_trace_has_our_span_as_child_and_current_span(sink: OtlpSink) -> None:
    application = Application(ALWAYS_ON)
    taximeter.instrument(tracer_provider=application.provider)
    with application.provider.get_tracer("shop").start_as_current_span("order") as order:
        application.call()
    taximeter.uninstrument()
    ours, _ = application.exported.get_finished_spans()
    assert ours.parent == order.get_span_context()
    assert application.current_while_sending[0].get_span_context() == ours.context
    assert trace.get_current_span() is trace.INVALID_SPAN


def test_an_endpoint_of_our_own_gets_every_span_with_the_application_s_name(
    sink: OtlpSink,
) -> None:
    application = Application(ALWAYS_ON)
    taximeter.instrument(tracer_provider=application.provider, endpoint=sink.url)
    application.call()
    taximeter.uninstrument()
    assert len(sink.spans) == 1
    resource = sink.requests[0].resource_spans[0].resource.attributes
    assert {item.key: item.value.string_value for item in resource}["service.name"] == "shop"
    assert application.exported.get_finished_spans() == ()


def test_following_the_sampler_is_a_choice(sink: OtlpSink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", sink.url)
    application = Application(ALWAYS_OFF)
    taximeter.instrument(tracer_provider=application.provider, sampling="follow")
    application.call()
    taximeter.uninstrument()
    assert sink.spans == []


def test_a_disabled_sdk_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    application = Application(ALWAYS_ON)
    taximeter.instrument(tracer_provider=application.provider)
    application.call()
    taximeter.uninstrument()
    assert application.exported.get_finished_spans() == ()


def test_the_attribute_limits_of_the_application_cut_no_money_off(
    sink: OtlpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "3")
    application = Application(ALWAYS_ON)
    taximeter.instrument(tracer_provider=application.provider, endpoint=sink.url)
    application.call()
    taximeter.uninstrument()
    assert attributes_of(sink.spans[0])["gen_ai.usage.input_tokens"] == 19


START = f"""
import httpx2, taximeter
from opentelemetry import trace
taximeter.instrument()
assert isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)
def client(**answer):
    return httpx2.Client(transport=httpx2.MockTransport(lambda _: httpx2.Response(200, **answer)))
request = httpx2.Request("POST", {CHAT!r}, json={{"model": "gpt-4.1"}})
"""


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", START + code], stdout=subprocess.PIPE, check=True)
    return done.stdout.decode().strip()


@pytest.mark.parametrize("variable", ["OTEL_EXPORTER_OTLP_ENDPOINT", "TAXIMETER_ENDPOINT"])
def test_an_application_without_a_provider_gets_one_at_its_first_call(
    sink: OtlpSink, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, sink.url)
    code = f"client(content={BODY!r}).send(request)\nprint(type(trace.get_tracer_provider()))"
    assert run(code) == "<class 'opentelemetry.sdk.trace.TracerProvider'>"
    (span,) = sink.spans
    assert attributes_of(span)["taximeter.sequence"] == 1


def test_a_provider_that_the_application_sets_before_its_first_call_is_its_own() -> None:
    code = f"""
from opentelemetry.sdk.trace import TracerProvider
own = TracerProvider()
trace.set_tracer_provider(own)
client(content={BODY!r}).send(request)
print(trace.get_tracer_provider() is own)
"""
    assert run(code) == "True"


def test_a_stream_left_open_when_the_program_ends_is_still_exported(
    sink: OtlpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAXIMETER_ENDPOINT", sink.url)
    run("""
class Chunks(httpx2.SyncByteStream):
    def __iter__(self):
        yield b"data: {}"
kept = client(stream=Chunks()).send(request, stream=True)
""")
    (span,) = sink.spans
    assert attributes_of(span)["taximeter.usage_status"] == "partial"


@pytest.mark.parametrize(
    ("endpoint", "protocol", "exporter", "url"),
    [
        (None, "", HttpExporter, "http://localhost:4318/v1/traces"),
        ("http://c:4318/", "", HttpExporter, "http://c:4318/v1/traces"),
        ("http://c/v1/traces", "", HttpExporter, "http://c/v1/traces"),
        (None, "grpc", GrpcExporter, "http://localhost:4317"),
        ("http://c:4317", "grpc", GrpcExporter, "http://c:4317"),
        ("http://c:4318", "grpc", HttpExporter, "http://c:4318/v1/traces"),
        (None, "http/protobuf", HttpExporter, "http://localhost:4318/v1/traces"),
    ],
)
def test_spans_go_over_http_unless_grpc_is_asked_for_and_fits(
    monkeypatch: pytest.MonkeyPatch,
    endpoint: str | None,
    protocol: str,
    exporter: type[object],
    url: str,
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
    made = tracing.otlp_exporter(endpoint)
    made.shutdown()
    assert isinstance(made, exporter)
    assert tracing.destination(endpoint) == url
