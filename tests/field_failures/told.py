"""Spans of any emitter that have just ended, and how they arrive at a service."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from taximeter_processor.ingest.otlp import PROTOBUF
from taximeter_processor.pipeline import Accepted, Body
from taximeter_processor.service import Service
from tests.support.otlp import any_value

SECOND: Final = 1_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
_NS: Final = 1_000_000


class Told(NamedTuple):
    """One span; times are ms since the story began."""

    number: int
    parent: int
    scope: str
    name: str
    attributes: Mapping[str, Any]
    start: int = 0
    end: int = 10 * SECOND
    trace: int = 1
    is_error: bool = False


def just_now(lasted: int = 10 * SECOND) -> int:
    """When a story of so many ms began that ends now, in ms since 1970."""
    return time.time_ns() // _NS - lasted


def arrive(service: Service, spans: Sequence[Told], began_ms: int) -> None:
    """One export of a story that began then; each span is in its emitter's scope."""
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    resource_spans.resource.attributes.add(key="service.name", value=any_value("shop"))
    for told in spans:
        scope_spans = resource_spans.scope_spans.add()
        scope_spans.scope.name = told.scope
        span = scope_spans.spans.add(
            trace_id=told.trace.to_bytes(16, "big"),
            span_id=told.number.to_bytes(8, "big"),
            parent_span_id=told.parent.to_bytes(8, "big") if told.parent else b"",
            name=told.name,
            start_time_unix_nano=(began_ms + told.start) * _NS,
            end_time_unix_nano=(began_ms + told.end) * _NS,
        )
        if told.is_error:
            span.status.code = Status.STATUS_CODE_ERROR
        for key, value in told.attributes.items():
            span.attributes.add(key=key, value=any_value(value))
    body = Body(request.SerializeToString(), PROTOBUF, "identity", "127.0.0.1")
    assert service.pipeline.process([body]) == [Accepted()]
