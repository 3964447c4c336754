"""Bedrock: Converse, and models invoked in their makers' formats."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from taximeter.providers.base import Facts, Reader
from taximeter.providers.bedrock import ConverseReader, InvokeReader
from tests.taximeter.providers.reading import whole

HEADERS = {
    "x-amzn-bedrock-input-token-count": "20",
    "x-amzn-bedrock-output-token-count": "11",
    "x-amzn-bedrock-cache-read-input-token-count": "1024",
    "x-amzn-bedrock-cache-write-input-token-count": "6",
}


def read_frame(reader: Reader, name: str, payload: bytes) -> None:
    event = reader.unwrap(name, payload)
    if event is not None and not reader.skips(event):
        reader.read_event(event)


def invoked(*events: dict[str, Any]) -> Facts:
    reader = InvokeReader()
    for event in events:
        encoded = base64.b64encode(json.dumps(event).encode()).decode()
        read_frame(reader, "chunk", json.dumps({"bytes": encoded, "p": "ab"}).encode())
    reader.finish()
    return reader.facts


@pytest.mark.parametrize(
    ("body", "counts"),
    [
        ({"type": "message", "usage": {"input_tokens": 7, "output_tokens": 2}}, (7, 2)),
        ({"stopReason": "x", "usage": {"inputTokens": 7, "outputTokens": 2}}, (7, 2)),
        ({"generation": "x", "prompt_token_count": 7, "generation_token_count": 2}, (7, 2)),
        ({"inputTextTokenCount": 7, "results": [{"tokenCount": 1}, {"tokenCount": 1}]}, (7, 2)),
        ({"embedding": [0.1], "inputTextTokenCount": 7}, (7, None)),
        ({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 2}}, (7, 2)),
        ({"outputs": [{"text": "x", "stop_reason": "stop"}]}, (1050, 11)),
    ],
)
def test_each_family_s_body_is_read_and_headers_only_where_it_says_nothing(
    body: dict[str, object], counts: tuple[int, int | None]
) -> None:
    reader = InvokeReader()
    reader.read_headers(HEADERS)
    facts = whole(reader, body)
    assert (facts.input_tokens, facts.output_tokens) == counts


def test_headers_count_even_if_the_body_is_no_json() -> None:
    reader = InvokeReader()
    reader.read_headers(HEADERS)
    with pytest.raises(ValueError, match="Expecting value"):
        reader.read_body(b"<picture>")
    assert (reader.facts.input_tokens, reader.facts.cache_read_tokens) == (1050, 1024)


def test_a_stream_s_metrics_count_where_its_events_do_not() -> None:
    metrics = {"inputTokenCount": 4, "outputTokenCount": 9, "cacheReadInputTokenCount": 2}
    facts = invoked({"text": "x"}, {"amazon-bedrock-invocationMetrics": metrics})
    assert (facts.input_tokens, facts.output_tokens, facts.cache_read_tokens) == (6, 9, 2)


def test_nova_s_own_stream_is_read() -> None:
    facts = invoked(
        {"contentBlockDelta": {"delta": {"text": "x"}}},
        {"messageStop": {"stopReason": "end_turn"}},
        {"metadata": {"usage": {"inputTokens": 5, "outputTokens": 3}}},
    )
    assert (facts.input_tokens, facts.output_tokens) == (5, 3)
    assert facts.finish_reasons == {0: "end_turn"}


def test_running_counts_of_a_stream_replace_each_other() -> None:
    facts = invoked(
        {"generation": "a", "prompt_token_count": 5, "generation_token_count": 1},
        {"generation": "b", "prompt_token_count": None, "generation_token_count": 2},
    )
    assert (facts.input_tokens, facts.output_tokens) == (5, 2)


def test_the_model_a_prompt_router_chose_is_the_model() -> None:
    chosen = "arn:aws:bedrock:us-east-1:1:inference-profile/us.amazon.nova-lite-v1:0"
    body = {"trace": {"promptRouter": {"invokedModelId": chosen}}, "usage": {"inputTokens": 1}}
    assert whole(ConverseReader(), body).response_model == chosen


def test_a_failure_frame_keeps_what_was_counted() -> None:
    reader = ConverseReader()
    read_frame(reader, "metadata", b'{"usage":{"inputTokens":5,"outputTokens":1}}')
    reader.read_failure("modelStreamErrorException")
    assert reader.facts.error_type == "modelStreamErrorException"
    assert reader.facts.input_tokens == 5


def test_words_between_the_frames_that_count_are_not_read() -> None:
    reader = ConverseReader()
    read_frame(reader, "contentBlockDelta", b"not even JSON")
    assert reader.facts == Facts()
