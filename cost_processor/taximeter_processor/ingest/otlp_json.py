"""OTLP/JSON to spans: ids in hex, 64-bit integers as text or numbers, both spellings of names."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Final

from taximeter_processor.errors import BadRequest
from taximeter_processor.ingest.decoded import (
    MOST_ATTRIBUTES,
    MOST_TEXT,
    Decoded,
    Rejected,
    begins_as_wanted,
    check_span_count,
    count_unknown,
    looks_like_usage,
    parent_of,
    refusal,
    too_many_attributes,
)
from taximeter_processor.ingest.outline import check_json
from taximeter_processor.model import AttributeValue, Span

_ERROR_CODES: Final = (2, "2", "STATUS_CODE_ERROR")
_HEX: Final = re.compile(r"[0-9a-f]*")
_MOST_DIGITS: Final = 20
# What a span of another shape than the schema's makes its reading raise.
_MALFORMED: Final = (ValueError, TypeError, AttributeError, LookupError, OverflowError)


class JsonDecoder:
    """Decodes OTLP/JSON bodies (opentelemetry-proto's JSON mapping)."""

    def __init__(self, wanted: Iterable[str], resource_wanted: Iterable[str]) -> None:
        self._wanted = frozenset(wanted)
        self._resource_wanted = frozenset(resource_wanted)

    def decode(self, body: bytes, now_ns: int) -> Decoded:
        """See `otlp.decode`."""
        check_json(body)
        try:
            content = json.loads(body, parse_int=_bounded)
        except (ValueError, RecursionError) as error:
            raise BadRequest(400, "malformed_json", f"no OTLP/JSON: {error}") from error
        groups = list(_groups(content))
        check_span_count(sum(len(spans) for _, _, spans in groups))
        decoded = Decoded([], [], Counter())
        for resource, scope, spans in groups:
            for span in spans:
                try:
                    found = self._span(span, resource, scope, now_ns, decoded.unknown_usage_keys)
                except _MALFORMED as error:
                    found = Rejected("malformed_span", f"no OTLP/JSON span: {type(error).__name__}")
                if isinstance(found, Span):
                    decoded.spans.append(found)
                else:
                    decoded.rejected.append(found)
        return decoded

    def _span(
        self, span: Any, resource: Any, scope: str, now_ns: int, unknown: Counter[str]
    ) -> Span | Rejected:
        trace_id = _hex(_field(span, "traceId", "trace_id"))
        span_id = _hex(_field(span, "spanId", "span_id"))
        start = _integer(_field(span, "startTimeUnixNano", "start_time_unix_nano"))
        end = _integer(_field(span, "endTimeUnixNano", "end_time_unix_nano"))
        if (problem := refusal(trace_id, span_id, start, end, now_ns)) is not None:
            return problem
        listed = span.get("attributes") or []
        if len(listed) > MOST_ATTRIBUTES:
            return too_many_attributes(len(listed))
        status = span.get("status") or {}
        return Span(
            trace_id,
            span_id,
            parent_of(_hex(_field(span, "parentSpanId", "parent_span_id"))),
            (_text(span.get("name")) or "")[:256],
            start,
            max(start, end),
            status.get("code") in _ERROR_CODES,
            self._attributes(listed, unknown),
            {
                item["key"]: value
                for item in (resource or {}).get("attributes") or []
                if item.get("key") in self._resource_wanted
                and (value := _plain(item.get("value"))) is not None
            },
            scope,
        )

    def _attributes(self, listed: list[Any], unknown: Counter[str]) -> dict[str, AttributeValue]:
        attributes: dict[str, AttributeValue] = {}
        for item in listed:
            key = item["key"]
            wanted = key if key in self._wanted else begins_as_wanted(key)
            if wanted:
                value = _plain(item.get("value"))
                if value is not None:
                    attributes[wanted] = value
            elif looks_like_usage(key):
                count_unknown(key, unknown)
        return attributes


def _groups(content: Any) -> Iterator[tuple[Any, str, list[Any]]]:
    """(resource, scope name, spans) of every scope; raises `BadRequest` for another shape."""
    try:
        for resource_spans in _field(content, "resourceSpans", "resource_spans") or []:
            for scope_spans in _field(resource_spans, "scopeSpans", "scope_spans") or []:
                scope = (_text((scope_spans.get("scope") or {}).get("name")) or "")[:256]
                spans = scope_spans.get("spans")
                if spans is None:
                    spans = []
                if not isinstance(spans, list):
                    raise TypeError("spans is no list")
                yield resource_spans.get("resource"), scope, spans
    except (AttributeError, TypeError, ValueError) as error:
        raise BadRequest(400, "malformed_json", f"no OTLP/JSON trace export: {error}") from error


def _field(value: Any, camel: str, snake: str) -> Any:
    found = value.get(camel)
    return value.get(snake) if found is None else found


def _hex(value: Any) -> str:
    """Lower-case hex digits; empty for anything else, which no id may be."""
    text = value.lower() if isinstance(value, str) else ""
    return text if _HEX.fullmatch(text) else ""


def _integer(value: Any) -> int:
    return int(value or 0)


def _bounded(digits: str) -> int | float:
    """An integer of the body; one that no count or time can be is infinite, cheaply."""
    return int(digits) if len(digits) <= _MOST_DIGITS else float("inf")


def _plain(value: Any) -> AttributeValue | None:
    """The Python value of an AnyValue; kinds that hold no count or name are None."""
    if not isinstance(value, dict):
        return None
    for camel, snake in (
        ("stringValue", "string_value"),
        ("intValue", "int_value"),
        ("doubleValue", "double_value"),
        ("boolValue", "bool_value"),
        ("arrayValue", "array_value"),
    ):
        found = _field(value, camel, snake)
        if found is None:
            continue
        if camel == "stringValue":
            return _text(found)
        if camel == "intValue":
            return int(found)
        if camel == "doubleValue":
            return float(found)
        if camel == "boolValue":
            return bool(found)
        texts = [_field(item, "stringValue", "string_value") for item in found.get("values") or []]
        return [text for text in map(_text, texts) if text is not None]
    return None


def _text(value: Any) -> str | None:
    """Text that can be stored; raises `ValueError` for a lone surrogate."""
    if not isinstance(value, str) or len(value) > MOST_TEXT:
        return None
    value.encode()
    return value
