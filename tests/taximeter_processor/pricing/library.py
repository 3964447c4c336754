"""What `genai-prices` itself says a usage costs, each of its lines rounded once to 1 pico-USD."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from genai_prices import Usage as LibraryUsage
from genai_prices import types, units
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelInfo, ModelPrice, Provider

from taximeter_processor.model import Usage
from taximeter_processor.money import usd_to_pico

CONTEXTS = {
    "standard": None,
    "batch": {"processing": "batch"},
    "flex": {"service_tier": "flex"},
    "priority": {"service_tier": "priority"},
    "fast": {"service_tier": "fast", "speed": "fast"},
}


def all_models() -> list[tuple[Provider, ModelInfo]]:
    """Every entry of every price list."""
    return [(provider, model) for provider in get_snapshot().providers for model in provider.models]


def model_price(
    provider: Provider, model: ModelInfo, at: datetime, tier: str = "standard"
) -> ModelPrice:
    """The library's rates of a model at a moment."""
    context = {"price_context": CONTEXTS[tier]} if CONTEXTS[tier] else {}
    arguments: dict[str, Any] = {"genai_request_timestamp": at, **context}
    return model.calc_price(library_usage(Usage()), provider, **arguments).model_price


def cost_pico(price: ModelPrice, usage: Usage) -> int:
    """The lines the library adds up, each rounded once.

    Taken from its own steps, since it returns only their sum: to price each alone takes as many
    calls as there are lines.
    """
    counts = library_usage(usage)
    rates = types._collect_resolved_model_prices(price, units._get_registry())
    leaves = types._compute_registry_priced_counts(rates, counts)
    return sum(
        usd_to_pico(
            types.calc_unit_price(rate, leaves[unit.usage_key], usage.input_tokens or 0, unit.per)
        )
        for unit, rate in rates
    )


def library_usage(usage: Usage) -> LibraryUsage:
    """The same inclusive counts under the library's names."""
    return LibraryUsage(
        input_tokens=usage.input_tokens or 0,
        output_tokens=usage.output_tokens or 0,
        cache_read_tokens=usage.cache_read_tokens or 0,
        cache_write_tokens=usage.cache_write_tokens or 0,
        cache_write_1h_tokens=usage.cache_write_1h_tokens or 0,
        output_reasoning_tokens=usage.reasoning_tokens or 0,
        input_audio_tokens=usage.input_audio_tokens or 0,
        output_audio_tokens=usage.output_audio_tokens or 0,
        input_image_tokens=usage.input_image_tokens or 0,
        output_image_tokens=usage.output_image_tokens or 0,
        cache_audio_read_tokens=usage.cache_read_audio_tokens or 0,
        cache_image_read_tokens=usage.cache_read_image_tokens or 0,
        web_searches=usage.web_search_requests or 0,
        rerank_searches=usage.search_units or 0,
        input_document_pages=usage.pages or 0,
        input_audio_seconds=usage.audio_seconds or 0,
        audio_seconds=usage.audio_seconds or 0,
    )


def only_priced(usage: Usage, price: ModelPrice) -> Usage:
    """The part of a usage that a model has any rate for."""
    rates = {key for key, rate in vars(price).items() if rate is not None}
    dropped = [
        field
        for field in usage._fields
        if ("input_mtok" not in rates and ("input" in field or "cache" in field))
        or ("output_mtok" not in rates and ("output" in field or "reasoning" in field))
        or ("web_searches_kcount" not in rates and "web" in field)
        or ("rerank_searches_kcount" not in rates and "search_units" in field)
        or ("input_document_kpages" not in rates and "pages" in field)
        or (not rates & {"audio_hours", "input_audio_hours"} and "seconds" in field)
    ]
    return usage._replace(**dict.fromkeys(dropped))
