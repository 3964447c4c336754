"""What a line of OpenAI's batch files says, for every endpoint a batch may call."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taximeter_processor.importers.answers import Answer, BadLine, NoAnswer
from taximeter_processor.importers.openai_batch import read
from tests.taximeter_processor.importers.batches import (
    CHAT,
    COMPLETION,
    CREATED_S,
    EMBEDDINGS,
    RESPONSE,
    openai_line,
)


def answer(line: bytes) -> Answer:
    found = read(line)
    assert isinstance(found, Answer)
    return found


@pytest.mark.parametrize(
    ("body", "operation", "input_tokens", "created_s"),
    [
        (CHAT, "chat", 1312, CREATED_S),
        (RESPONSE, "chat", 100, CREATED_S + 10),
        (COMPLETION, "text_completion", 5, CREATED_S + 20),
        (EMBEDDINGS, "embeddings", 8, None),
    ],
    ids=["chat", "responses", "completions", "embeddings"],
)
def test_the_body_says_what_was_called_used_and_when(
    body: dict[str, Any], operation: str, input_tokens: int, created_s: int | None
) -> None:
    found = answer(openai_line(body))
    assert (found.operation, found.facts.input_tokens, found.created_s) == (
        operation,
        input_tokens,
        created_s,
    )
    assert (found.api.provider, found.custom_id) == ("openai", "request-1")


def test_the_tier_is_batch_whatever_the_body_says() -> None:
    assert answer(openai_line(CHAT)).facts.service_tier == "batch"


def test_cached_and_reasoning_tokens_are_read_as_in_a_live_answer() -> None:
    facts = answer(openai_line(CHAT)).facts
    assert (facts.cache_read_tokens, facts.reasoning_tokens) == (1152, 64)


def test_tags_are_taken_from_metadata_of_our_own_names_only() -> None:
    metadata = {"taximeter_feature": "digest", "taximeter_team": "", "feature": "x", "user": "bob"}
    found = answer(openai_line({**RESPONSE, "metadata": metadata}))
    assert found.tags == {"taximeter.feature": "digest"}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (openai_line({"error": {"code": "context_length_exceeded"}}, status=400), "400"),
        (openai_line(None, error={"code": "batch_expired", "message": "m"}), "batch_expired"),
        (openai_line(None, error={"message": "m"}), "_OTHER"),
    ],
)
def test_a_request_that_was_not_answered_is_no_call(line: bytes, reason: str) -> None:
    assert read(line) == NoAnswer(reason)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"custom_id": "a"', "is no JSON"),
        (b"[1]", "is no JSON object"),
        (b"{}", "is no JSON object"),
        (openai_line(None), "neither a response with a status code nor an error"),
        (openai_line("text"), "holds none of chat.completion, response"),
        (openai_line({"object": "moderation"}), "holds none of chat.completion, response"),
        (openai_line({"object": []}), "holds none of chat.completion, response"),
    ],
)
def test_a_line_that_says_nothing_of_this_kind_is_bad(line: bytes, message: str) -> None:
    with pytest.raises(BadLine, match=message):
        read(line)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def said(line: bytes) -> Answer | NoAnswer | BadLine:
    try:
        return read(line)
    except BadLine as error:
        return error


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_no_line_whatsoever_raises_anything_but_that_it_is_bad(line: bytes) -> None:
    assert len(str(said(line))) < 200


@given(st.dictionaries(st.sampled_from([*CHAT, "metadata", "created_at"]), JSON))
def test_no_body_whatsoever_raises_anything_but_that_it_is_bad(changes: dict[str, Any]) -> None:
    assert isinstance(said(openai_line({**CHAT, **changes})), (Answer, BadLine))
