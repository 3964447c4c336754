"""OTLP bodies to spans: what is good lands, what is bad is refused one by one with its reason."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from taximeter_processor.errors import BadRequest
from taximeter_processor.ingest.otlp import JSON, PROTOBUF, Decoded, Decoder
from tests.support.otlp import CHAT, NOW_NS, any_value, json_body, json_span, proto_span, protobuf


def decode(body: bytes, content_type: str = PROTOBUF) -> Decoded:
    return Decoder().decode(body, content_type, NOW_NS)


def reasons(decoded: Decoded) -> list[str]:
    return [rejected.reason for rejected in decoded.rejected]


def test_protobuf_and_json_give_the_same_span() -> None:
    assert decode(protobuf(proto_span())).spans == decode(json_body(json_span()), JSON).spans


def test_a_span_carries_ids_times_scope_and_resource() -> None:
    (span,) = decode(protobuf(proto_span(7))).spans
    assert (span.trace_id, span.span_id) == (f"{7:032x}", f"{7:016x}")
    assert (span.start_ns, span.end_ns) == (NOW_NS - 2_000_000_000, NOW_NS - 1_000_000_000)
    assert (span.scope, span.resource) == ("taximeter", {"service.name": "api"})


@pytest.mark.parametrize(
    "value", [0, 1, 127, 128, 300, 16_383, 16_384, 2**31, 2**53, 1.5, "text", "", "ünï 🚕", True]
)
def test_every_value_survives_both_encodings(value: object) -> None:
    attributes = {"gen_ai.usage.input_tokens": value}
    (span,) = decode(protobuf(proto_span(1, attributes))).spans
    (again,) = decode(json_body(json_span(1, attributes)), JSON).spans
    assert span.attributes == again.attributes == attributes


@given(st.integers(-(2**63), 2**63 - 1))
def test_every_integer_is_decoded_as_the_full_parser_would(value: int) -> None:
    (span,) = decode(protobuf(proto_span(1, {"gen_ai.usage.input_tokens": value}))).spans
    assert span.attributes == {"gen_ai.usage.input_tokens": value}


def test_content_is_not_taken() -> None:
    attributes = {**CHAT, "gen_ai.input.messages": "secret", "input.value": "secret"}
    assert "secret" not in str(decode(protobuf(proto_span(1, attributes))).spans)


def test_attributes_that_look_like_usage_but_are_unknown_are_counted() -> None:
    attributes = {**CHAT, "acme.usage.thinking_units": 5}
    decoded = decode(protobuf(proto_span(1, attributes), proto_span(2, attributes)))
    assert decoded.unknown_usage_keys == {"acme.usage.thinking_units": 2}


def test_spans_of_one_body_do_not_share_their_attributes() -> None:
    decoded = decode(protobuf(proto_span(1), proto_span(2, {**CHAT, "taximeter.feature": "chat"})))
    assert [s.attributes["taximeter.feature"] for s in decoded.spans] == ["search", "chat"]


def test_an_end_before_the_start_is_a_span_without_duration() -> None:
    span = proto_span()
    span.end_time_unix_nano = 5
    (decoded,) = decode(protobuf(span)).spans
    assert decoded.end_ns == decoded.start_ns


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("trace_id", b"", "bad_trace_id"),
        ("trace_id", b"x" * 15, "bad_trace_id"),
        ("trace_id", bytes(16), "bad_trace_id"),
        ("span_id", b"", "bad_span_id"),
        ("span_id", bytes(8), "bad_span_id"),
        ("start_time_unix_nano", 0, "bad_time"),
        ("start_time_unix_nano", 2**64 - 1, "bad_time"),
        ("end_time_unix_nano", 2**64 - 1, "bad_time"),
        ("start_time_unix_nano", NOW_NS + 3_700_000_000_000, "future"),
    ],
)
def test_a_bad_span_is_refused_and_the_good_ones_beside_it_land(
    field: str, value: object, reason: str
) -> None:
    bad = proto_span(2)
    setattr(bad, field, value)
    decoded = decode(protobuf(proto_span(1), bad, proto_span(3)))
    assert [int(span.span_id, 16) for span in decoded.spans] == [1, 3]
    assert reasons(decoded) == [reason]


def test_a_span_a_little_in_the_future_is_accepted() -> None:
    span = proto_span()
    span.start_time_unix_nano = NOW_NS + 3_500_000_000_000
    assert len(decode(protobuf(span)).spans) == 1


def test_a_span_with_100_000_attributes_is_refused_alone() -> None:
    absurd = proto_span(2)
    absurd.attributes.extend(
        [KeyValue(key=f"k{number}", value=any_value(1)) for number in range(100_000)]
    )
    decoded = decode(protobuf(proto_span(1), absurd))
    assert (len(decoded.spans), reasons(decoded)) == (1, ["too_many_attributes"])


def test_invalid_utf8_in_a_wanted_value_refuses_that_span_alone() -> None:
    body = protobuf(proto_span(1), proto_span(2, {**CHAT, "taximeter.feature": "XXXX"}))
    decoded = decode(body.replace(b"XXXX", b"\xff\xfe\xfa\xc3"))
    assert (len(decoded.spans), reasons(decoded)) == (1, ["bad_attribute"])


def test_invalid_utf8_in_an_unwanted_value_harms_nothing() -> None:
    body = protobuf(proto_span(1, {**CHAT, "http.user_agent": "XXXX"}))
    assert len(decode(body.replace(b"XXXX", b"\xff\xfe\xfa\xc3")).spans) == 1


def test_a_lone_surrogate_in_json_refuses_that_span_alone() -> None:
    bad = json_span(2, {**CHAT, "gen_ai.request.model": "\ud800"})
    decoded = decode(json_body(json_span(1), bad), JSON)
    assert (len(decoded.spans), reasons(decoded)) == (1, ["malformed_span"])


@pytest.mark.parametrize(
    "span", [None, 5, "text", [], {"traceId": 5}, {"attributes": {}}, {"attributes": [None]}]
)
def test_a_span_of_another_shape_in_json_is_refused_alone(span: object) -> None:
    decoded = decode(json_body(json_span(1), span), JSON)
    assert (len(decoded.spans), len(decoded.rejected)) == (1, 1)


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (protobuf(proto_span())[:-5], PROTOBUF, 400),
        (b"\xff" * 20, PROTOBUF, 400),
        (b"{", JSON, 400),
        (b"[]", JSON, 400),
        (b'{"resourceSpans": 5}', JSON, 400),
        (b'{"resourceSpans": [{"scopeSpans": [{"spans": {}}]}]}', JSON, 400),
        (b"[" * 100_000, JSON, 400),
        (b"{}", "text/plain", 415),
    ],
)
def test_a_body_that_is_no_export_is_refused_whole(
    body: bytes, content_type: str, status: int
) -> None:
    with pytest.raises(BadRequest) as caught:
        decode(body, content_type)
    assert caught.value.status == status


def test_more_than_ten_thousand_spans_are_refused_whole() -> None:
    span = json_span()
    with pytest.raises(BadRequest, match="10001 spans; at most 10000"):
        decode(json_body(*[span] * 10_001), JSON)


def test_snake_case_json_is_read_too() -> None:
    text = json_body(json_span()).decode()
    for camel, snake in (
        ("resourceSpans", "resource_spans"),
        ("scopeSpans", "scope_spans"),
        ("traceId", "trace_id"),
        ("startTimeUnixNano", "start_time_unix_nano"),
    ):
        text = text.replace(camel, snake)
    assert len(decode(text.encode(), JSON).spans) == 1


def test_an_empty_export_is_good() -> None:
    assert decode(b"") == decode(json.dumps({}).encode(), JSON) == Decoded([], [], {})  # type: ignore[arg-type]


@given(st.binary(max_size=400))
@settings(max_examples=300)
def test_random_bytes_never_raise_anything_but_a_bad_request(data: bytes) -> None:
    for content_type in (PROTOBUF, JSON):
        with contextlib.suppress(BadRequest):
            decode(data, content_type)


@given(st.integers(0, 10**6), st.integers(0, 255))
@settings(max_examples=500)
def test_a_damaged_body_is_decoded_or_refused_never_a_fault(at: int, byte: int) -> None:
    body = bytearray(protobuf(proto_span(1), proto_span(2)))
    body[at % len(body)] = byte
    with contextlib.suppress(BadRequest):
        decode(bytes(body))
