"""A price list of a few models with round rates, in the catalogue's own types."""

from __future__ import annotations

from datetime import date, time
from decimal import Decimal

from genai_prices.types import (
    ClauseEquals,
    ConditionalPrice,
    ModelInfo,
    ModelPrice,
    PriceVariant,
    Provider,
    StartDateConstraint,
    Tier,
    TieredPrices,
    TimeOfDateConstraint,
)


def _prices(**rates: str | TieredPrices) -> ModelPrice:
    return ModelPrice(
        **{key: Decimal(rate) if isinstance(rate, str) else rate for key, rate in rates.items()}
    )


def _model(name: str, **rates: str | TieredPrices) -> ModelInfo:
    return ModelInfo(name, ClauseEquals(name), name.title(), prices=_prices(**rates))


def _above_200k(base: str, above: str) -> TieredPrices:
    return TieredPrices(base=Decimal(base), tiers=[Tier(start=200_000, price=Decimal(above))])


def _from(*day: int) -> StartDateConstraint:
    return StartDateConstraint(start_date=date(*day))


TEXT = _model(
    "text", input_mtok="0.25", cache_read_mtok="0.025", output_mtok="2", web_searches_kcount="10"
)
TEXT.price_variants = [
    PriceVariant(
        {"service_tier": "flex"},
        _prices(input_mtok="0.125", cache_read_mtok="0.0125", output_mtok="1"),
        _from(2026, 10, 12),
    ),
    PriceVariant({"processing": "batch"}, _prices(input_mtok="0.125", output_mtok="1")),
]
WRITER = _model(
    "writer",
    input_mtok="3",
    cache_read_mtok="0.3",
    cache_write_mtok="3.75",
    cache_write_1h_mtok="6",
    output_mtok="15",
)
WRITER.price_variants = [
    PriceVariant({"speed": "fast"}, _prices(input_mtok="12", output_mtok="60")),
]
LONG = _model("long", input_mtok=_above_200k("1.25", "2.5"), output_mtok=_above_200k("10", "15"))
DATED = ModelInfo(
    "dated",
    ClauseEquals("dated"),
    prices=[
        ConditionalPrice(prices=_prices(input_mtok="4", output_mtok="8")),
        ConditionalPrice(_from(2026, 6, 1), prices=_prices(input_mtok="2", output_mtok="4")),
    ],
)
NIGHTLY = ModelInfo(
    "nightly",
    ClauseEquals("nightly"),
    prices=[
        ConditionalPrice(prices=_prices(input_mtok="2")),
        ConditionalPrice(
            TimeOfDateConstraint(time(16, 30), time(0, 30)), prices=_prices(input_mtok="1")
        ),
    ],
)
AUDIO = _model(
    "audio",
    input_mtok="1",
    cache_read_mtok="0.5",
    input_audio_mtok="10",
    cache_audio_read_mtok="2",
    output_mtok="4",
    output_audio_mtok="20",
)
PROVIDERS = [
    Provider(
        "openai",
        "OpenAI",
        "https://api.openai.com",
        models=[
            TEXT,
            LONG,
            DATED,
            NIGHTLY,
            AUDIO,
            _model("embed", input_mtok="0.02"),
            _model("searcher", input_mtok="1", output_mtok="1", requests_kcount="12"),
            _model("thinker", input_mtok="2", output_mtok="8", output_reasoning_mtok="3"),
            _model("twelfth", input_mtok="0.08333333333333334", output_mtok="1"),
            _model("reader", input_document_kpages="1"),
            _model("listener", input_audio_hours="0.36"),
            _model("gift:free"),
            _model("silent"),
        ],
    ),
    Provider("anthropic", "Anthropic", "https://api.anthropic.com", models=[WRITER]),
    Provider(
        "groq",
        "Groq",
        "https://api.groq.com",
        models=[_model("whisper-large-v3", audio_hours="0.36")],
    ),
    Provider("azure", "Azure", "https://azure", fallback_model_providers=["openai"], models=[]),
]
