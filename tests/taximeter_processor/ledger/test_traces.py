"""A trace as the ledger holds it: its calls, what tells of them once more, and every change."""

from __future__ import annotations

import pytest

from taximeter_processor.ledger import traces
from taximeter_processor.ledger.record import Restatement, key_of
from taximeter_processor.ledger.store import LedgerStore
from taximeter_processor.ledger.traces import CostChange, trace
from tests.support.records import CALL, NOON_US, call, calls
from tests.taximeter_processor.ledger.conftest import Reopen
from tests.taximeter_processor.ledger.test_identity import (
    FIRST,
    INNER,
    OUTER,
    SECOND,
    SUM,
    append_apart,
)

HERE = CALL.trace_id
OTHER = "e" * 32


def test_calls_come_oldest_first_with_their_number_and_sum(store: LedgerStore) -> None:
    store.append([call(0, start_time=NOON_US + 9), call(1), call(2, trace_id=OTHER)])
    found = trace(store, HERE)
    assert [record.span_id[-1] for record in found.calls] == ["2", "1"]
    assert (found.total_calls, found.cost_pico, found.is_truncated) == (2, 473_600_000, False)


def test_a_row_comes_back_as_it_was_stored(store: LedgerStore) -> None:
    record = call(0, other_meters='{"web_search":[1,"0.01"]}', raw_usage='{"a":1}')
    store.append([record])
    assert trace(store, HERE).calls == [record]


def test_one_span_can_be_asked_for(store: LedgerStore) -> None:
    store.append(calls(3))
    found = trace(store, HERE, f"{2:016x}")
    assert [record.span_id for record in found.calls] == [f"{2:016x}"]
    assert found.total_calls == 1


def test_an_unknown_trace_is_empty(store: LedgerStore) -> None:
    store.append(calls(1))
    found = trace(store, OTHER)
    assert (found.calls, found.total_calls, found.cost_pico) == ([], 0, 0)
    assert (found.duplicates, found.changes) == ([], {})


def test_another_telling_names_the_call_that_counts(store: LedgerStore) -> None:
    store.append([OUTER, INNER])
    (duplicate,) = trace(store, HERE).duplicates
    assert (duplicate.record.span_id, duplicate.reason) == (OUTER.span_id, "told_twice")
    assert duplicate.of == key_of(INNER)


def test_a_telling_in_another_trace_is_told_on_both_sides(reopen: Reopen) -> None:
    gateway = OUTER._replace(trace_id=OTHER, emitter="litellm")
    store = append_apart(reopen, INNER, gateway)
    assert [one.record.trace_id for one in trace(store, HERE).duplicates] == [OTHER]
    there = trace(store, OTHER)
    assert (there.calls, [one.of for one in there.duplicates]) == ([], [key_of(INNER)])


def test_a_telling_of_what_became_a_sum_is_told_of_the_call_that_counts(reopen: Reopen) -> None:
    sum_again = SUM._replace(span_id="7" * 16, emitter="gateway", start_time=NOON_US + 1)
    store = append_apart(reopen, SUM, sum_again, FIRST, SECOND)
    found = trace(store, HERE)
    counted = {key_of(record) for record in found.calls}
    assert {one.record.span_id[0] for one in found.duplicates} == {"7", "9"}
    assert {one.of for one in found.duplicates} <= counted


def test_a_span_is_told_with_its_own_tellings_alone(reopen: Reopen) -> None:
    store = append_apart(reopen, OUTER, INNER, call(7, start_time=NOON_US + 5_000_000))
    assert trace(store, HERE, f"{8:016x}").duplicates == []
    assert len(trace(store, HERE, OUTER.span_id).duplicates) == 1


def test_changes_are_told_with_time_reason_and_both_amounts(store: LedgerStore) -> None:
    store.append([CALL])
    store.restate([Restatement(CALL._replace(cost_usd=5), "price_changed", NOON_US + 7)])
    store.restate([Restatement(CALL._replace(cost_usd=6), "price_changed", NOON_US + 8)])
    assert trace(store, HERE).changes == {
        key_of(CALL): [
            CostChange(NOON_US + 7, "price_changed", 236_800_000, 5, "main"),
            CostChange(NOON_US + 8, "price_changed", 5, 6, "main"),
        ]
    }


def test_a_trace_that_is_too_long_is_cut_and_says_so(
    store: LedgerStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traces, "MOST_CALLS", 2)
    store.append(calls(3))
    found = trace(store, HERE)
    assert (len(found.calls), found.total_calls, found.is_truncated) == (2, 3, True)
    assert found.cost_pico == 3 * 236_800_000
