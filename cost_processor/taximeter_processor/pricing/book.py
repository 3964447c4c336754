"""Finds the price of a call: provider, model, tier and moment in, a `CompiledPrice` out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cached_property, lru_cache
from typing import Final

from taximeter_processor.errors import ConfigError
from taximeter_processor.model import Priced, Quantity, Unpriced
from taximeter_processor.pricing.cards import Sources, Subject, find_subject, rate_card
from taximeter_processor.pricing.catalogue import Catalogue
from taximeter_processor.pricing.currencies import ExchangeRates, fingerprint
from taximeter_processor.pricing.overrides import PriceOverride
from taximeter_processor.pricing.rates import CompiledPrice
from taximeter_processor.pricing.timeline import Timeline, text_rates
from taximeter_processor.settings import Settings

TextCost = tuple[CompiledPrice, int, int, int, int]
"""The price, and pico-USD of uncached input, cache reads, cache writes and output."""

_DOLLARS_ONLY: Final = ExchangeRates()
_MEMO_SIZE: Final = 4096  # names come from outside: a flood of them must not fill memory


class PriceBook:
    """The catalogue under the user's overrides; its answers never change, so they are kept."""

    def __init__(
        self,
        catalogue: Catalogue,
        overrides: Sequence[PriceOverride] = (),
        exchange: ExchangeRates = _DOLLARS_ONLY,
    ) -> None:
        for override in overrides:
            if override.currency not in exchange:
                raise ConfigError(
                    f"prices: {override.label} is in {override.currency}, which has no rate: "
                    "expected one in the file that exchange_rates names"
                )
        self.sources = Sources(catalogue, tuple(overrides), exchange)
        self.version = f"genai-prices/{catalogue.version}"
        if overrides:
            self.version += f"+overrides:{fingerprint(overrides, exchange)}"
        self._timeline = lru_cache(_MEMO_SIZE)(self._make_timeline)

    @classmethod
    def load(cls, overrides: Sequence[PriceOverride] = ()) -> PriceBook:
        """The installed catalogue under these overrides."""
        return cls(Catalogue.installed(), overrides)

    @classmethod
    def of(cls, settings: Settings, catalogue: Catalogue | None = None) -> PriceBook:
        """The book of a configuration, or the same with another catalogue. Raises `ConfigError`."""
        if catalogue is None:
            pinned = settings.catalogue
            catalogue = Catalogue.read(pinned) if pinned else Catalogue.installed()
        file = settings.exchange_rates
        exchange = ExchangeRates.read(file) if file else _DOLLARS_ONLY
        return cls(catalogue, settings.prices, exchange)

    @property
    def catalogue(self) -> Catalogue:
        """The price lists under the overrides."""
        return self.sources.catalogue

    @cached_property
    def checked_on(self) -> date | None:
        """The newest day on which the catalogue says it verified a price; None if it says none."""
        return self.catalogue.checked_on()

    def price_for(
        self, provider: str, response_model: str, request_model: str, tier: str, start_us: int
    ) -> CompiledPrice | Unpriced:
        """The price of a model when a call began.

        `provider` is a canonical `gen_ai.provider.name`, never guessed from the model. The response
        model is looked up before the request model. Reasons: `unknown_model`, `no_price_at_time`.
        """
        return self._timeline(provider, response_model, request_model, tier).at(start_us)

    def text_cost(
        self,
        provider: str,
        response_model: str,
        request_model: str,
        tier: str,
        start_us: int,
        uncached: int,
        cache_read: int,
        cache_write: int,
        output: int,
    ) -> TextCost | None:
        """Both steps for a call of nothing but text; None when the long way must be taken.

        It is the hot path: no list of meters is made, and the same costs come out.
        """
        timeline = self._timeline(provider, response_model, request_model, tier)
        from_us, until_us, price, most, inputs, read, written, outputs = timeline.last
        if not from_us <= start_us < until_us:
            price = timeline.at(start_us)
            most, inputs, read, written, outputs = text_rates(price)
        if uncached + cache_read + cache_write > most:
            return None
        return (
            price,  # type: ignore[return-value]  # nothing fits an `Unpriced`: its most is -1
            uncached * inputs,
            cache_read * read,
            cache_write * written,
            output * outputs,
        )

    def price(
        self,
        *,
        provider: str,
        response_model: str,
        request_model: str,
        tier: str,
        start_us: int,
        quantities: tuple[Quantity, ...],
        input_tokens: int,
        reasoning_tokens: int = 0,
    ) -> Priced | Unpriced:
        """Both steps in one: find the price, then apply it to disjoint meters."""
        found = self.price_for(provider, response_model, request_model, tier, start_us)
        if isinstance(found, Unpriced):
            return found
        return found.cost(quantities, input_tokens, reasoning_tokens)

    def subject(self, provider: str, response_model: str, request_model: str, tier: str) -> Subject:
        """What is known of a model in a tier, whatever the time."""
        models = (response_model, request_model)
        return find_subject(self.sources, provider=provider, models=models, tier=tier)

    def _make_timeline(
        self, provider: str, response_model: str, request_model: str, tier: str
    ) -> Timeline:
        subject = self.subject(provider, response_model, request_model, tier)

        def compile_at(start_us: int) -> CompiledPrice | Unpriced:
            card = rate_card(self.sources, subject, start_us)
            if isinstance(card, Unpriced):
                return card
            return CompiledPrice(card, self.catalogue.units, self.version)

        return Timeline(subject.boundaries, compile_at)
