"""Our integers against `genai-prices`' decimals: the whole catalogue, and random calls."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelInfo, Provider
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from taximeter_processor.model import Priced, Unpriced, Usage
from taximeter_processor.money import usd_to_pico
from taximeter_processor.pricing.book import PriceBook
from taximeter_processor.pricing.cards import Subject, rate_card
from taximeter_processor.pricing.catalogue import Entry
from taximeter_processor.pricing.rates import CompiledPrice
from taximeter_processor.pricing.timeline import Boundaries, moment, to_us
from taximeter_processor.usage import meters
from tests.taximeter_processor.pricing import library
from tests.taximeter_processor.pricing.calls import us

TIMES = [
    datetime(2024, 6, 1, 12, tzinfo=timezone.utc),
    datetime(2026, 1, 15, 2, 30, tzinfo=timezone.utc),
    datetime(2026, 11, 20, 7, 15, tzinfo=timezone.utc),
]
EVERYTHING = Usage(
    input_tokens=310_007,
    output_tokens=4_321,
    cache_read_tokens=100_003,
    cache_write_tokens=20_011,
    cache_write_1h_tokens=9_001,
    reasoning_tokens=1_003,
    input_audio_tokens=5_003,
    output_audio_tokens=777,
    input_image_tokens=3_001,
    output_image_tokens=555,
    cache_read_audio_tokens=1_009,
    cache_read_image_tokens=601,
    web_search_requests=3,
    search_units=2,
    pages=17,
    audio_seconds=61,
)
counts = st.integers(0, 300_000)
listed = st.sampled_from(library.all_models())
moments_us = st.integers(us("2023-01-01"), us("2027-12-31"))


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    """Inclusive counts whose parts fit into their wholes."""
    plain, read, audio, image, written, written_1h = draw(st.tuples(*[counts] * 6))
    read_audio, read_image, text, reasoning, said, drawn = draw(st.tuples(*[counts] * 6))
    return Usage(
        input_tokens=plain + read + audio + image + written + written_1h + read_audio + read_image,
        output_tokens=text + reasoning + said + drawn,
        cache_read_tokens=read + read_audio + read_image,
        cache_write_tokens=written + written_1h,
        cache_write_1h_tokens=written_1h,
        reasoning_tokens=reasoning,
        input_audio_tokens=audio + read_audio,
        output_audio_tokens=said,
        input_image_tokens=image + read_image,
        output_image_tokens=drawn,
        cache_read_audio_tokens=read_audio,
        cache_read_image_tokens=read_image,
        web_search_requests=draw(st.integers(0, 20)),
        search_units=draw(st.integers(0, 20)),
        pages=draw(st.integers(0, 400)),
        # Groq's least quantity is no rate: it has a test of its own.
        audio_seconds=draw(st.integers(10, 7200)),
    )


def tiers_of(model: ModelInfo) -> list[str]:
    return list(library.CONTEXTS) if getattr(model, "price_variants", None) else ["standard"]


def priced_by_us(
    book: PriceBook, entry: Entry, tier: str, at: datetime, usage: Usage
) -> Priced | Unpriced:
    subject = Subject(entry.model.id, tier, entry, (), Boundaries())
    card = rate_card(book.sources, subject, to_us(at))
    assert not isinstance(card, Unpriced)
    price = CompiledPrice(card, book.catalogue.units, book.version)
    return price.cost(meters(usage), usage.input_tokens or 0, usage.reasoning_tokens or 0)


@pytest.mark.parametrize("at", TIMES, ids=str)
@settings(max_examples=2, suppress_health_check=[HealthCheck.too_slow])
@given(drawn=st.lists(usages(), min_size=7, max_size=7))
def test_every_entry_in_every_tier_costs_what_the_library_says(
    book: PriceBook, at: datetime, drawn: list[Usage]
) -> None:
    wrong = []
    for number, (provider, model) in enumerate(library.all_models()):
        for tier in tiers_of(model):
            price = library.model_price(provider, model, at, tier)
            for whole in (EVERYTHING, drawn[number % len(drawn)]):
                usage = library.only_priced(whole, price)
                ours = priced_by_us(book, Entry(model, provider.id, False), tier, at, usage)
                theirs = library.cost_pico(price, usage)
                if not isinstance(ours, Priced) or ours.cost_pico != theirs:
                    wrong.append((provider.id, model.id, tier, usage, ours, theirs))
    assert wrong == []


def test_the_lines_we_compare_with_are_those_of_the_library_s_total() -> None:
    for provider, model in library.all_models()[::11]:
        price = library.model_price(provider, model, TIMES[2])
        usage = library.only_priced(EVERYTHING, price)
        total = price.calc_price(library.library_usage(usage))["total_price"]
        rates = [rate for rate in vars(price).values() if rate is not None]
        assert abs(library.cost_pico(price, usage) - usd_to_pico(total)) <= len(rates)


@settings(max_examples=150)
@given(listed, st.sampled_from(sorted(library.CONTEXTS)), moments_us, usages())
def test_random_calls_cost_what_the_library_says(
    book: PriceBook, place: tuple[Provider, ModelInfo], tier: str, at_us: int, usage: Usage
) -> None:
    provider, model = place
    price = library.model_price(provider, model, moment(at_us), tier)
    usage = library.only_priced(usage, price)
    ours = priced_by_us(book, Entry(model, provider.id, False), tier, moment(at_us), usage)
    assert isinstance(ours, Priced)
    assert ours.cost_pico == library.cost_pico(price, usage)
    assert ours.cost_pico == sum(line.cost_pico for line in ours.lines)


@settings(max_examples=150)
@given(listed, st.lists(moments_us, min_size=2, max_size=4))
def test_a_name_leads_to_the_entry_the_library_finds_at_any_time(
    book: PriceBook, place: tuple[Provider, ModelInfo], times_us: list[int]
) -> None:
    provider, model = place
    theirs = provider.find_model(model.id, all_providers=get_snapshot().providers)
    assume(theirs is not None and theirs in provider.models)
    assert theirs is not None
    for at_us in times_us:
        price = library.model_price(provider, theirs, moment(at_us))
        usage = library.only_priced(EVERYTHING, price)
        found = book.price_for(provider.id, model.id, "", "standard", at_us)
        assert not isinstance(found, Unpriced)
        ours = found.cost(meters(usage), usage.input_tokens or 0, usage.reasoning_tokens or 0)
        assert isinstance(ours, Priced)
        assert ours.cost_pico == library.cost_pico(price, usage)
