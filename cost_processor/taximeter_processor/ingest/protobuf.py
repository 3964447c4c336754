"""OTLP protobuf to spans, reading only what is wanted.

A private description of the messages declares attributes as bytes and leaves everything unneeded
undeclared, so that the C parser skips it. Keys are compared as bytes; wanted pairs that repeat
(provider, model, tags) are decoded once and remembered, boundedly. Half of the work of a full parse
is never done, and invalid text in an unwanted attribute harms nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from struct import unpack_from
from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from taximeter import attributes as names
from taximeter_processor.errors import BadRequest
from taximeter_processor.ingest.decoded import (
    MOST_ATTRIBUTES,
    MOST_TEXT,
    WANTED_PREFIXES,
    Decoded,
    Rejected,
    check_span_count,
    count_unknown,
    looks_like_usage,
    parent_of,
    refusal,
    too_many_attributes,
)
from taximeter_processor.ingest.outline import check_protobuf
from taximeter_processor.model import AttributeValue, Span

_Field = descriptor_pb2.FieldDescriptorProto
_MOST_REMEMBERED: Final = 20_000
_MOST_REMEMBERED_BYTES: Final = 160
_MOST_PAIR_BYTES: Final = 4 * MOST_TEXT
_USUAL_AGE_NS: Final = 10 * 365 * 86_400 * 10**9
_NO_TRACE_ID: Final = bytes(16)
_NO_SPAN_ID: Final = bytes(8)


def _request_class() -> Any:
    """The message class of a trimmed `ExportTraceServiceRequest` (opentelemetry-proto 1.x)."""
    file = descriptor_pb2.FileDescriptorProto(
        name="taximeter_otlp.proto", package="taximeter_otlp", syntax="proto3"
    )
    fields: dict[str, list[tuple[str, int, int, bool, str]]] = {
        "Resource": [("attributes", 1, _Field.TYPE_BYTES, True, "")],
        "Scope": [("name", 1, _Field.TYPE_BYTES, False, "")],
        "Span": [
            ("trace_id", 1, _Field.TYPE_BYTES, False, ""),
            ("span_id", 2, _Field.TYPE_BYTES, False, ""),
            ("parent_span_id", 4, _Field.TYPE_BYTES, False, ""),
            ("name", 5, _Field.TYPE_BYTES, False, ""),
            ("start", 7, _Field.TYPE_FIXED64, False, ""),
            ("end", 8, _Field.TYPE_FIXED64, False, ""),
            ("attributes", 9, _Field.TYPE_BYTES, True, ""),
            ("status", 15, _Field.TYPE_BYTES, False, ""),
        ],
        "ScopeSpans": [
            ("scope", 1, _Field.TYPE_MESSAGE, False, "Scope"),
            ("spans", 2, _Field.TYPE_MESSAGE, True, "Span"),
        ],
        "ResourceSpans": [
            ("resource", 1, _Field.TYPE_MESSAGE, False, "Resource"),
            ("scope_spans", 2, _Field.TYPE_MESSAGE, True, "ScopeSpans"),
        ],
        "Request": [("resource_spans", 1, _Field.TYPE_MESSAGE, True, "ResourceSpans")],
    }
    for message, members in fields.items():
        described = file.message_type.add(name=message)
        for name, number, kind, repeated, type_name in members:
            described.field.add(
                name=name,
                number=number,
                type=kind,
                label=_Field.LABEL_REPEATED if repeated else _Field.LABEL_OPTIONAL,
                type_name=f".taximeter_otlp.{type_name}" if type_name else None,
            )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("taximeter_otlp.Request"))


_REQUEST: Final = _request_class()

_Pair = tuple[str, AttributeValue]


class _Wanted(dict[bytes, "str | None"]):
    """Wanted keys by their bytes; some are known by how they begin, and every other is None."""

    def __missing__(self, key: bytes) -> str | None:
        return next((known.decode() for known in _PREFIXES if key.startswith(known)), None)


_PREFIXES: Final = tuple(prefix.encode() for prefix in WANTED_PREFIXES)


class ProtobufDecoder:
    """Decodes bodies; keeps what it learnt about repeating attributes. Used by one thread."""

    def __init__(self, wanted: Iterable[str], resource_wanted: Iterable[str]) -> None:
        self._wanted = _Wanted({key.encode(): key for key in wanted})
        self._resource_wanted = _Wanted({key.encode(): key for key in resource_wanted})
        self._remembered: dict[bytes, _Pair] = {}
        self._heads: dict[bytes, str | None] = {}

    def decode(self, body: bytes, now_ns: int) -> Decoded:
        """See `otlp.decode`."""
        check_protobuf(body)
        try:
            request = _REQUEST.FromString(body)
        except DecodeError as error:
            raise BadRequest(400, "malformed_protobuf", f"no OTLP trace export: {error}") from error
        groups = [
            (resource_spans.resource, scope_spans)
            for resource_spans in request.resource_spans
            for scope_spans in resource_spans.scope_spans
        ]
        check_span_count(sum(len(scope_spans.spans) for _, scope_spans in groups))
        decoded = Decoded([], [], Counter())
        for resource, scope_spans in groups:
            self._group(resource, scope_spans, now_ns, decoded)
        return decoded

    def _group(self, resource: Any, scope_spans: Any, now_ns: int, decoded: Decoded) -> None:
        attributes: dict[str, AttributeValue] = {}
        scope = scope_spans.scope.name.decode("utf-8", "replace")[:256]
        try:
            for raw in resource.attributes:
                pair = _parse(raw, self._resource_wanted)
                if isinstance(pair, tuple):
                    attributes[pair[0]] = pair[1]
        except ValueError as error:
            problem = Rejected("bad_resource", str(error))
            decoded.rejected.extend([problem] * len(scope_spans.spans))
            return
        spans, rejected = decoded.spans, decoded.rejected
        for span in scope_spans.spans:
            found = self._span(span, attributes, scope, now_ns, decoded.unknown_usage_keys)
            if isinstance(found, Span):
                spans.append(found)
            else:
                rejected.append(found)

    def _span(
        self,
        span: Any,
        resource: dict[str, AttributeValue],
        scope: str,
        now_ns: int,
        unknown: Counter[str],
    ) -> Span | Rejected:
        trace_id, span_id, start, end = span.trace_id, span.span_id, span.start, span.end
        if (
            len(trace_id) != 16
            or trace_id == _NO_TRACE_ID
            or len(span_id) != 8
            or span_id == _NO_SPAN_ID
            or not now_ns - _USUAL_AGE_NS < start < now_ns
            or not start <= end < now_ns
        ):
            problem = refusal(trace_id.hex(), span_id.hex(), start, end, now_ns)
            if problem is not None:
                return problem
        raw_attributes = span.attributes
        if len(raw_attributes) > MOST_ATTRIBUTES:
            return too_many_attributes(len(raw_attributes))
        try:
            attributes = self._attributes(raw_attributes, unknown)
            status = span.status
            is_error = bool(status) and Status.FromString(status).code == Status.STATUS_CODE_ERROR
        except (ValueError, IndexError, DecodeError) as error:
            return Rejected("bad_attribute", str(error))
        return Span(
            trace_id.hex(),
            span_id.hex(),
            parent_of(span.parent_span_id.hex()),
            span.name.decode("utf-8", "replace")[:256],
            start,
            end if end >= start else start,
            is_error,
            attributes,
            resource,
            scope,
        )

    def _attributes(self, raws: Any, unknown: Counter[str]) -> dict[str, AttributeValue]:
        """The wanted pairs. Raises `ValueError` or `IndexError` for a broken one."""
        attributes: dict[str, AttributeValue] = {}
        remembered, heads = self._remembered, self._heads
        for raw in raws:
            pair = remembered.get(raw)
            if pair is not None:
                attributes[pair[0]] = pair[1]
                continue
            # Up to its value, an attribute is the same bytes every time.
            at = raw[1] + 2
            key = heads.get(raw[: at + 1], "")
            if key is None:
                continue
            value = _value(raw, at) if key else None
            if value is None:
                self._learn(raw, attributes, unknown)
            elif type(value) is int:
                attributes[key] = value
            else:
                self._take(raw, key, value, attributes)
        return attributes

    def _learn(
        self, raw: bytes, attributes: dict[str, AttributeValue], unknown: Counter[str]
    ) -> None:
        """Read a pair met for the first time or laid out unusually; remember whose its head is."""
        pair = _parse(raw, self._wanted)
        if isinstance(pair, str):
            count_unknown(pair, unknown)
            return
        end = raw[1] + 2
        if raw[0] == 0x0A and raw[1] < 0x80 and raw[end] == 0x12:
            if len(self._heads) >= _MOST_REMEMBERED:
                self._heads.clear()
            self._heads[raw[: end + 1]] = self._wanted[raw[2:end]]
        if pair is not None:
            self._take(raw, *pair, attributes)

    def _take(
        self, raw: bytes, key: str, value: AttributeValue, attributes: dict[str, AttributeValue]
    ) -> None:
        """Keep a value; remember it with its bytes unless it is one of a kind."""
        if isinstance(value, str) and len(value) > MOST_TEXT:
            return
        attributes[key] = value
        if type(value) not in (str, bool) or key == names.RESPONSE_ID:
            return
        if len(raw) <= _MOST_REMEMBERED_BYTES:
            if len(self._remembered) >= _MOST_REMEMBERED:
                self._remembered.clear()
            self._remembered[raw] = key, value


def _parse(raw: bytes, wanted: _Wanted) -> _Pair | str | None:
    """A wanted pair, the key of an unknown usage-like one, or None for any other.

    Raises `ValueError` for invalid UTF-8 in a wanted value and for a broken pair.
    """
    # The usual layout: 0x0a, key length, key, 0x12, value length, value.
    if len(raw) > 2 and raw[0] == 0x0A and raw[1] < 0x80:
        end = 2 + raw[1]
        key = wanted[raw[2:end]]
        if key is None:
            return _unknown(raw[2:end])
        value = _value(raw, end)
        if value is not None:
            return None if isinstance(value, str) and len(value) > MOST_TEXT else (key, value)
    # What is this long holds no text that is kept, and its values could be any number.
    return None if len(raw) > _MOST_PAIR_BYTES else _parse_fully(raw, wanted)


def _value(raw: bytes, at: int) -> AttributeValue | None:
    """The short string, integer or double at `at`; None for every rarer layout."""
    size = len(raw)
    if size < at + 4 or raw[at] != 0x12 or raw[at + 1] != size - at - 2:
        return None
    kind = raw[at + 2]
    if kind == 0x18:
        if size == at + 5 and raw[-2] > 0x7F > raw[-1]:
            return raw[-2] & 0x7F | raw[-1] << 7
        return _varint(raw, at + 3)
    if kind == 0x0A and raw[at + 3] == size - at - 4:
        return raw[at + 4 :].decode()
    if kind == 0x21 and size == at + 11:
        return float(unpack_from("<d", raw, at + 3)[0])
    return None


def _varint(raw: bytes, at: int) -> int | None:
    """A non-negative varint that ends the bytes, else None."""
    if raw[-1] > 0x7F or len(raw) - at > 9:
        return None
    number = raw[-1]
    for byte in raw[-2 : at - 1 : -1]:
        if byte < 0x80:
            return None
        number = number << 7 | byte & 0x7F
    return number


def _parse_fully(raw: bytes, wanted: _Wanted) -> _Pair | str | None:
    try:
        pair = KeyValue.FromString(raw)
    except DecodeError as error:
        raise ValueError(f"an attribute is broken: {error}") from error
    key = wanted[pair.key.encode()]
    if key is None:
        return _unknown(pair.key.encode())
    value = _plain(pair.value)
    if value is None or (isinstance(value, str) and len(value) > MOST_TEXT):
        return None
    return key, value


def _plain(value: AnyValue) -> AttributeValue | None:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [item.string_value for item in value.array_value.values if item.string_value]
    if kind in ("string_value", "int_value", "double_value", "bool_value"):
        plain: AttributeValue = getattr(value, kind)
        return plain
    return None


def _unknown(key: bytes) -> str | None:
    if b"usage" not in key and b"token" not in key:
        return None
    text = key.decode("utf-8", "replace")
    return text if looks_like_usage(text) else None
