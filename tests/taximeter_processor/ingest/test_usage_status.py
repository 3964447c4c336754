"""How a call's usage is known: reported, though it be zero, missing, or guessed by the emitter."""

from __future__ import annotations

import pytest

from tests.taximeter_processor.ingest.reading import call_of


@pytest.mark.parametrize(
    ("counts", "status"),
    [
        ({}, "missing"),
        ({"gen_ai.usage.input_tokens": 0}, "reported"),
        ({"gen_ai.usage.output_tokens": 0}, "reported"),
        ({"taximeter.usage.pages": 0}, "reported"),
        ({"taximeter.usage.audio_seconds": 0}, "reported"),
        ({"taximeter.usage.search_units": 0}, "reported"),
        ({"taximeter.usage.billed_input_tokens": 0}, "reported"),
        # Searches come on top of tokens: none of them says nothing about the tokens.
        ({"taximeter.usage.web_search_requests": 0}, "missing"),
        ({"taximeter.usage.web_search_requests": 2}, "reported"),
        ({"gen_ai.usage.reasoning.output_tokens": 7}, "missing"),
    ],
    ids=str,
)
@pytest.mark.parametrize("scope", ["taximeter", ""])
def test_an_explicit_zero_is_reported_and_nothing_at_all_is_missing(
    counts: dict[str, int], status: str, scope: str
) -> None:
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", **counts}
    assert call_of(attributes, scope=scope).usage_status == status


@pytest.mark.parametrize(
    ("method", "model", "status"),
    [
        ("InvokeModel", "mistral.mistral-7b-instruct-v0:2", "estimated"),
        ("InvokeModel", "cohere.command-r-v1:0", "estimated"),
        ("InvokeModel", "cohere.command-text-v14", "estimated"),
        ("InvokeModel", "anthropic.claude-3-haiku-20240307-v1:0", "reported"),
        ("InvokeModelWithResponseStream", "mistral.mistral-7b-instruct-v0:2", "reported"),
        ("Converse", "mistral.mistral-large-2402-v1:0", "reported"),
        (None, "mistral.mistral-large-2402-v1:0", "reported"),
    ],
)
def test_botocore_s_guesses_are_told_from_counts(
    method: str | None, model: str, status: str
) -> None:
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.system": "aws.bedrock",
        "gen_ai.request.model": model,
        "gen_ai.usage.input_tokens": 9,
        "gen_ai.usage.output_tokens": 31,
        **({} if method is None else {"rpc.method": method}),
    }
    assert call_of(attributes).usage_status == status


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ({}, "reported"),
        ({"error.type": "TimeoutError"}, "partial"),
        # Whoever knows how the call ended is believed.
        ({"error.type": "TimeoutError", "taximeter.usage_status": "reported"}, "reported"),
    ],
    ids=str,
)
def test_a_call_that_failed_after_it_had_counted_is_partial(
    told: dict[str, str], status: str
) -> None:
    counts = {"gen_ai.usage.input_tokens": 900, "gen_ai.usage.output_tokens": 40}
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", **counts, **told}
    assert call_of(attributes).usage_status == status


def test_a_call_that_failed_before_it_counted_has_no_usage() -> None:
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}
    assert call_of({**attributes, "error.type": "429"}).usage_status == "missing"
