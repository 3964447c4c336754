"""A price book and the models in use, turned into what is wrong between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Final, NamedTuple

from taximeter_processor.ledger.usage import UsedModel
from taximeter_processor.model import Unpriced
from taximeter_processor.money import format_usd
from taximeter_processor.pricing.book import PriceBook
from taximeter_processor.pricing.cards import TIER_ASSUMED
from taximeter_processor.pricing.currencies import USD
from taximeter_processor.pricing.timeline import to_us

STALE_AFTER_DAYS: Final = 45


class Finding(NamedTuple):
    """One thing that is wrong, and what mends it."""

    kind: str
    what: str
    detail: str
    remedy: str


def check(
    book: PriceBook, used: Sequence[UsedModel], now: datetime, stale_after_days: int
) -> list[Finding]:
    """Everything wrong with the prices as of `now` for what was used."""
    return [
        *_stale(book, now.date(), stale_after_days),
        *_idle_overrides(book, used, now.date()),
        *_unpriced(book, used, now),
        *_assumed_tiers(used),
    ]


def _stale(book: PriceBook, today: date, most_days: int) -> Iterator[Finding]:
    verified = book.checked_on
    if verified is None or (today - verified).days > most_days:
        yield Finding(
            "stale catalogue",
            f"genai-prices {book.catalogue.version}",
            f"newest verified price: {verified or 'not said'}",
            "pip install -U genai-prices; taximeter prices update",
        )
    overrides, exchange = book.sources.overrides, book.sources.exchange
    for currency in sorted({override.currency for override in overrides} - {USD}):
        newest = exchange.days(currency)[-1]
        if (today - newest).days > most_days:
            yield Finding(
                "stale exchange rate", currency, f"newest rate: {newest}", "add today's rate"
            )


def _idle_overrides(book: PriceBook, used: Sequence[UsedModel], today: date) -> Iterator[Finding]:
    for override in book.sources.overrides:
        if override.until and override.until < today:
            yield Finding(
                "override ended",
                override.label,
                f"until {override.until}",
                "renew it, or keep it for the calls of its time",
            )
        elif used and not any(_speaks_of(book, model, override.label) for model in used):
            yield Finding(
                "override unused",
                override.label,
                "no call since matches it",
                "compare provider and model with `taximeter costs --by provider,model`",
            )


def _speaks_of(book: PriceBook, used: UsedModel, label: str) -> bool:
    subject = book.subject(used.provider, used.response_model, used.request_model, used.tier)
    return any(override.label == label for override in subject.overrides)


def _unpriced(book: PriceBook, used: Sequence[UsedModel], now: datetime) -> Iterator[Finding]:
    for model in used:
        if model.status != "unpriced" or model.unpriced_reason in ("no_usage", "estimated_usage"):
            continue
        price = book.price_for(
            model.provider, model.response_model, model.request_model, model.tier, to_us(now)
        )
        is_known = not isinstance(price, Unpriced) and model.unpriced_reason == "unknown_model"
        yield Finding(
            "priced by now" if is_known else "unpriced in use",
            _name(model),
            f"{model.requests:,} calls: {model.unpriced_reason}",
            "taximeter reprice" if is_known else "add it to prices:, then taximeter reprice",
        )


def _assumed_tiers(used: Sequence[UsedModel]) -> Iterator[Finding]:
    for model in used:
        if model.price_source.endswith(TIER_ASSUMED):
            yield Finding(
                "tier assumed",
                _name(model),
                f"{model.requests:,} calls, ${format_usd(model.cost_pico)} at standard rates",
                f"add a price with tier: {model.tier}",
            )


def _name(model: UsedModel) -> str:
    name = model.response_model or model.request_model or "no model"
    return f"{model.provider or 'no provider'}/{name} ({model.tier})"
