"""Both ends of OTLP/HTTP for tests: spans to post, and a server that keeps what it is sent."""

from __future__ import annotations

import gzip
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.support.loopback import Loopback, Silent
from tests.support.otlp import NOW_NS, any_value
from tests.support.servers import wait_for

_numbers = count(1)


def span(attributes: Mapping[str, Any], *, name: str = "chat", trace: int = 1) -> Span:
    """A CLIENT span of one second with an id of its own."""
    made = Span(
        trace_id=trace.to_bytes(16, "big"),
        span_id=next(_numbers).to_bytes(8, "big"),
        name=name,
        kind=Span.SPAN_KIND_CLIENT,
        start_time_unix_nano=NOW_NS,
        end_time_unix_nano=NOW_NS + 1_000_000_000,
    )
    for key, value in attributes.items():
        made.attributes.add(key=key, value=any_value(value))
    return made


def attributes_of(received: Span) -> dict[str, Any]:
    """A span's attributes as Python values."""
    return {item.key: _python_value(item.value) for item in received.attributes}


def export_request(
    spans: Sequence[Span], *, scope: str = "", resource: Mapping[str, Any] | None = None
) -> ExportTraceServiceRequest:
    """One request with one resource and one scope."""
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    for key, value in (resource or {"service.name": "demo"}).items():
        resource_spans.resource.attributes.add(key=key, value=any_value(value))
    scope_spans = resource_spans.scope_spans.add(spans=spans)
    scope_spans.scope.name = scope
    return request


def spans_in(request: ExportTraceServiceRequest) -> list[Span]:
    """All spans of a request, in order."""
    return [
        span
        for resource_spans in request.resource_spans
        for scope_spans in resource_spans.scope_spans
        for span in scope_spans.spans
    ]


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


class OtlpSink(Loopback):
    """Takes OTLP/HTTP as a backend would: keeps accepted requests, answers as it was told.

    `answers` are used up first, then `default`. `port` 0 means a free one.
    """

    def __init__(self, port: int = 0) -> None:
        self.requests: list[ExportTraceServiceRequest] = []
        self.headers: list[dict[str, str]] = []
        self.answers: deque[Answer] = deque()
        self.default = Answer()
        sink = self

        class Handler(Silent):
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

        super().__init__(Handler, port)

    def __enter__(self) -> OtlpSink:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def spans(self) -> list[Span]:
        """Every accepted span, in order of arrival, repeats included."""
        return [span for request in list(self.requests) for span in spans_in(request)]

    @property
    def span_ids(self) -> set[bytes]:
        """The distinct ids of accepted spans."""
        return {received.span_id for received in self.spans}

    def arrival_of(self, sent: Span) -> Span:
        """The accepted span with the id of `sent`, waited for."""
        found: list[Span] = wait_for(
            f"arrival of {sent.name}",
            lambda: [received for received in self.spans if received.span_id == sent.span_id],
        )
        return found[0]


def _decode(body: bytes, encoding: str | None) -> ExportTraceServiceRequest:
    return ExportTraceServiceRequest.FromString(
        gzip.decompress(body) if encoding == "gzip" else body
    )


def _python_value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_python_value(item) for item in value.array_value.values]
    return getattr(value, str(kind))
