"""A call's row: priced, unpriced with its reason, failed or cached, and exact in every column."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taximeter_processor.costing import book as booked
from taximeter_processor.costing import cost
from taximeter_processor.ledger.record import COMMON_METERS, Record
from taximeter_processor.model import Call, Priced, Usage
from taximeter_processor.pricing.book import PriceBook
from tests.support.records import NOON_US

CALL = Call(
    trace_id="0af7651916cd43dd8448eb211c80319c",
    span_id="b7ad6b7169203331",
    parent_span_id="",
    start_us=NOON_US,
    end_us=NOON_US + 900_000,
    emitter="taximeter",
    dialect="taximeter",
    service="api",
    environment="prod",
    feature="search",
    tenant="acme",
    team="growth",
    request_type="interactive",
    provider="openai",
    request_model="gpt-5-mini",
    response_model="gpt-5-mini-2025-08-07",
    operation="chat",
    tier="standard",
    response_id="chatcmpl-1",
    usage=Usage(1312, 84, cache_read_tokens=1152, reasoning_tokens=64),
    usage_status="reported",
    is_error=False,
    is_cache_hit=False,
    reported_cost_pico=None,
)


@pytest.fixture(scope="module")
def book() -> PriceBook:
    return PriceBook.load()


def record(call: Call, book: PriceBook, now_us: int = NOON_US + 2_000_000) -> Record:
    before = now_us - 3_600_000_000
    return booked(call, book, writer="main", now_us=now_us, backfill_before_us=before)


def test_a_priced_call_has_its_meters_and_their_sum(book: PriceBook) -> None:
    row = record(CALL, book)
    assert (row.status, row.model) == ("priced", "gpt-5-mini")
    assert (row.input_quantity, row.input_cost_usd) == (160, 40_000_000)
    assert (row.cache_read_quantity, row.cache_read_cost_usd) == (1152, 28_800_000)
    assert (row.output_quantity, row.output_cost_usd) == (84, 168_000_000)
    assert row.cost_usd == row.first_cost_usd == 236_800_000


def test_list_cost_is_what_it_costs_without_the_cache(book: PriceBook) -> None:
    # 1312 x $0.25 + 84 x $2 a million tokens.
    assert record(CALL, book).list_cost_usd == 496_000_000


def test_what_a_tier_changes_is_kept_apart(book: PriceBook) -> None:
    # Flex halves gpt-5-mini: 160 x 0.125 + 1152 x 0.0125 + 84 x 1 = 0.0001184.
    row = record(CALL._replace(tier="flex"), book)
    assert (row.cost_usd, row.tier_saved_usd) == (118_400_000, 118_400_000)


def test_an_unknown_model_is_unpriced_and_keeps_its_usage(book: PriceBook) -> None:
    row = record(CALL._replace(request_model="x", response_model="who-knows"), book)
    assert (row.status, row.unpriced_reason, row.model) == (
        "unpriced",
        "unknown_model",
        "who-knows",
    )
    assert (row.cost_usd, row.input_quantity, row.input_cost_usd) == (0, 160, 0)


def test_a_call_without_usage_is_unpriced_not_free(book: PriceBook) -> None:
    row = record(CALL._replace(usage=Usage(), usage_status="missing"), book)
    assert (row.status, row.unpriced_reason, row.input_tokens) == ("unpriced", "no_usage", None)


def test_a_failed_call_without_usage_is_failed(book: PriceBook) -> None:
    row = record(CALL._replace(usage=Usage(), usage_status="missing", is_error=True), book)
    assert (row.status, row.unpriced_reason, row.cost_usd) == ("failed", "", 0)


def test_a_failed_call_with_usage_is_paid_for(book: PriceBook) -> None:
    row = record(CALL._replace(is_error=True, usage_status="partial"), book)
    assert (row.status, row.cost_usd) == ("priced", 236_800_000)


def test_estimated_usage_is_never_priced(book: PriceBook) -> None:
    row = record(CALL._replace(usage_status="estimated"), book)
    assert (row.status, row.unpriced_reason) == ("unpriced", "estimated_usage")


def test_a_cached_answer_costs_nothing_and_lists_what_it_avoided(book: PriceBook) -> None:
    row = record(CALL._replace(is_cache_hit=True), book)
    assert (row.status, row.cost_usd, row.list_cost_usd) == ("cached", 0, 236_800_000)
    assert (row.input_cost_usd, row.output_cost_usd) == (0, 0)


@pytest.mark.parametrize("usage", [Usage(), CALL.usage])
def test_a_cached_answer_of_unknown_price_costs_nothing_and_is_not_unpriced(
    book: PriceBook, usage: Usage
) -> None:
    call = CALL._replace(
        is_cache_hit=True, request_model="x", response_model="x", usage=usage,
        usage_status="reported" if usage.input_tokens else "missing",
    )  # fmt: skip
    row = record(call, book)
    assert (row.status, row.unpriced_reason, row.list_cost_usd) == ("cached", "", 0)


def test_rarer_meters_go_into_json(book: PriceBook) -> None:
    usage = CALL.usage._replace(web_search_requests=2)
    row = record(CALL._replace(usage=usage), book)
    # $10 a thousand searches.
    assert row.other_meters == '{"web_search":[2,"0.02"]}'
    assert row.cost_usd == 236_800_000 + 20_000_000_000


def test_a_call_over_an_hour_old_at_arrival_is_a_backfill(book: PriceBook) -> None:
    hour = 3_600_000_000
    assert not record(CALL, book, CALL.end_us + hour).is_backfill
    assert record(CALL, book, CALL.end_us + hour + 1).is_backfill


def test_parts_that_exceed_the_whole_are_refused(book: PriceBook) -> None:
    with pytest.raises(ValueError, match="exceed"):
        record(CALL._replace(usage=Usage(10, 1, cache_read_tokens=11)), book)


@settings(max_examples=200)
@given(
    st.sampled_from(
        [
            ("openai", "gpt-5-mini"),
            ("openai", "gpt-5.4"),
            ("anthropic", "claude-sonnet-4-5"),
            ("deepseek", "deepseek-chat"),
            ("perplexity", "sonar-deep-research"),
            ("openai", "text-embedding-3-small"),
            ("openai", "who-knows"),
        ]
    ),
    st.sampled_from(["standard", "flex", "batch", "priority", "made-up"]),
    st.tuples(*[st.integers(0, 150_000)] * 4),
    st.integers(-365, 365),
)
def test_a_row_says_what_the_lines_say_whichever_way_it_was_priced(
    book: PriceBook,
    place: tuple[str, str],
    tier: str,
    amounts: tuple[int, int, int, int],
    days: int,
) -> None:
    provider, model = place
    uncached, read, written, output = amounts
    call = CALL._replace(
        provider=provider,
        response_model=model,
        tier=tier,
        start_us=NOON_US + days * 86_400_000_000,
        usage=Usage(uncached + read + written, output, read, written),
    )
    row, costed = record(call, book), cost(call, book)
    assert row.status == costed.status
    found = costed.outcome
    if not isinstance(found, Priced):
        assert row.cost_usd == 0
        return
    assert (row.cost_usd, row.list_cost_usd) == (found.cost_pico, found.list_pico)
    assert row.tier_saved_usd == found.standard_pico - found.cost_pico
    assert (row.model, row.price_version, row.price_source) == found[4:]
    by_meter = {line.meter: (line.quantity, line.cost_pico) for line in found.lines}
    for meter in COMMON_METERS:
        stored = getattr(row, f"{meter}_quantity"), getattr(row, f"{meter}_cost_usd")
        assert stored == by_meter.get(meter, (0, 0))
