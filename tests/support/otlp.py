"""OTLP/HTTP for tests: spans made and posted, and a server that keeps what it is sent."""

from __future__ import annotations

import gzip
import threading
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

Value = str | bool | int | float | Sequence[str]
_numbers = count(1)


def span(attributes: Mapping[str, Value], *, name: str = "chat", trace: int = 1) -> Span:
    """A span of one second with an id of its own."""
    start = 1_795_000_000_000_000_000
    return Span(
        trace_id=trace.to_bytes(16, "big"),
        span_id=next(_numbers).to_bytes(8, "big"),
        name=name,
        kind=Span.SPAN_KIND_CLIENT,
        start_time_unix_nano=start,
        end_time_unix_nano=start + 1_000_000_000,
        attributes=[KeyValue(key=key, value=_any_value(value)) for key, value in attributes.items()],
    )


def attributes_of(received: Span) -> dict[str, Value]:
    """A span's attributes as Python values."""
    return {item.key: _python_value(item.value) for item in received.attributes}


def export_request(
    spans: Sequence[Span], *, scope: str = "", resource: Mapping[str, Value] | None = None
) -> ExportTraceServiceRequest:
    """One request with one resource and one scope."""
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    for key, value in (resource or {"service.name": "demo"}).items():
        resource_spans.resource.attributes.add(key=key, value=_any_value(value))
    scope_spans = resource_spans.scope_spans.add(spans=spans)
    scope_spans.scope.name = scope
    return request


def post(url: str, request: ExportTraceServiceRequest, *, timeout_seconds: float = 30.0) -> int:
    """Export to `url`/v1/traces; the HTTP status."""
    headers = {"content-type": "application/x-protobuf"}
    posted = urllib.request.Request(f"{url}/v1/traces", request.SerializeToString(), headers)
    try:
        with urllib.request.urlopen(posted, timeout=timeout_seconds) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


@dataclass(frozen=True)
class Answer:
    """What the sink says to one request."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: ExportTraceServiceResponse = field(default_factory=ExportTraceServiceResponse)


class OtlpSink:
    """Takes OTLP/HTTP like a backend would; keeps every accepted request, answers as it was told.

    `port` 0 means a free one; a stopped sink's port can be used by the next.
    """

    def __init__(self, port: int = 0) -> None:
        self.requests: list[ExportTraceServiceRequest] = []
        self.headers: list[dict[str, str]] = []
        self.answers: deque[Answer] = deque()
        self.default = Answer()
        sink = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                sink.headers.append({key.lower(): value for key, value in self.headers.items()})
                answer = sink.answers.popleft() if sink.answers else sink.default
                if answer.status == 200:
                    sink.requests.append(_decode(body, self.headers.get("content-encoding")))
                self._answer(answer)

            def _answer(self, answer: Answer) -> None:
                body = answer.body.SerializeToString()
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("content-type", "application/x-protobuf")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def spans(self) -> list[Span]:
        """Every accepted span, in order of arrival, repeats included."""
        return [
            received
            for request in list(self.requests)
            for resource_spans in request.resource_spans
            for scope_spans in resource_spans.scope_spans
            for received in scope_spans.spans
        ]

    @property
    def span_ids(self) -> set[bytes]:
        """The distinct ids of accepted spans."""
        return {received.span_id for received in self.spans}

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _decode(body: bytes, encoding: str | None) -> ExportTraceServiceRequest:
    return ExportTraceServiceRequest.FromString(
        gzip.decompress(body) if encoding == "gzip" else body
    )


def _any_value(value: Value) -> AnyValue:
    match value:
        case bool():
            return AnyValue(bool_value=value)
        case int():
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
        case str():
            return AnyValue(string_value=value)
    return AnyValue(array_value=ArrayValue(values=[_any_value(item) for item in value]))


def _python_value(value: AnyValue) -> Value:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [item.string_value for item in value.array_value.values]
    result: Value = getattr(value, str(kind))
    return result
