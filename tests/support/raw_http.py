"""One HTTP request with full control over what is sent, and the whole answer."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from typing import NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def partial_success(self) -> tuple[int, str]:
        """(rejected spans, message) of an OTLP answer."""
        partial = ExportTraceServiceResponse.FromString(self.body).partial_success
        return partial.rejected_spans, partial.error_message


def request(
    port: int,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Send one request to a port of this machine."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body, dict(headers or {}))
        response = connection.getresponse()
        lowered = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, lowered, response.read())
    finally:
        connection.close()


def post_traces(
    port: int,
    body: bytes,
    content_type: str = "application/x-protobuf",
    **headers: str,
) -> Answer:
    """Export one body; header names are written with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return request(port, "POST", "/v1/traces", body, {"content-type": content_type, **named})
