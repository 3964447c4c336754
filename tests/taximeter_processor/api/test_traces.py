"""`POST /v1/traces` on a real server: what is acknowledged is committed, the bad is told so."""

from __future__ import annotations

import gzip
import json
import socket
import time
from decimal import Decimal

import pytest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.support.otlp import CHAT, any_value, json_body, json_span, proto_span, protobuf
from tests.support.raw_http import Answer, post_traces, request
from tests.support.servers import Processor, get

JSON = "application/json"


def span(number: int, attributes: dict[str, object] | None = None) -> Span:
    """A span that ended a second ago."""
    made = proto_span(number, attributes)
    made.start_time_unix_nano = time.time_ns() - 2_000_000_000
    made.end_time_unix_nano = made.start_time_unix_nano + 1_000_000_000
    return made


def cost_of(processor: Processor, feature: str) -> Decimal:
    answer = processor.api("costs", by="feature", feature=feature, since="30d")
    return Decimal(answer["total"]["cost_usd"])


def metric(processor: Processor, line: str) -> float:
    """The value of one sample, 0 when it is not there."""
    for text in get(f"{processor.url}/metrics").splitlines():
        if text.startswith(line + " "):
            return float(text.rpartition(" ")[2])
    return 0.0


def test_an_acknowledged_span_is_in_the_ledger(processor: Processor) -> None:
    answer = post_traces(processor.port, protobuf(span(1, {**CHAT, "taximeter.feature": "ack"})))
    assert (answer.status, answer.body) == (200, b"")
    assert cost_of(processor, "ack") == Decimal("0.0002368")


def test_gzip_is_understood(processor: Processor) -> None:
    body = gzip.compress(protobuf(span(2, {**CHAT, "taximeter.feature": "gzip"})))
    assert post_traces(processor.port, body, content_encoding="gzip").status == 200
    assert cost_of(processor, "gzip") == Decimal("0.0002368")


def test_json_is_answered_in_json(processor: Processor) -> None:
    now = time.time_ns()
    made = json_span(
        3,
        {**CHAT, "taximeter.feature": "json"},
        startTimeUnixNano=str(now - 10**9),
        endTimeUnixNano=str(now),
    )
    answer = post_traces(processor.port, json_body(made), JSON)
    assert (answer.status, answer.headers["content-type"], answer.text) == (200, JSON, "{}")
    assert cost_of(processor, "json") == Decimal("0.0002368")


def test_a_redelivered_body_counts_once(processor: Processor) -> None:
    body = protobuf(span(4, {**CHAT, "taximeter.feature": "again"}))
    for _ in range(3):
        assert post_traces(processor.port, body).status == 200
    assert cost_of(processor, "again") == Decimal("0.0002368")


def test_bad_spans_are_a_partial_success_and_the_good_ones_land(processor: Processor) -> None:
    tagged = {**CHAT, "taximeter.feature": "partial"}
    negative = span(6, {**tagged, "gen_ai.usage.input_tokens": -1})
    nameless = span(7, tagged)
    nameless.span_id = b""
    answer = post_traces(processor.port, protobuf(span(5, tagged), negative, nameless))
    assert answer.status == 200
    rejected, message = answer.partial_success
    assert rejected == 2
    assert "bad_count (1)" in message
    assert "bad_span_id (1)" in message
    assert cost_of(processor, "partial") == Decimal("0.0002368")


def test_a_partial_success_in_json_says_how_many(processor: Processor) -> None:
    answer = post_traces(processor.port, json_body(json_span(8, spanId="")), JSON)
    assert json.loads(answer.body)["partialSuccess"]["rejectedSpans"] == "1"


def test_a_span_with_100_000_attributes_is_refused_alone(processor: Processor) -> None:
    absurd = span(10)
    absurd.attributes.extend(KeyValue(key=f"k{n}", value=any_value(1)) for n in range(100_000))
    body = gzip.compress(protobuf(span(9, {**CHAT, "taximeter.feature": "absurd"}), absurd))
    answer = post_traces(processor.port, body, content_encoding="gzip")
    assert answer.partial_success[0] == 1
    assert cost_of(processor, "absurd") == Decimal("0.0002368")


def test_a_part_larger_than_its_whole_refuses_the_span(processor: Processor) -> None:
    attributes = {**CHAT, "gen_ai.usage.audio.output_tokens": 85}
    answer = post_traces(processor.port, protobuf(span(11, attributes)))
    assert "exceed" in answer.partial_success[1]


def test_an_unknown_model_is_unpriced_counted_and_visible(processor: Processor) -> None:
    attributes = {
        **CHAT,
        "taximeter.feature": "mystery",
        "gen_ai.request.model": "nobody-knows",
        "gen_ai.response.model": "nobody-knows-1",
    }
    post_traces(processor.port, protobuf(span(12, attributes)))
    answer = processor.api("costs", by="feature,status", feature="mystery")
    assert answer["rows"][0]["unpriced"] == 1
    sample = (
        'taximeter_unpriced_requests_total{feature="mystery",model="nobody-knows-1",'
        'provider="openai",reason="unknown_model",team="growth"}'
    )
    assert metric(processor, sample) == 1


@pytest.mark.parametrize(
    ("body", "content_type", "headers", "status"),
    [
        (protobuf(proto_span())[:-3], "application/x-protobuf", {}, 400),
        (b"{", JSON, {}, 400),
        (b"hello", "text/plain", {}, 415),
        (b"hello", "", {}, 415),
        (b"not gzip", "application/x-protobuf", {"content_encoding": "gzip"}, 400),
        (b"hello", "application/x-protobuf", {"content_encoding": "br"}, 415),
        (b"x" * 1_000_001, "application/x-protobuf", {}, 413),
        (
            gzip.compress(bytes(65 << 20)),
            "application/x-protobuf",
            {"content_encoding": "gzip"},
            413,
        ),
    ],
    ids=["truncated", "broken-json", "text", "none", "no-gzip", "brotli", "large", "bomb"],
)
def test_what_will_never_be_accepted_gets_a_final_status(
    processor: Processor, body: bytes, content_type: str, headers: dict[str, str], status: int
) -> None:
    before = metric(processor, f'taximeter_ingest_requests_total{{status="{status}"}}')
    assert post_traces(processor.port, body, content_type, **headers).status == status
    after = metric(processor, f'taximeter_ingest_requests_total{{status="{status}"}}')
    assert after == before + 1


def test_a_body_without_length_is_cut_off_at_the_limit(processor: Processor) -> None:
    with socket.create_connection(("127.0.0.1", processor.port), timeout=10) as connection:
        connection.sendall(
            b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\ntransfer-encoding: chunked\r\n"
            b"content-type: application/x-protobuf\r\n\r\n"
        )
        chunk = b"10000\r\n" + bytes(0x10000) + b"\r\n"
        for _ in range(20):
            try:
                connection.sendall(chunk)
            except OSError:
                break
        assert b" 413 " in connection.recv(200)


def test_malformed_bodies_become_dead_letters_without_content(processor: Processor) -> None:
    post_traces(processor.port, b"\x0a\xff\xffsecret-prompt")
    letters = processor.api("dead-letters")["rows"]
    assert letters[0]["reason"] == "malformed_protobuf"
    assert "secret-prompt" not in json.dumps(letters)


@pytest.mark.parametrize(
    "value", ['quote"', "back\\slash", "</script>", "'; drop table calls; --", "ünï 🚕"]
)
def test_a_hostile_tag_is_data_everywhere(processor: Processor, value: str) -> None:
    number = 1000 + len(value)
    post_traces(processor.port, protobuf(span(number, {**CHAT, "taximeter.feature": value})))
    assert cost_of(processor, value) == Decimal("0.0002368")
    assert request(processor.port, "GET", "/metrics").status == 200


@pytest.mark.parametrize("value", ["a\nb", "x" * 10_000])
def test_a_tag_that_cannot_be_one_is_dropped_and_counted(processor: Processor, value: str) -> None:
    sample = 'taximeter_tag_violations_total{reason="invalid",tag="feature"}'
    before = metric(processor, sample)
    post_traces(
        processor.port, protobuf(span(len(value) + 2000, {**CHAT, "taximeter.feature": value}))
    )
    assert metric(processor, sample) == before + 1


def test_only_post_is_answered(processor: Processor) -> None:
    assert request(processor.port, "GET", "/v1/traces").status == 405


def test_a_foreign_host_and_a_foreign_origin_are_refused(processor: Processor) -> None:
    body = protobuf(span(13))
    assert post_traces(processor.port, body, host="evil.example").status == 421
    for origin in ("https://evil.example", "null", "http://["):
        assert post_traces(processor.port, body, origin=origin).status == 403
    assert post_traces(processor.port, body, host="LOCALHOST").status == 200


def test_after_all_this_ledger_meters_and_counters_agree(processor: Processor) -> None:
    answer: Answer = request(processor.port, "GET", "/api/v1/ledger/verify")
    verified = json.loads(answer.body)
    assert [check for check in verified["checks"] if not check["ok"]] == []
