"""Anthropic's Messages format where the recordings leave a question open."""

from __future__ import annotations

import json
from typing import Any

import pytest

from taximeter.providers.anthropic import MessagesReader
from tests.taximeter.providers.reading import streamed, whole

START = {
    "type": "message_start",
    "message": {
        "id": "msg_1",
        "model": "claude-opus-4-8",
        "usage": {
            "input_tokens": 10,
            "cache_creation_input_tokens": 300,
            "cache_read_input_tokens": 50,
            "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200},
            "output_tokens": 1,
            "service_tier": "priority",
        },
    },
}


def delta(**usage: Any) -> dict[str, Any]:
    return {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage}


def message(**usage: Any) -> dict[str, Any]:
    return {"type": "message", "model": "claude-opus-4-8", "usage": usage}


def test_null_never_erases_what_was_counted() -> None:
    facts = streamed(MessagesReader(), START, delta(input_tokens=None, output_tokens=7)).facts
    assert (facts.input_tokens, facts.output_tokens) == (360, 7)
    assert (facts.cache_write_1h_tokens, facts.service_tier) == (200, "priority")


def test_several_deltas_replace_and_never_add() -> None:
    reader = streamed(MessagesReader(), START, delta(output_tokens=7), delta(output_tokens=9))
    assert reader.facts.output_tokens == 9


def test_a_stream_broken_off_has_exact_input_and_a_lower_bound_of_output() -> None:
    facts = streamed(MessagesReader(), START).facts
    assert (facts.input_tokens, facts.output_tokens) == (360, 1)


def test_iterations_are_billed_at_their_own_models() -> None:
    facts = whole(
        MessagesReader(),
        message(
            input_tokens=100,
            output_tokens=10,
            iterations=[
                {"type": "message", "input_tokens": 100, "output_tokens": 10},
                {"type": "compaction", "input_tokens": 1000, "output_tokens": 20},
                {
                    "type": "advisor_message",
                    "model": "claude-haiku-4-5",
                    "input_tokens": 40,
                    "cache_read_input_tokens": 5,
                    "output_tokens": 4,
                },
                {
                    "type": "fallback_message",
                    "model": "claude-opus-4-8",
                    "input_tokens": 3,
                    "output_tokens": 2,
                },
            ],
        ),
    )
    assert (facts.input_tokens, facts.output_tokens) == (1103, 32)
    (part,) = facts.parts
    assert part.response_model == "claude-haiku-4-5"
    assert (part.input_tokens, part.cache_read_tokens, part.output_tokens) == (45, 5, 4)


def test_a_fast_answer_has_a_tier_of_its_own() -> None:
    usage = {"input_tokens": 1, "service_tier": "standard", "speed": "fast"}
    assert whole(MessagesReader(), message(**usage)).service_tier == "fast"


def test_the_region_that_is_charged_for_is_kept() -> None:
    assert whole(MessagesReader(), message(inference_geo="us")).inference_geo == "us"


def test_a_batch_result_says_that_it_is_one() -> None:
    facts = whole(MessagesReader(), message(input_tokens=1, service_tier="batch"))
    assert facts.service_tier == "batch"


def test_a_cache_write_that_is_only_split_is_summed() -> None:
    split = {"ephemeral_5m_input_tokens": 2, "ephemeral_1h_input_tokens": 3}
    facts = whole(MessagesReader(), message(input_tokens=1, cache_creation=split))
    assert (facts.input_tokens, facts.cache_write_tokens) == (6, 5)


@pytest.mark.parametrize("prefix", [b"", b"data: ", b"event: content_block_delta\ndata: "])
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_content_is_skipped_unread(prefix: bytes, separators: tuple[str, str]) -> None:
    event = {"type": "content_block_delta", "delta": {"text": '"usage": "error"'}}
    assert MessagesReader().skips(prefix + json.dumps(event, separators=separators).encode())


def test_openrouter_adds_its_cost_to_the_format() -> None:
    body = b'{"usage":{"input_tokens":1,"cost":0.0001,"is_byok":true,'
    body += b'"cost_details":{"upstream_inference_cost":0.02}}}'
    reader = MessagesReader()
    reader.read_body(body)
    assert str(reader.facts.reported_cost_usd) == "0.0001"
    assert str(reader.facts.upstream_cost_usd) == "0.02"
