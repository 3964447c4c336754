"""Two price books on one usage: the dollars between them, exact across every boundary."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from genai_prices.data_snapshot import DataSnapshot, set_custom_snapshot
from hypothesis import given, settings
from hypothesis import strategies as st

from taximeter_processor.ledger.duckdb_store import DuckDBStore
from taximeter_processor.ledger.record import Record
from taximeter_processor.ledger.usage import usage_sums
from taximeter_processor.model import Priced, Quantity, Unpriced
from taximeter_processor.pricing.book import PriceBook
from taximeter_processor.pricing.overrides import PriceOverride
from taximeter_processor.reports.price_diff import Difference, ModelName, compare, cuts
from tests.support.records import call
from tests.taximeter_processor.pricing.calls import us
from tests.taximeter_processor.pricing.small_list import PROVIDERS

START, END = us("2026-05-20"), us("2026-06-20")
MODELS = ("text", "long", "dated", "nightly", "unheard-of")


def small_book(*overrides: str) -> PriceBook:
    set_custom_snapshot(DataSnapshot(providers=PROVIDERS, from_auto_update=False))
    try:
        return PriceBook.load([PriceOverride.model_validate(yaml.safe_load(o)) for o in overrides])
    finally:
        set_custom_snapshot(None)


LISTED = small_book()
NEGOTIATED = small_book(
    "{model: text, from: 2026-06-01, hours: '08:00-20:00', percent: -15}",
    "{model: text, rates: {input: 0.2, output: 1}, above: {100000: {input: 0.3}}}",
    "{model: unheard-of, from: 2026-06-10, rates: {input: 1, output: 1}, fees: {request: 0.01}}",
)


def used(number: int, model: str, start_us: int, inputs: int, outputs: int) -> Record:
    return call(
        number,
        start_time=start_us,
        response_model=model,
        request_model="",
        input_tokens=inputs,
        input_quantity=inputs,
        cache_read_quantity=0,
        output_quantity=outputs,
        reasoning_tokens=None,
    )


def one_by_one(book: PriceBook, rows: list[Record]) -> tuple[int, int]:
    """(pico-USD, calls without a price)."""
    total = unpriced = 0
    for row in rows:
        quantities = (
            Quantity("input", row.input_quantity),
            Quantity("output", row.output_quantity),
        )
        found = book.price(
            provider=row.provider,
            response_model=row.response_model,
            request_model="",
            tier="standard",
            start_us=row.start_time,
            quantities=tuple(quantity for quantity in quantities if quantity.quantity),
            input_tokens=row.input_tokens or 0,
        )
        total += found.cost_pico if isinstance(found, Priced) else 0
        unpriced += isinstance(found, Unpriced)
    return total, unpriced


rows = st.lists(
    st.tuples(
        st.sampled_from(MODELS),
        st.integers(START, END - 1),
        st.sampled_from((1, 99_999, 100_000, 100_001, 200_000, 200_001)),
        st.integers(0, 500),
    ),
    min_size=1,
    max_size=40,
)


@settings(max_examples=25)
@given(rows)
def test_the_difference_of_sums_is_that_of_the_calls(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[tuple[str, int, int, int]]
) -> None:
    calls = [
        used(number, model, start, inputs, outputs if model != "nightly" else 0)
        for number, (model, start, inputs, outputs) in enumerate(drawn)
    ]
    store = DuckDBStore(tmp_path_factory.mktemp("diff") / "l.duckdb")
    store.append(calls)
    names = [ModelName("openai", model, "", "standard") for model in MODELS]
    places = cuts((LISTED, NEGOTIATED), names, START, END)
    found = compare(LISTED, NEGOTIATED, usage_sums(store, START, END, places)).values()
    store.close()
    before = sum(d.before_pico for d in found), sum(d.unpriced_before for d in found)
    after = sum(d.after_pico for d in found), sum(d.unpriced_after for d in found)
    assert before == one_by_one(LISTED, calls)
    assert after == one_by_one(NEGOTIATED, calls)


def test_the_largest_change_comes_first_and_no_change_says_so(tmp_path: Path) -> None:
    store = DuckDBStore(tmp_path / "l.duckdb")
    noon = us("2026-06-15T12:00:00")
    store.append([used(0, "text", noon, 1000, 0), used(1, "unheard-of", noon, 1000, 0)])
    store.append([used(2, "dated", noon, 1000, 0)])
    names = [ModelName("openai", model, "", "standard") for model in MODELS]
    places = cuts((LISTED, NEGOTIATED), names, START, END)
    found = compare(LISTED, NEGOTIATED, usage_sums(store, START, END, places))
    store.close()
    # unheard-of: 1000 × $1 a million and $0.01. text: -15 % of $0.25 a million, in its hours.
    assert list(found.items()) == [
        (("openai", "unheard-of", "standard"), Difference(1, 1, 0, 0, 11_000_000_000)),
        (("openai", "text", "standard"), Difference(1, 0, 0, 250_000_000, 212_500_000)),
        (("openai", "dated", "standard"), Difference(1, 0, 0, 2_000_000_000, 2_000_000_000)),
    ]
    assert [difference.is_none for difference in found.values()] == [False, False, True]
