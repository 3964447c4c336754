"""A body that would become enormous in memory is refused before it is read; no real one is."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taximeter_processor.errors import BadRequest
from taximeter_processor.ingest.otlp import JSON, PROTOBUF, Decoder
from taximeter_processor.ingest.outline import HARMLESS_BYTES, check_json, check_protobuf
from tests.support import bombs
from tests.support.otlp import CHAT, NOW_NS, json_body, json_span, proto_span, protobuf

PADDING = bombs.field(15, bytes(HARMLESS_BYTES))


def refusal(body: bytes, content_type: str) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        Decoder().decode(body, content_type, NOW_NS)
    return caught.value


@pytest.mark.parametrize("make", bombs.PROTOBUF.values(), ids=bombs.PROTOBUF.keys())
def test_protobuf_of_too_many_parts_is_refused(make: Callable[[int], bytes]) -> None:
    error = refusal(make(3_000_000), PROTOBUF)
    assert (error.status, error.reason[:8]) == (413, "too_many")


@pytest.mark.parametrize("make", bombs.JSON.values(), ids=bombs.JSON.keys())
def test_json_of_too_many_values_is_refused(make: Callable[[int], bytes]) -> None:
    error = refusal(make(4_100_000), JSON)
    assert (error.status, error.reason) == (413, "too_many_values")


def test_an_array_of_any_length_in_an_attribute_is_not_made_into_objects() -> None:
    span = proto_span(1)
    empty = bombs.field(5, b"\x0a\x00" * 5_000_000)
    pair = bombs.field(1, b"gen_ai.response.finish_reasons") + bombs.field(2, empty)
    raw = span.SerializeToString() + bombs.field(9, pair)
    body = bombs.field(1, bombs.field(2, bombs.field(2, raw)))
    (read,) = Decoder().decode(body, PROTOBUF, NOW_NS).spans
    assert read.attributes["gen_ai.usage.input_tokens"] == 1312
    assert "gen_ai.response.finish_reasons" not in read.attributes


def test_the_largest_real_bodies_are_read() -> None:
    attributes = {**CHAT, **{f"note.{n}": "text, {with} [marks]" for n in range(26)}}
    spans = [proto_span(n + 1, attributes) for n in range(10_000)]
    body = protobuf(*spans)
    assert len(body) > 10 * HARMLESS_BYTES
    assert len(Decoder().decode(body, PROTOBUF, NOW_NS).spans) == 10_000
    written = [json_span(n + 1, attributes) for n in range(10_000)]
    assert len(Decoder().decode(json_body(*written), JSON, NOW_NS).spans) == 10_000


def test_marks_in_texts_are_no_values() -> None:
    body = json_body(json_span(1, {**CHAT, "prompt": '{"a": [1, 2, "\\"]}' * 1_000_000}))
    assert body.count(b",") + body.count(b"{") > 2_000_000
    assert len(Decoder().decode(body, JSON, NOW_NS).spans) == 1


@pytest.mark.parametrize("cut", [1, 2, 1000, 500_000])
def test_a_large_body_that_is_cut_short_is_malformed(cut: int) -> None:
    body = protobuf(*[proto_span(n + 1) for n in range(3000)])
    assert refusal(body[:-cut], PROTOBUF).status == 400


@given(st.binary(max_size=400))
@settings(deadline=None, max_examples=30)
def test_any_bytes_are_looked_at_without_a_fault(garbage: bytes) -> None:
    padded = garbage + PADDING
    check_json(padded)
    with contextlib.suppress(BadRequest):
        check_protobuf(padded)


@given(st.recursive(st.text(max_size=3) | st.integers(), st.lists, max_leaves=30))
def test_small_documents_are_never_refused(document: object) -> None:
    check_json(json.dumps(document).encode())
