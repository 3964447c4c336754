"""What the calls of each combination were before and after, on both engines."""

from __future__ import annotations

import pytest

from taximeter_processor.analysis.variance import NOTHING, Amounts
from taximeter_processor.ledger import movements
from taximeter_processor.ledger.filters import Where
from taximeter_processor.ledger.movements import Leaf, changes, grouped
from taximeter_processor.ledger.queries import Window
from taximeter_processor.ledger.store import LedgerStore
from tests.support.records import CALL, NOON_US, call

USD = 10**12
DAY_US = 86_400_000_000
BEFORE = Window("before", NOON_US - DAY_US, NOON_US)
AFTER = Window("after", NOON_US, NOON_US + DAY_US)
NAMES = ("search", "growth", "acme", "interactive", "gpt-5-mini", "prod")


def test_a_combination_s_calls_are_summed_in_each_window(store: LedgerStore) -> None:
    store.append([call(1, start_time=NOON_US - 1), call(2), call(3)])
    once = Amounts(1, 236_800_000, (160, 1152, 0), (40_000_000, 28_800_000, 0), 84, 168_000_000)
    twice = Amounts(2, 473_600_000, (320, 2304, 0), (80_000_000, 57_600_000, 0), 168, 336_000_000)
    assert changes(store, BEFORE, AFTER) == [Leaf(NAMES, once, twice)]


def test_calls_without_a_price_are_in_no_combination(store: LedgerStore) -> None:
    store.append([call(1, status="unpriced", cost_usd=0)])
    assert changes(store, BEFORE, AFTER) == []


def test_an_absent_tag_and_one_called_unknown_are_the_same(store: LedgerStore) -> None:
    store.append([call(1, tenant="", start_time=NOON_US - 1), call(2, tenant="unknown")])
    ((names, before, after),) = changes(store, BEFORE, AFTER)
    assert (names[2], before.calls, after.calls) == ("unknown", 1, 1)


@pytest.mark.parametrize(
    "where",
    [
        Where({"tenant": "acme"}),
        Where({"model": "gpt-5-mini", "team": "growth"}),
        Where(among={"tenant": ["acme", "nobody"]}),
        Where(known_at_us=CALL.ingested_at),
    ],
)
def test_a_filter_holds_for_both_windows(store: LedgerStore, where: Where) -> None:
    late = {"tenant": "initech", "team": "ops", "ingested_at": CALL.ingested_at + 1}
    early = NOON_US - 1
    store.append([call(1), call(2, start_time=early)])
    store.append([call(3, **late), call(4, start_time=early, **late)])
    (leaf,) = changes(store, BEFORE, AFTER, where)
    assert (leaf.names, leaf.before.calls, leaf.after.calls) == (NAMES, 1, 1)


def test_past_the_limit_the_cheapest_keep_the_names_that_are_asked_for(
    store: LedgerStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(movements, "LARGEST", 1)
    costs = [("a", "x", 5), ("a", "y", 2), ("a", "z", 1), ("b", "x", 1)]
    store.append(
        [
            call(number, feature=feature, tenant=tenant, cost_usd=usd * USD)
            for number, (feature, tenant, usd) in enumerate(costs)
        ]
    )
    leaves = changes(store, BEFORE, AFTER, kept=("feature",))
    found = {
        names: (its[0].before, sum(leaf.after.cost for leaf in its))
        for names, its in grouped(leaves, ["feature", "tenant"]).items()
    }
    assert found == {
        ("a", "x"): (NOTHING, 5 * USD),
        ("a", "other"): (NOTHING, 3 * USD),
        ("b", "other"): (NOTHING, 1 * USD),
    }
