"""Spans made to break the reader: each gets its answer, cheaply, and none stops the others."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from taximeter_processor.ingest.calls import CallReader
from taximeter_processor.ingest.decoded import Rejected
from taximeter_processor.ingest.dialects import SPAN_KEYS
from taximeter_processor.ingest.otlp import JSON, PROTOBUF, Decoder
from taximeter_processor.model import Call, NotACall, Span
from tests.support.otlp import CHAT, NOW_NS, any_value, json_body, json_span, proto_span, protobuf

VALUES = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.booleans(),
    st.text(max_size=40),
    st.lists(st.text(max_size=5), max_size=3),
    st.sampled_from(["1e-999999999", "0e-999999999", "{", "[" * 2000, '{"usage": 5}', "9" * 5000]),
)


def decode(body: bytes, content_type: str = JSON) -> list[Span]:
    return Decoder().decode(body, content_type, NOW_NS).spans


def read(attributes: dict[str, Any], *, scope: str = "") -> Call | NotACall | Rejected:
    return CallReader().read(decode(json_body(json_span(1, attributes), scope=scope))[0])


@given(st.dictionaries(st.sampled_from(sorted(SPAN_KEYS)), VALUES, max_size=12))
@settings(max_examples=400)
def test_whatever_the_attributes_hold_the_span_is_a_call_or_it_is_told_why_not(
    attributes: dict[str, Any],
) -> None:
    for scope in ("", "taximeter"):
        found = read({**CHAT, **attributes}, scope=scope)
        assert isinstance(found, (Call, NotACall, Rejected))


DOCUMENTS = st.recursive(
    VALUES, lambda inner: st.dictionaries(st.text(max_size=8), inner), max_leaves=8
)


@given(DOCUMENTS)
@settings(max_examples=200)
def test_documents_in_attributes_may_hold_anything(content: Any) -> None:
    for key in ("metadata", "gen_ai.usage.raw", "gcp.vertex.agent.llm_response"):
        assert isinstance(read({**CHAT, key: json.dumps(content)}), (Call, Rejected))


@pytest.mark.parametrize("cost", ["1e-999999999", "1e999999999", "nan", "-1", "9" * 5000, "free"])
def test_a_reported_cost_that_is_no_amount_never_stops_its_call(cost: str) -> None:
    call = read({**CHAT, "operation.cost": cost})
    assert isinstance(call, Call)
    assert call.reported_cost_pico in (None, 0)


@pytest.mark.parametrize("key", ["server.address", "gen_ai.operation.name", "taximeter.tenant"])
def test_a_list_where_text_belongs_is_as_if_absent(key: str) -> None:
    assert isinstance(read({**CHAT, key: ["a", "b"]}), Call)


def test_a_refused_count_is_not_repeated_when_it_is_text_that_could_be_content() -> None:
    found = read({**CHAT, "gen_ai.usage.input_tokens": "my secret"})
    assert isinstance(found, Rejected)
    assert "secret" not in found.message


def test_a_bad_count_under_a_later_name_is_not_looked_at() -> None:
    call = read({"gen_ai.usage.prompt_tokens": "junk", **CHAT})
    assert isinstance(call, Call)
    assert call.usage.input_tokens == 1312


def test_an_attribute_without_a_key_refuses_that_span_alone() -> None:
    bad = {**json_span(2), "attributes": [{"value": {"stringValue": "x"}}]}
    decoded = Decoder().decode(json_body(json_span(1), bad), JSON, NOW_NS)
    assert ([span.span_id for span in decoded.spans], len(decoded.rejected)) == ([f"{1:016x}"], 1)


def test_an_integer_of_5000_digits_in_json_refuses_that_span_alone() -> None:
    body = json_body(json_span(1), json_span(2))
    body = body.replace(b'"intValue": "1312"', b'"intValue": ' + b"9" * 5000, 1)
    decoded = Decoder().decode(body, JSON, NOW_NS)
    assert (len(decoded.spans), len(decoded.rejected)) == (1, 1)


def test_arrays_within_arrays_are_not_followed() -> None:
    value: dict[str, Any] = {"stringValue": "x"}
    for _ in range(300):
        value = {"arrayValue": {"values": [value]}}
    span = {**json_span(1), "attributes": [{"key": "gen_ai.request.model", "value": value}]}
    assert decode(json_body(span))[0].attributes == {"gen_ai.request.model": []}


@pytest.mark.parametrize("trace_id", ["0x" + "1" * 30, "1_" * 15 + "11", " " * 31 + "1", "１" * 32])
def test_an_id_is_hexadecimal_digits_and_nothing_else(trace_id: str) -> None:
    decoded = Decoder().decode(json_body(json_span(1, traceId=trace_id)), JSON, NOW_NS)
    assert [rejected.reason for rejected in decoded.rejected] == ["bad_trace_id"]


@pytest.mark.parametrize("parent", ["0" * 16, "12", "z" * 16])
def test_a_parent_that_cannot_be_one_is_as_if_absent(parent: str) -> None:
    (span,) = decode(json_body(json_span(1, parentSpanId=parent)))
    assert span.parent_span_id == ""


def test_invented_usage_keys_are_told_apart_up_to_a_hundred() -> None:
    attributes = {f"acme.token.{number}": 1 for number in range(5000)}
    for body, content_type in (
        (json_body(json_span(1, attributes)), JSON),
        (protobuf(proto_span(1, attributes)), PROTOBUF),
    ):
        counted = Decoder().decode(body, content_type, NOW_NS).unknown_usage_keys
        assert (len(counted), counted["other"]) == (101, 4900)


def test_a_content_type_may_have_parameters() -> None:
    assert len(decode(json_body(json_span()), "application/json; charset=utf-8")) == 1


PLAIN = st.one_of(st.integers(-(2**63), 2**63 - 1), st.booleans(), st.text(max_size=20))


@given(st.lists(st.tuples(PLAIN, st.booleans()), min_size=1, max_size=6))
@settings(max_examples=300)
def test_any_layout_of_a_pair_is_read_as_the_full_parser_would(
    written: list[tuple[Any, bool]],
) -> None:
    decoder = Decoder()
    for value, is_value_first in written:
        pair = KeyValue(key="gen_ai.request.model", value=any_value(value))
        key, payload = _field(1, pair.key.encode()), _field(2, pair.value.SerializeToString())
        raw = payload + key if is_value_first else key + payload
        (span,) = decoder.decode(_export(raw), PROTOBUF, NOW_NS).spans
        assert span.attributes == {"gen_ai.request.model": value}


@given(st.binary(max_size=60), st.binary(max_size=12))
@settings(max_examples=500)
def test_a_damaged_pair_is_refused_or_harmless(garbage: bytes, tail: bytes) -> None:
    key = _field(1, b"gen_ai.usage.input_tokens")
    for raw in (garbage, key + garbage, key + b"\x12" + tail, key + b"\x12\x02\x18" + tail):
        decoded = Decoder().decode(_export(raw), PROTOBUF, NOW_NS)
        assert len(decoded.spans) + len(decoded.rejected) == 1


def _export(raw_attribute: bytes) -> bytes:
    """An export of one span with one attribute of exactly these bytes."""
    span = proto_span(1, {}).SerializeToString() + _field(9, raw_attribute)
    return _field(1, _field(2, _field(2, span)))


def _field(number: int, payload: bytes) -> bytes:
    """A length-delimited protobuf field of fewer than 16,384 bytes."""
    size = len(payload)
    length = bytes([size]) if size < 0x80 else bytes([size & 0x7F | 0x80, size >> 7])
    return bytes([number << 3 | 2]) + length + payload
