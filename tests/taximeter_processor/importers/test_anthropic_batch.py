"""What a line of an Anthropic message batch's results says."""

from __future__ import annotations

import pytest

from taximeter_processor.importers.answers import Answer, BadLine, NoAnswer
from taximeter_processor.importers.anthropic_batch import read
from tests.taximeter_processor.importers.batches import MESSAGE, anthropic_line


def test_a_message_is_a_chat_at_the_batch_tier_without_a_time() -> None:
    found = read(anthropic_line(MESSAGE))
    assert isinstance(found, Answer)
    assert (found.api.provider, found.operation, found.created_s) == ("anthropic", "chat", None)
    assert (found.facts.response_id, found.facts.service_tier) == ("msg_1", "batch")
    assert (found.facts.input_tokens, found.facts.output_tokens) == (1000, 100)


def test_input_counts_what_was_cached_too() -> None:
    usage = {**MESSAGE["usage"], "cache_read_input_tokens": 500, "cache_creation_input_tokens": 30}
    found = read(anthropic_line({**MESSAGE, "usage": usage}))
    assert isinstance(found, Answer)
    assert (found.facts.input_tokens, found.facts.cache_read_tokens) == (1530, 500)


@pytest.mark.parametrize("kind", ["errored", "canceled", "expired"])
def test_a_request_that_was_not_answered_is_no_call(kind: str) -> None:
    assert read(anthropic_line(kind=kind)) == NoAnswer(kind)


@pytest.mark.parametrize(
    "line", [anthropic_line(kind="surprise"), anthropic_line({}), b'{"custom_id": "a"}']
)
def test_a_line_without_a_known_result_is_bad(line: bytes) -> None:
    with pytest.raises(BadLine, match="has no result of type succeeded, errored"):
        read(line)


def test_what_another_model_did_meanwhile_is_at_the_batch_tier_too() -> None:
    iterations = [
        {"type": "message", "input_tokens": 1000, "output_tokens": 100},
        {"type": "advisor_message", "model": "claude-opus-4-8", "input_tokens": 7},
    ]
    found = read(
        anthropic_line({**MESSAGE, "usage": {**MESSAGE["usage"], "iterations": iterations}})
    )
    assert isinstance(found, Answer)
    (part,) = found.facts.parts
    assert (part.response_model, part.input_tokens, part.service_tier) == (
        "claude-opus-4-8",
        7,
        "batch",
    )
