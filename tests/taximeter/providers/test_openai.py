"""OpenAI's formats where the recordings leave a question open."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taximeter.providers.base import Facts, Reader
from taximeter.providers.openai import ChatReader, ResponsesReader, UsageLastReader

CHUNK = {
    "id": "chatcmpl-1",
    "model": "gpt-4.1",
    "service_tier": "default",
    "choices": [{"index": 0, "delta": {"content": "x"}, "finish_reason": None}],
    "usage": None,
}


def read(reader: Reader, body: object) -> Facts:
    reader.read_body(json.dumps(body).encode())
    return reader.facts


def chat(usage: object, **others: object) -> Facts:
    return read(ChatReader(), {"id": "1", "model": "m", "usage": usage, **others})


@pytest.mark.parametrize("bad", [-1, 1.5, "7", True, None, [], {}, 2**63, float("nan"), 1e400])
def test_what_is_no_count_is_unknown(bad: object) -> None:
    facts = chat({"prompt_tokens": bad, "completion_tokens": 5})
    assert (facts.input_tokens, facts.output_tokens) == (None, 5)


def test_a_whole_number_written_as_a_float_is_a_count() -> None:
    assert chat({"prompt_tokens": 5.0}).input_tokens == 5


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    )
)
def test_no_odd_shape_of_usage_makes_it_raise(odd: object) -> None:
    for reader in (ChatReader(), ResponsesReader(), UsageLastReader()):
        read(reader, {"usage": odd, "choices": odd, "error": odd, "id": odd, "tool_usage": odd})
        read(reader, {"usage": {"prompt_tokens_details": odd, "cost": odd, "total_tokens": odd}})


def test_an_object_called_usage_in_the_model_s_words_is_not_usage() -> None:
    words = json.dumps({"usage": {"prompt_tokens": 999}})
    choice = {"message": {"content": words, "usage": {"prompt_tokens": 999}}}
    facts = chat({"prompt_tokens": 1}, choices=[choice])
    assert facts.input_tokens == 1


def test_finish_reasons_are_in_the_order_of_the_choices() -> None:
    choices = [{"index": 1, "finish_reason": "length"}, {"index": 0, "finish_reason": "stop"}]
    assert chat({}, choices=choices).finish_reasons == {0: "stop", 1: "length"}


def test_cost_is_decimal_to_the_last_digit() -> None:
    body = b'{"usage":{"prompt_tokens":1,"cost":0.1000000000000000055511151231257827}}'
    reader = ChatReader()
    reader.read_body(body)
    assert reader.facts.reported_cost_usd == Decimal("0.1000000000000000055511151231257827")


def test_a_large_embeddings_answer_is_read_from_its_end() -> None:
    vectors = ",".join(["0.125"] * 20_000)
    body = f'{{"data":[{{"model":"inner","embedding":[{vectors}]}}],"model":"e","usage":'
    reader = ChatReader()
    reader.read_body((body + '{"prompt_tokens":8,"total_tokens":8}}').encode())
    assert (reader.facts.response_model, reader.facts.input_tokens) == ("e", 8)


def test_a_large_answer_that_ends_otherwise_is_read_whole() -> None:
    body = {"model": "m", "usage": {"prompt_tokens": 8}, "choices": [{"text": "x" * 70_000}]}
    facts = read(ChatReader(), body)
    assert (facts.response_model, facts.input_tokens) == ("m", 8)


def stream(reader: Reader, *events: dict[str, Any] | bytes) -> Reader:
    for event in events:
        data = event if isinstance(event, bytes) else json.dumps(event).encode()
        if not reader.skips(data):
            reader.read_event(data)
    return reader


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_plain_chunks_are_skipped_once_the_answer_is_identified(
    separators: tuple[str, str],
) -> None:
    reader = ChatReader()
    plain = json.dumps(CHUNK, separators=separators).encode()
    assert not reader.skips(plain)
    reader.read_event(plain)
    assert reader.skips(plain)
    error = {**CHUNK, "error": {"code": 500}, "choices": []}
    assert not reader.skips(json.dumps(error, separators=separators).encode())


def test_of_running_totals_only_the_last_is_read() -> None:
    reader = stream(ChatReader(), CHUNK)
    for tokens in (1, 2, 3):
        chunk = {**CHUNK, "usage": {"prompt_tokens": 11, "completion_tokens": tokens}}
        assert reader.skips(b"data: %s\n\n" % json.dumps(chunk).encode())
    assert not reader.facts.is_usage_known
    reader.finish()
    assert (reader.facts.input_tokens, reader.facts.output_tokens) == (11, 3)


def test_the_words_of_a_chunk_cannot_make_it_look_plain() -> None:
    choice = {"index": 0, "delta": {"content": '"finish_reason":null "usage":null'}}
    last = {**CHUNK, "choices": [{**choice, "finish_reason": "stop"}]}
    reader = stream(ChatReader(), CHUNK, last)
    assert reader.facts.finish_reasons == {0: "stop"}


def test_the_last_usage_replaces_earlier_ones_whole() -> None:
    reader = stream(
        ChatReader(),
        {**CHUNK, "usage": {"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 4}}},
        {**CHUNK, "choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 2}},
        b"[DONE]",
    )
    assert reader.facts.output_tokens == 2
    assert reader.facts.cache_read_tokens is None
    assert reader.is_finished


def test_an_error_inside_a_stream_keeps_what_was_counted() -> None:
    usage = {"prompt_tokens": 9}
    reader = stream(ChatReader(), {**CHUNK, "usage": usage}, {"error": {"code": 502}})
    assert (reader.facts.input_tokens, reader.facts.error_type) == (9, "502")


def test_a_groq_error_ends_a_stream() -> None:
    assert stream(ChatReader(), {"x_groq": {"error": "boom"}}).facts.error_type == "_OTHER"


def test_the_tier_of_an_unfinished_response_is_only_what_was_asked_for() -> None:
    early = {"type": "response.created", "response": {"id": "r", "service_tier": "flex"}}
    reader = stream(ResponsesReader(), early)
    assert (reader.facts.response_id, reader.facts.service_tier) == ("r", None)


def test_a_failed_response_tells_its_code_and_a_bare_error_event_too() -> None:
    failed = {"type": "response.failed", "response": {"error": {"code": "server_error"}}}
    assert stream(ResponsesReader(), failed).facts.error_type == "server_error"
    bare = {"type": "error", "code": "rate_limit_exceeded", "message": "no"}
    assert stream(ResponsesReader(), bare).facts.error_type == "rate_limit_exceeded"


def test_an_image_stream_ends_with_its_usage() -> None:
    reader = stream(
        UsageLastReader(),
        {"type": "image_generation.partial_image", "b64_json": "AAAA"},
        {"type": "image_generation.completed", "usage": {"input_tokens": 5, "output_tokens": 9}},
    )
    assert (reader.facts.input_tokens, reader.facts.output_tokens) == (5, 9)
    assert reader.is_finished


@pytest.mark.parametrize(
    ("body", "error_type"),
    [
        ({"error": {"code": "invalid_api_key", "type": "x"}}, "invalid_api_key"),
        ({"error": {"code": None, "type": "insufficient_quota"}}, "insufficient_quota"),
        ({"error": {"message": "Incorrect key: secret"}}, "_OTHER"),
        ({"error": {"code": "Your prompt was: hello", "type": "bad"}}, "bad"),
        ({"error": "something went wrong"}, "_OTHER"),
        ({"error": None}, None),
    ],
)
def test_an_error_is_named_by_a_code_and_never_by_its_words(
    body: dict[str, object], error_type: str | None
) -> None:
    assert read(ChatReader(), body).error_type == error_type
