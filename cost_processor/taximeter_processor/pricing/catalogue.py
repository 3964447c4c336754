"""Reads the `genai-prices` catalogue: which entry a model is, and its exact rates at a moment."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from taximeter_processor.pricing.catalogue_file import read_catalogue, write_catalogue
from taximeter_processor.pricing.meters import AUDIO_SECOND
from taximeter_processor.pricing.rates import ALWAYS, Rate, Rates, Steps, Units
from taximeter_processor.pricing.timeline import Boundaries, midnight_us, moment, time_us

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, ModelPrice, Provider

_PROVIDERS: Final = {
    "azure.ai.openai": "azure",
    "azure.ai.inference": "azure",
    "aws.bedrock": "aws",
    "gcp.gemini": "google",
    "gcp.gen_ai": "google",
    "gcp.vertex_ai": "google",
    "x_ai": "x-ai",
    "mistral_ai": "mistral",
    "moonshot_ai": "moonshotai",
    "together_ai": "together",
    "fireworks_ai": "fireworks",
}
"""`gen_ai.provider.name` to the catalogue's id, where they differ; openai, groq, … are the same."""

_CONTEXTS: Final = {
    "batch": {"processing": "batch"},
    "fast": {"service_tier": "fast", "speed": "fast"},
}
"""How the catalogue asks for a tier, where it is not `service_tier`; Anthropic has a `speed`."""

_LEAST: Final[Mapping[tuple[str, str], Mapping[str, int]]] = {
    ("groq", "whisper-large-v3"): {AUDIO_SECOND: 10},
    ("groq", "whisper-large-v3-turbo"): {AUDIO_SECOND: 10},
}
"""What a request that uses a meter is billed at the least; the price lists have no field for it."""

_VERIFIED: Final = re.compile(r"(?i)verified\D{0,60}(\d{4}-\d{2}-\d{2})")


class Entry(NamedTuple):
    """One model of the catalogue, as found for one provider."""

    model: ModelInfo
    owner: str
    """The provider whose price list it is from."""
    is_borrowed: bool
    """From another provider's list, as Azure's OpenAI models are: tiers do not carry over."""

    @property
    def label(self) -> str:
        """`provider/model` in the catalogue's own names."""
        return f"{self.owner}/{self.model.id}"

    @property
    def least(self) -> Mapping[str, int]:
        """Least billed quantities by meter."""
        return _LEAST.get((self.owner, self.model.id), {})


class Catalogue:
    """Price lists: those of the installed package or of a file; nothing is fetched."""

    def __init__(self, version: str, providers: Sequence[Provider]) -> None:
        from genai_prices import data_units

        self.version = version
        self.units: Units = data_units.unit_data
        self._by_price_key = {
            unit.get("price_key", key): (key, unit["per"]) for key, unit in self.units.items()
        }
        self._all = list(providers)
        self._providers = {provider.id: provider for provider in self._all}

    @classmethod
    def installed(cls) -> Catalogue:
        """The price lists of the installed package: about a second, the first time in a process."""
        from genai_prices import __version__, data_snapshot

        return cls(__version__, data_snapshot.get_snapshot().providers)

    @classmethod
    def read(cls, path: Path) -> Catalogue:
        """The price lists of a file. Raises `ConfigError`."""
        return cls(*read_catalogue(path))

    def write(self, path: Path) -> None:
        """Pin these price lists in a file."""
        write_catalogue(path, self.version, self._all)

    def find(self, provider: str, model: str) -> Entry | None:
        """The entry of a model at a canonical provider, or None; no provider is ever guessed."""
        seller = self._providers.get(_PROVIDERS.get(provider, provider))
        found = seller.find_model(model, all_providers=self._all) if seller else None
        if seller is None or found is None:
            return None
        owner = next(owner for owner in (seller, *self._all) if _lists(owner, found))
        return Entry(found, owner.id, owner is not seller)

    def standard_rates(self, entry: Entry, start_us: int) -> Rates:
        """Rates of the standard tier at a moment; empty when the catalogue names none."""
        listed = self._rates(
            entry.model.get_prices(moment(start_us)), f"genai-prices:{entry.label}"
        )
        if not listed and entry.model.id.endswith(":free"):
            free = Rate(((ALWAYS, Fraction(0)),), f"genai-prices:{entry.label}")
            return {"input_tokens": free, "output_tokens": free}
        return listed

    def tier_rates(self, entry: Entry, tier: str, start_us: int) -> Rates | None:
        """The rates a tier changes at a moment; None when the catalogue does not know the tier."""
        source = f"genai-prices:{entry.label} ({tier})"
        rates: Rates | None = None
        for variant in _variants(entry, tier):
            if variant.constraint is None or variant.constraint.active(moment(start_us)):
                rates = {**self._rates(variant.prices, source), **(rates or {})}
        return rates

    def boundaries(self, entry: Entry, tier: str) -> Boundaries:
        """When the rates of an entry may change, in a tier or in the standard one."""
        dates, times = set(), set()
        for constraint, _ in _parts(entry, tier):
            if constraint is None:
                continue
            if hasattr(constraint, "start_date"):
                dates.add(midnight_us(constraint.start_date))
            else:
                times |= {time_us(constraint.start_time), time_us(constraint.end_time)}
        return Boundaries(tuple(sorted(dates)), tuple(sorted(times)))

    def thresholds(self, entry: Entry, tier: str) -> set[int]:
        """Sizes of a request above which some rate of an entry changes, at whatever time."""
        values = (value for _, price in _parts(entry, tier) for value in vars(price).values())
        return {step.start for value in values for step in getattr(value, "tiers", ())}

    def labels(self) -> Iterator[tuple[str, str]]:
        """Every entry as (`provider/model`, readable name)."""
        for provider in self._all:
            for model in provider.models:
                yield f"{provider.id}/{model.id}", model.name or ""

    def checked_on(self) -> date | None:
        """The newest day on which the catalogue says it verified a price; None if it says none."""
        notes = (model.price_comments for provider in self._all for model in provider.models)
        days = [day for note in notes if note for day in _VERIFIED.findall(note)]
        return date.fromisoformat(max(days)) if days else None

    def _rates(self, price: ModelPrice, source: str) -> dict[str, Rate]:
        rates = {}
        for price_key, value in vars(price).items():
            if value is not None and price_key in self._by_price_key:
                usage_key, per = self._by_price_key[price_key]
                rates[usage_key] = Rate(_steps(value, per), source)
        return rates


def _steps(price: Any, per: int) -> Steps:
    """A `Decimal`, or `TieredPrices`: above `start` input tokens the whole request pays `price`."""
    if isinstance(price, Decimal):
        return ((ALWAYS, Fraction(price) / per),)
    above = sorted((tier.start, Fraction(tier.price) / per) for tier in price.tiers)
    return ((ALWAYS, Fraction(price.base) / per), *above)


def _lists(provider: Provider, model: ModelInfo) -> bool:
    return any(model is listed for listed in provider.models)


def _parts(entry: Entry, tier: str) -> list[tuple[Any, ModelPrice]]:
    """(when, rates) of everything an entry may pay, in a tier or in the standard one."""
    prices = entry.model.prices
    standard = (
        [(price.constraint, price.prices) for price in prices]
        if isinstance(prices, list)
        else [(None, prices)]
    )
    return standard + [(variant.constraint, variant.prices) for variant in _variants(entry, tier)]


def _variants(entry: Entry, tier: str) -> list[Any]:
    """A tier's rates, the first the strongest; a borrowed entry's tiers are not its seller's."""
    if entry.is_borrowed:
        return []
    context = _CONTEXTS.get(tier, {"service_tier": tier})
    # Older catalogues have none.
    variants = getattr(entry.model, "price_variants", None) or []
    return [variant for variant in variants if variant.when.items() <= context.items()]
