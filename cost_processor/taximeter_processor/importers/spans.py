"""Turns an answer into the spans that the instrumentation would have written for its call.

Ids and times follow from the answer alone, so that the ledger takes it once however often it is
imported.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind
from opentelemetry.util.types import AttributeValue as OtelValue

from taximeter import __version__
from taximeter.attributes import SCHEMA_URL, SCOPE_NAME
from taximeter.providers.base import Facts
from taximeter.spans import Outcome, Request, describe
from taximeter_processor.importers.answers import Answer
from taximeter_processor.model import AttributeValue, Span

_HTTPS: Final = 443
_SCOPE: Final = InstrumentationScope(SCOPE_NAME, __version__, SCHEMA_URL)


def to_spans(answer: Answer, line: bytes, start_ns: int, resource: Resource) -> list[Span]:
    """The span of a call, and one for each part of it that is billed at another model's price."""
    identity = _identity(answer, line)
    said_by = _plain(resource.attributes)
    spans = []
    for number, facts in enumerate((answer.facts, *answer.facts.parts)):
        name, attributes = _described(answer, facts)
        ids = (identity[:32], _span_id(identity, number), "")
        spans.append(Span(*ids, name, start_ns, start_ns, False, attributes, said_by, SCOPE_NAME))
    return spans


def to_otlp(spans: Sequence[Span], resource: Resource) -> bytes:
    """One protobuf export."""
    return bytes(encode_spans([_readable(span, resource) for span in spans]).SerializeToString())


def _described(answer: Answer, facts: Facts) -> tuple[str, dict[str, AttributeValue]]:
    """Name and attributes, as the instrumentation writes them."""
    request = Request(
        provider=answer.api.provider,
        operation=answer.operation,
        model=facts.response_model,
        server_address=answer.api.server_address,
        server_port=_HTTPS,
        retry_count=None,
        tags=answer.tags,
    )
    values = describe(request, facts, Outcome())
    return request.span_name, _plain(values)


def _plain(values: Mapping[str, OtelValue]) -> dict[str, AttributeValue]:
    """Values as a decoder would give them."""
    return {
        name: value if isinstance(value, (str, int, float)) else list(map(str, _items(value)))
        for name, value in values.items()
    }


def _items(value: object) -> Sequence[object]:
    return value if isinstance(value, Sequence) else (value,)


def _readable(span: Span, resource: Resource) -> ReadableSpan:
    return ReadableSpan(
        span.name,
        context=SpanContext(int(span.trace_id, 16), int(span.span_id, 16), is_remote=False),
        resource=resource,
        attributes=span.attributes,
        kind=SpanKind.CLIENT,
        start_time=span.start_ns,
        end_time=span.end_ns,
        instrumentation_scope=_SCOPE,
    )


def _identity(answer: Answer, line: bytes) -> str:
    """A response's id is its own; one without is known by its line, which names its request."""
    told = answer.facts.response_id or hashlib.sha256(line).hexdigest()
    return hashlib.sha256(f"{answer.api.provider}\0{told}".encode()).hexdigest()


def _span_id(identity: str, number: int) -> str:
    return hashlib.sha256(f"{identity}/{number}".encode()).hexdigest()[:16]
