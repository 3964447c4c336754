"""Failures of other tools that come from the wrong rate, each named after what went wrong.

Spans go through the pipeline, and the row is read from the ledger.
"""

from __future__ import annotations

import json
from typing import Any

from taximeter_processor.model import Usage
from taximeter_processor.money import usd_to_pico
from taximeter_processor.service import Service
from tests.field_failures.price_calls import PICO_PER_MICRO, stored

CLAUDE: dict[str, Any] = {
    "provider": "anthropic",
    "request_model": "claude-sonnet-4-5",
    "response_model": "claude-sonnet-4-5-20250929",
}
"""$3 input, $0.30 cache read, $3.75 and $6 cache writes, $15 output a million tokens."""


def test_cache_buckets_were_summed_into_the_prompt(service: Service) -> None:
    found = stored(service, Usage(1000, 10, 600, 300), **CLAUDE)
    # 100 × $3 + 600 × $0.30 + 300 × $3.75 + 10 × $15; summed into the prompt it was 1000 × $3 more.
    assert found.cost_usd == (300 + 180 + 1125 + 150) * PICO_PER_MICRO


def test_one_hour_cache_writes_were_priced_as_five_minute_ones(service: Service) -> None:
    found = stored(service, Usage(1000, 0, 0, 1000, 1000), **CLAUDE)
    assert found.cost_usd == 6000 * PICO_PER_MICRO


def test_flex_was_billed_at_the_standard_price(service: Service) -> None:
    standard, flex = (stored(service, tier=tier) for tier in ("standard", "flex"))
    assert (standard.cost_usd, flex.cost_usd) == (236_800_000, 118_400_000)
    assert flex.tier_saved_usd == 118_400_000


def test_batch_with_a_cache_was_overbilled(service: Service) -> None:
    # Anthropic's batch halves cache reads and writes too.
    found = stored(service, Usage(1000, 10, 600, 300), tier="batch", **CLAUDE)
    assert found.cost_usd == (300 + 180 + 1125 + 150) * PICO_PER_MICRO // 2


def test_the_long_context_premium_was_charged_on_the_excess_only(service: Service) -> None:
    gemini: dict[str, Any] = {
        "provider": "gcp.gemini",
        "request_model": "gemini-2.5-pro",
        "response_model": "gemini-2.5-pro",
    }
    at_limit = stored(service, Usage(200_000, 0), **gemini)
    beyond = stored(service, Usage(200_001, 0), **gemini)
    # $1.25 a million up to 200,000 tokens; past it, $2.50 for every token of the request.
    assert at_limit.cost_usd == 250_000 * PICO_PER_MICRO
    assert beyond.cost_usd == 200_001 * 2_500_000


def test_a_missing_model_was_silently_free(service: Service) -> None:
    found = stored(service, request_model="own", response_model="own", provider="ollama")
    assert (found.status, found.unpriced_reason) == ("unpriced", "unknown_model")
    assert found.input_quantity + found.cache_read_quantity == 1312


def test_a_meter_without_a_rate_was_silently_free(service: Service) -> None:
    found = stored(
        service,
        Usage(1000, 10, search_units=3),
        provider="cohere",
        request_model="command-r-plus",
        response_model="command-r-plus",
    )
    assert (found.status, found.unpriced_reason) == ("unpriced", "no_price_for_meter")


def test_a_row_s_total_was_0_beside_its_own_breakdown(service: Service) -> None:
    usage = Usage(9_000, 700, 3_000, 900, 500, reasoning_tokens=200, web_search_requests=2)
    for tier in ("standard", "batch", "unheard-of"):
        found = stored(service, usage, tier=tier, **CLAUDE)
        rarer = json.loads(found.other_meters or "{}").values()
        parts = found.input_cost_usd + found.cache_read_cost_usd + found.cache_write_cost_usd
        parts += found.output_cost_usd + sum(usd_to_pico(usd) for _, usd in rarer)
        assert found.cost_usd == parts > 0
