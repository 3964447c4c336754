"""Two price books and what was used, turned into dollars of difference by model and tier."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from taximeter_processor.ledger.usage import Cuts, UsageSum
from taximeter_processor.model import Priced, Unpriced
from taximeter_processor.pricing.book import PriceBook
from taximeter_processor.pricing.cards import thresholds


class ModelName(NamedTuple):
    """A model as calls name it."""

    provider: str
    response_model: str
    request_model: str
    tier: str


@dataclass
class Difference:
    """One model and tier under both books; what has no price in a book is in no sum of it."""

    requests: int = 0
    unpriced_before: int = 0
    unpriced_after: int = 0
    before_pico: int = 0
    after_pico: int = 0

    @property
    def is_none(self) -> bool:
        """Both books say the same."""
        return (self.before_pico, self.unpriced_before) == (self.after_pico, self.unpriced_after)


def cuts(
    books: Iterable[PriceBook], models: Sequence[ModelName], start_us: int, end_us: int
) -> Cuts:
    """Where any of the models may change its price in any of the books, within [start, end)."""
    dates: set[int] = set()
    times: set[int] = set()
    sizes: set[int] = set()
    for book in books:
        for model in models:
            subject = book.subject(*model)
            dates |= {us for us in subject.boundaries.dates_us if start_us < us < end_us}
            times |= set(subject.boundaries.times_us)
            sizes |= thresholds(book.sources, subject)
    return Cuts(tuple(sorted(dates)), tuple(sorted(times)), tuple(sorted(sizes)))


def compare(
    before: PriceBook, after: PriceBook, usage: Iterable[UsageSum]
) -> dict[tuple[str, str, str], Difference]:
    """Differences by (provider, model, tier), the largest change first; the model as booked."""
    found: defaultdict[tuple[str, str, str], Difference] = defaultdict(Difference)
    for used in usage:
        name = after.subject(used.provider, used.response_model, used.request_model, used.tier).name
        difference = found[(used.provider, name, used.tier)]
        difference.requests += used.requests
        cost = _cost_pico(before, used)
        difference.before_pico += cost or 0
        difference.unpriced_before += used.requests if cost is None else 0
        cost = _cost_pico(after, used)
        difference.after_pico += cost or 0
        difference.unpriced_after += used.requests if cost is None else 0
    return dict(sorted(found.items(), key=lambda item: (-_weight(item[1]), item[0])))


def _weight(difference: Difference) -> int:
    return abs(difference.after_pico - difference.before_pico)


def _cost_pico(book: PriceBook, used: UsageSum) -> int | None:
    price = book.price_for(
        used.provider, used.response_model, used.request_model, used.tier, used.start_us
    )
    if isinstance(price, Unpriced):
        return None
    priced = price.cost(used.quantities, used.input_tokens, used.reasoning_tokens, used.requests)
    return priced.cost_pico if isinstance(priced, Priced) else None
