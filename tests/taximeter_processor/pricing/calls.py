"""Short ways to ask a price book about one call."""

from __future__ import annotations

from datetime import datetime, timezone

from taximeter_processor.model import Priced, Quantity, Unpriced
from taximeter_processor.pricing.book import PriceBook
from taximeter_processor.pricing.timeline import to_us

NOW = "2026-11-24T12:00:00"


def us(at: str) -> int:
    """An ISO time without zone, read as UTC, in microseconds since 1970."""
    return to_us(datetime.fromisoformat(at).replace(tzinfo=timezone.utc))


def ask(
    book: PriceBook,
    model: str,
    provider: str = "openai",
    tier: str = "standard",
    at: str = NOW,
    reasoning_tokens: int = 0,
    **amounts: int,
) -> Priced | Unpriced:
    """Price one call; `amounts` are disjoint meters, whose input adds up to the request's size."""
    return book.price(
        provider=provider,
        response_model=model,
        request_model="",
        tier=tier,
        start_us=us(at),
        quantities=tuple(Quantity(meter, amount) for meter, amount in amounts.items()),
        input_tokens=sum(
            amount for meter, amount in amounts.items() if meter.startswith(("input", "cache"))
        ),
        reasoning_tokens=reasoning_tokens,
    )


def paid(outcome: Priced | Unpriced) -> Priced:
    """A call that must have a price."""
    assert isinstance(outcome, Priced), outcome
    return outcome


def costs(outcome: Priced | Unpriced) -> dict[str, int]:
    """Pico-USD by meter."""
    return {line.meter: line.cost_pico for line in paid(outcome).lines}
