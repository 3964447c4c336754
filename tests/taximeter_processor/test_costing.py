"""A call's row: priced, unpriced with its reason, failed or cached, and exact in every column."""

from __future__ import annotations

import pytest

from taximeter_processor.costing import cost, to_record
from taximeter_processor.ledger.record import Record
from taximeter_processor.model import Call, Usage
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
    costed = cost(call, book)
    return to_record(
        costed, writer="main", now_us=now_us, backfill_before_us=now_us - 3_600_000_000
    )


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
        cost(CALL._replace(usage=Usage(10, 1, cache_read_tokens=11)), book)
