"""A tenant's name leaves every row that has it; calls, money and sums stay."""

from __future__ import annotations

from decimal import Decimal

import pytest
from pydantic import SecretStr

from taximeter_processor.credentials import Secret
from taximeter_processor.ledger.erase import erase_slice, erased, would_be_erased
from taximeter_processor.ledger.record import Restatement
from taximeter_processor.ledger.store import LedgerStore
from taximeter_processor.metrics.counters import CostCounters
from taximeter_processor.reports.forget import Question, forget
from taximeter_processor.reports.verify import verify
from taximeter_processor.tagging import hashed
from tests.support.records import CALL, NOON_US, call

LATER_US = NOON_US + 60_000_000
MINUTE_US = 60_000_000


def names(store: LedgerStore, table: str) -> list[str]:
    return [name for (name,) in store.read(f"select tenant from {table} order by tenant")]


def assert_adds_up(store: LedgerStore) -> None:
    counters = CostCounters(birth_hold_seconds=0)
    counters.seed(store, "main")
    proof = verify(store, "main", counters, LATER_US)
    assert proof["ok"], proof


@pytest.fixture
def told_of(store: LedgerStore) -> LedgerStore:
    """A ledger that names acme in a call, a restated one and a duplicate, and globex in a call."""
    theirs = CALL._replace(span_id="f" * 16, emitter="gateway")
    store.append([CALL, call(1, tenant="globex", trace_id="1" * 32, response_id="other")])
    store.append([theirs])
    store.restate([Restatement(CALL._replace(cost_usd=5), "price_changed", LATER_US)])
    return store


def test_the_name_goes_from_calls_first_tellings_and_duplicates(told_of: LedgerStore) -> None:
    done = erase_slice(told_of, ["acme"], 0, LATER_US)
    assert (done.rows, done.next_us) == ({"calls": 1, "first_counted": 1, "duplicates": 1}, None)
    assert names(told_of, "calls") == ["forgotten", "globex"]
    assert names(told_of, "first_counted") == names(told_of, "duplicates") == ["forgotten"]
    assert_adds_up(told_of)


def test_hours_are_of_the_new_name_and_no_row_keeps_the_old_one(told_of: LedgerStore) -> None:
    erase_slice(told_of, ["acme"], 0, LATER_US)
    assert told_of.read("select tenant, requests, cost_usd from hourly order by tenant") == [
        ("forgotten", 1, Decimal("0.000000000005")),
        ("globex", 1, Decimal("0.0002368")),
    ]


def test_two_who_are_forgotten_in_one_hour_are_added_up(told_of: LedgerStore) -> None:
    for tenant in ("acme", "globex"):
        erase_slice(told_of, [tenant], 0, LATER_US)
    assert told_of.read("select tenant, requests from hourly") == [("forgotten", 2)]
    assert_adds_up(told_of)


def test_when_and_how_many_is_kept_and_nothing_that_leads_back(told_of: LedgerStore) -> None:
    erase_slice(told_of, ["acme"], 0, LATER_US)
    rows = told_of.read(
        "select epoch_us(erased_at), calls, first_counted, duplicates from erasures"
    )
    assert rows == [(LATER_US, 1, 1, 1)]
    assert erased(told_of) == (1, LATER_US)


def test_a_name_that_nobody_has_changes_nothing_and_leaves_no_trace(told_of: LedgerStore) -> None:
    done = erase_slice(told_of, ["acm%'; drop table calls; --"], 0, LATER_US)
    assert done.rows == {"calls": 0, "first_counted": 0, "duplicates": 0}
    assert erased(told_of) == (0, None)


def test_it_is_told_before_it_is_done(told_of: LedgerStore) -> None:
    assert would_be_erased(told_of, ["acme"]) == erase_slice(told_of, ["acme"], 0, LATER_US)


def test_a_repeat_of_a_forgotten_call_does_not_bring_the_name_back(told_of: LedgerStore) -> None:
    erase_slice(told_of, ["acme"], 0, LATER_US)
    assert told_of.append([CALL]) == []
    assert names(told_of, "calls") == ["forgotten", "globex"]


def test_slices_go_on_from_where_the_last_one_ended(store: LedgerStore) -> None:
    store.append([call(n, start_time=NOON_US + n * MINUTE_US // 2) for n in range(10)])
    since_us, counts = 0, []
    while since_us is not None:
        done = erase_slice(store, ["acme"], since_us, LATER_US, most=4)
        since_us = done.next_us  # type: ignore[assignment]
        counts.append(done.rows["calls"])
    assert counts == [4, 4, 2]
    assert names(store, "calls") == ["forgotten"] * 10
    assert_adds_up(store)


def test_a_tenant_is_forgotten_under_its_name_and_its_hash(store: LedgerStore) -> None:
    key = Secret(value=SecretStr("0123456789abcdef"))
    acme = hashed("acme", b"0123456789abcdef")
    store.append([CALL, call(1, tenant=acme), call(2, tenant=hashed("globex", b"0" * 16))])
    told = forget(store, Question("acme", dry_run=True), LATER_US, key)
    assert told["rows"]["calls"] == 2
    assert forget(store, Question("acme"), LATER_US, key)["rows"]["calls"] == 2
    assert names(store, "calls").count("forgotten") == 2
    assert_adds_up(store)


def test_a_hash_may_be_named_itself(store: LedgerStore) -> None:
    acme = hashed("acme", b"0123456789abcdef")
    store.append([call(1, tenant=acme)])
    key = Secret(value=SecretStr("0123456789abcdef"))
    assert forget(store, Question(acme), LATER_US, key)["rows"]["calls"] == 1
