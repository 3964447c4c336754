"""OTLP bodies for tests: protobuf and JSON exports of a few spans with given attributes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as ProtoSpan

NOW_NS = 1_795_003_200_000_000_000
"""2026-11-18 12:00:00 UTC."""

CHAT: dict[str, Any] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-5-mini",
    "gen_ai.response.model": "gpt-5-mini-2025-08-07",
    "gen_ai.response.id": "chatcmpl-1",
    "gen_ai.usage.input_tokens": 1312,
    "gen_ai.usage.output_tokens": 84,
    "gen_ai.usage.cache_read.input_tokens": 1152,
    "gen_ai.usage.reasoning.output_tokens": 64,
    "taximeter.feature": "search",
    "taximeter.tenant": "acme",
    "taximeter.team": "growth",
    "taximeter.request_type": "interactive",
    "taximeter.usage_status": "reported",
}


def proto_span(number: int = 1, attributes: Mapping[str, Any] | None = None) -> ProtoSpan:
    """A one-second span that ended just now."""
    span = ProtoSpan(
        trace_id=number.to_bytes(16, "big"),
        span_id=number.to_bytes(8, "big"),
        name="chat gpt-5-mini",
        start_time_unix_nano=NOW_NS - 2_000_000_000,
        end_time_unix_nano=NOW_NS - 1_000_000_000,
    )
    for key, value in (CHAT if attributes is None else attributes).items():
        span.attributes.append(KeyValue(key=key, value=any_value(value)))
    return span


def protobuf(*spans: ProtoSpan, resource: Mapping[str, Any] | None = None) -> bytes:
    """One export of one scope."""
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    for key, value in (resource or {"service.name": "api"}).items():
        resource_spans.resource.attributes.append(KeyValue(key=key, value=any_value(value)))
    scope_spans = resource_spans.scope_spans.add()
    scope_spans.scope.name = "taximeter"
    scope_spans.spans.extend(spans)
    return request.SerializeToString()


def any_value(value: Any) -> AnyValue:
    """The OTLP value of a Python value."""
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    if isinstance(value, bytes):
        return AnyValue(bytes_value=value)
    if isinstance(value, list):
        answer = AnyValue()
        answer.array_value.values.extend(any_value(item) for item in value)
        return answer
    return AnyValue(string_value=value)


def json_span(
    number: int = 1, attributes: Mapping[str, Any] | None = None, **fields: Any
) -> dict[str, Any]:
    """The same span in OTLP/JSON, with fields replaced."""
    return {
        "traceId": f"{number:032x}",
        "spanId": f"{number:016x}",
        "name": "chat gpt-5-mini",
        "startTimeUnixNano": str(NOW_NS - 2_000_000_000),
        "endTimeUnixNano": str(NOW_NS - 1_000_000_000),
        "attributes": json_attributes(CHAT if attributes is None else attributes),
        **fields,
    }


def json_body(
    *spans: Any, scope: str = "taximeter", resource: Mapping[str, Any] | None = None
) -> bytes:
    """One OTLP/JSON export of one scope."""
    attributes = json_attributes(resource or {"service.name": "api"})
    scopes = [{"scope": {"name": scope}, "spans": list(spans)}]
    return json.dumps(
        {"resourceSpans": [{"resource": {"attributes": attributes}, "scopeSpans": scopes}]}
    ).encode()


def json_attributes(attributes: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Key-value pairs as OTLP/JSON writes them."""
    return [{"key": key, "value": json_value(value)} for key, value in attributes.items()]


def json_value(value: Any) -> dict[str, Any]:
    """The OTLP/JSON value of a Python value; integers are text, as the mapping says."""
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [json_value(item) for item in value]}}
    return {"stringValue": value}
