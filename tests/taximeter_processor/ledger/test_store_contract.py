"""What every ledger engine promises."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taximeter_processor.ledger.record import Record
from taximeter_processor.ledger.store import LedgerStore
from tests.support.records import CALL, NOON_US, call, calls
from tests.taximeter_processor.ledger.conftest import Reopen

COUNT_AND_SUM = "select count(*), sum(cost_usd) from calls"
HOUR_US = 3_600_000_000


def test_a_new_row_is_stored_exactly(store: LedgerStore) -> None:
    store.append([CALL])
    (row,) = store.read("select cost_usd, tenant, cache_write_tokens, other_meters from calls")
    assert row == (Decimal("0.000236800000"), "acme", None, None)


def test_money_keeps_the_last_pico_dollar_of_large_and_negative_amounts(store: LedgerStore) -> None:
    large = 123_456_789_012_345_678_901_234
    store.append([call(1, cost_usd=large, tier_saved_usd=-1)])
    (row,) = store.read("select cost_usd, tier_saved_usd from calls")
    assert row == (Decimal("123456789012.345678901234"), Decimal("-0.000000000001"))


def test_times_are_kept_to_the_microsecond(store: LedgerStore) -> None:
    store.append([call(1, start_time=NOON_US + 123_457)])
    assert store.read("select epoch_us(start_time) from calls") == [(NOON_US + 123_457,)]


def test_append_returns_the_rows_that_were_new(store: LedgerStore) -> None:
    first, second = calls(2)
    assert store.append([first]) == [first]
    assert store.append([first, second]) == [second]


def test_a_key_repeated_inside_one_batch_is_stored_once(store: LedgerStore) -> None:
    assert store.append([CALL, CALL, CALL]) == [CALL]
    assert store.read(COUNT_AND_SUM) == [(1, Decimal("0.0002368"))]


def test_the_first_of_a_repeated_key_wins(store: LedgerStore) -> None:
    store.append([CALL, CALL._replace(cost_usd=1)])
    assert store.read(COUNT_AND_SUM) == [(1, Decimal("0.0002368"))]


def test_the_same_span_id_in_another_trace_or_at_another_time_is_another_call(
    store: LedgerStore,
) -> None:
    other_trace = CALL._replace(trace_id="f" * 32)
    other_time = CALL._replace(start_time=NOON_US + 1)
    assert len(store.append([CALL, other_trace, other_time])) == 3


def test_a_repeat_is_recognised_after_the_ledger_was_reopened(reopen: Reopen) -> None:
    reopen().append([CALL])
    assert reopen().append([CALL]) == []


def test_a_batch_that_spans_weeks_finds_its_repeats(store: LedgerStore) -> None:
    spread = [call(n, start_time=NOON_US - n * 7 * 24 * HOUR_US) for n in range(80)]
    store.append(spread)
    assert store.append([*reversed(spread), call(99)]) == [call(99)]


def test_an_empty_append_changes_nothing(store: LedgerStore) -> None:
    assert store.append([]) == []
    assert store.read(COUNT_AND_SUM) == [(0, None)]


def test_hostile_text_is_data(store: LedgerStore) -> None:
    hostile = "'; drop table calls; -- \" </script> \n\t\\ ünï 🚕"
    store.append([call(1, feature=hostile)])
    assert store.read("select count(*) from calls where feature = ?", [hostile]) == [(1,)]


@given(st.lists(st.integers(0, 30), max_size=60), st.integers(1, 7))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_however_deliveries_repeat_and_split_each_call_counts_once(
    store: LedgerStore, deliveries: list[int], size: int
) -> None:
    before = {row[0] for row in store.read("select span_id from calls")}
    returned: list[Record] = []
    for start in range(0, len(deliveries), size):
        returned += store.append([call(n) for n in deliveries[start : start + size]])
    after = [row[0] for row in store.read("select span_id from calls")]
    assert len(after) == len(set(after))
    assert {r.span_id for r in returned} == {call(n).span_id for n in deliveries} - before
