"""From another library's span to exact money: its habit is corrected before anything is priced."""

from __future__ import annotations

import json
from typing import Any

import pytest

from taximeter_processor.costing import Costed, cost
from taximeter_processor.model import Priced, Unpriced
from taximeter_processor.pricing.book import PriceBook
from tests.taximeter_processor.ingest.reading import call_of

CACHED = {
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": "claude-sonnet-4-5",
    "gen_ai.usage.input_tokens": 5000,
    "gen_ai.usage.output_tokens": 20,
    "gen_ai.usage.cache_read.input_tokens": 1000,
}


@pytest.fixture(scope="module")
def book() -> PriceBook:
    return PriceBook.load()


def costed(book: PriceBook, attributes: dict[str, Any], **fields: Any) -> Costed:
    return cost(call_of(attributes, **fields), book)


def pico(book: PriceBook, attributes: dict[str, Any], **fields: Any) -> int:
    outcome = costed(book, attributes, **fields).outcome
    assert isinstance(outcome, Priced), outcome
    return outcome.cost_pico


@pytest.mark.parametrize(
    ("more", "scope", "expected"),
    [
        # $3, $0.30 and $15 a million: 4000, 1000 and 20 tokens where the cache is inside,
        ({"gen_ai.provider.name": "anthropic"}, "pydantic-ai", 12_600_000_000),
        # 5000, 1000 and 20 where it is left out.
        ({"gen_ai.provider.name": "anthropic", "gen_ai.usage.cost": 1}, "", 15_600_000_000),
        ({"gen_ai.provider.name": "anthropic"}, "envoyproxy/ai-gateway", 15_600_000_000),
    ],
    ids=["pydantic-ai", "openlit", "envoy"],
)
def test_the_cache_is_paid_once_wherever_it_is_counted(
    book: PriceBook, more: dict[str, Any], scope: str, expected: int
) -> None:
    assert pico(book, {**CACHED, **more}, scope=scope) == expected


@pytest.mark.parametrize(
    ("response", "request_model"),
    [
        ("claude-sonnet-4-5", "smart"),
        ("claude-sonnet-4-5-preview-unlisted", "claude-sonnet-4-5"),
        (None, "claude-sonnet-4-5"),
        (None, "anthropic/claude-sonnet-4-5"),
        ("anthropic/claude-sonnet-4-5", "chat"),
    ],
)
def test_the_model_that_answered_is_priced_or_else_the_one_asked_for(
    book: PriceBook, response: str | None, request_model: str
) -> None:
    told = {"gen_ai.provider.name": "anthropic", "gen_ai.request.model": request_model}
    if response is not None:
        told["gen_ai.response.model"] = response
    assert pico(book, {**CACHED, **told}) == 12_600_000_000


def test_a_proxy_s_alias_is_priced_as_the_model_behind_it(book: PriceBook) -> None:
    told = {"gen_ai.provider.name": "anthropic", "gen_ai.request.model": "smart"}
    proxied = {**told, "litellm.provider.model": "anthropic/claude-sonnet-4-5"}
    assert pico(book, {**CACHED, **proxied}) == 12_600_000_000


def test_an_hour_s_cache_writes_of_another_s_json_have_their_own_rate(book: PriceBook) -> None:
    details = {"input": 7, "output": 20, "input_cache_creation_5m": 150}
    span = {
        "langfuse.observation.type": "generation",
        "langfuse.observation.model.name": "claude-sonnet-4-5",
        "langfuse.observation.usage_details": json.dumps(
            {**details, "input_cache_creation_1h": 50}
        ),
    }
    # 7 × $3 + 150 × $3.75 + 50 × $6 + 20 × $15 a million.
    assert pico(book, span) == 21_000_000 + 562_500_000 + 300_000_000 + 300_000_000


def test_anthropic_s_fast_mode_is_paid_as_such(book: PriceBook) -> None:
    told = {"gen_ai.provider.name": "anthropic", "gen_ai.request.model": "claude-opus-4-8"}
    # 4000 × $10 + 1000 × $1 + 20 × $50 a million.
    fast = {**CACHED, **told, "gen_ai.response.service_tier": "fast"}
    assert pico(book, fast) == 42_000_000_000


def test_a_guess_is_shown_and_not_priced(book: PriceBook) -> None:
    guessed = {
        "gen_ai.operation.name": "chat",
        "gen_ai.system": "aws.bedrock",
        "rpc.method": "InvokeModel",
        "gen_ai.request.model": "mistral.mistral-large-2402-v1:0",
        "gen_ai.usage.input_tokens": 9,
        "gen_ai.usage.output_tokens": 31,
    }
    assert costed(book, guessed).outcome == Unpriced("estimated_usage")


@pytest.mark.parametrize("operation", ["image_generation", "speech", "transcription", "rerank"])
def test_what_no_count_tells_is_unpriced_and_not_free(book: PriceBook, operation: str) -> None:
    found = costed(
        book,
        {
            "gen_ai.operation.name": operation,
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-image-1",
            "gen_ai.usage.input_tokens": 0,
            "gen_ai.usage.output_tokens": 0,
        },
    )
    assert (found.status, found.outcome) == ("unpriced", Unpriced("no_usage"))


def test_no_pages_and_no_seconds_are_reported_and_cost_nothing(book: PriceBook) -> None:
    told = {
        "gen_ai.operation.name": "generate_content",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
        "taximeter.usage.audio_seconds": 0,
    }
    assert pico(book, told, scope="taximeter") == 0
