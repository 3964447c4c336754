"""What moved, as the daily view says it: worked out by hand, and the same as the metric."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest

from taximeter_processor import names
from taximeter_processor.ledger.duckdb_store import DuckDBStore
from taximeter_processor.ledger.record import Record
from taximeter_processor.metrics.movers import moved as metric
from taximeter_processor.money import PICO_PER_USD as USD
from taximeter_processor.people import Owner
from taximeter_processor.reports.causes import CENT_PICO
from taximeter_processor.settings import Settings
from taximeter_processor.web.sections.moved import Amount, WhatMoved, moved
from taximeter_processor.web.sections.subject import Subject
from taximeter_processor.web.view import parse
from tests.taximeter_processor.metrics.ledger_gauges import spent

NOW = datetime(2026, 11, 18, 13, tzinfo=timezone.utc)
WEEK_BEFORE, YESTERDAY = "2026-11-10 12:00", "2026-11-17 12:00"
SETTINGS = Settings(
    owners=(Owner(name="alice", features=("chat",)), Owner(name="bob", teams=("growth",)))
)
MINUS = "\N{MINUS SIGN}"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[DuckDBStore]:
    store = DuckDBStore(tmp_path / "l.duckdb")
    yield store
    store.close()


def of(ledger: DuckDBStore, **query: str) -> WhatMoved:
    return moved(Subject(ledger, SETTINGS, parse(query, NOW, SETTINGS.zone)))


def week(first: int, when: str, count: int, usd: float, **changes: object) -> list[Record]:
    """Calls of 100 tokens each."""
    return [spent(first + number, when, usd, **changes) for number in range(count)]


def by_hand() -> list[Record]:
    """Twice the calls at twice the price and a new model in chat; dearer calls in search."""
    return [
        # $10 -> $40: more calls and the price would each add $10 alone; half of the rest is each's.
        *week(0, WEEK_BEFORE, 10, 1, feature="chat"),
        *week(20, YESTERDAY, 20, 2, feature="chat"),
        *week(50, YESTERDAY, 1, 5, feature="chat", model="gpt-5"),
        # As many calls, 5 of 20 of them at $3 instead of $1.
        *week(60, WEEK_BEFORE, 10, 1, tenant="a"),
        *week(70, WEEK_BEFORE, 10, 3, tenant="b"),
        *week(80, YESTERDAY, 5, 1, tenant="a"),
        *week(90, YESTERDAY, 15, 3, tenant="b"),
    ]


def test_a_change_is_told_by_its_drivers_in_plain_words(ledger: DuckDBStore) -> None:
    ledger.append(by_hand())
    found = of(ledger)
    chat, search = found.rows
    assert (chat.mover.feature, chat.owner, chat.change) == (
        "chat", "alice", Amount(35 * USD, 35 * USD),
    )  # fmt: skip
    assert chat.sentence == "more calls (+$15.00), higher prices (+$15.00)"
    assert (search.mover.feature, search.owner, search.mover.tenant) == ("search", "bob", "b")
    assert search.sentence == "dearer mix of calls (+$10.00)"
    assert found.drivers == ("volume", "mix", "price", "new")
    assert (found.total_pico, found.total) == (95 * USD, Amount(45 * USD, 45 * USD))


def test_the_page_and_the_metric_agree(ledger: DuckDBStore) -> None:
    ledger.append(by_hand())
    on_page = {
        (row.mover.feature, name): part.exact / USD
        for row in of(ledger).rows
        for name, part in row.causes.items()
        if part.exact
    }
    by_feature, _ = metric(ledger, SETTINGS, NOW)
    as_metric = {
        (sample.labels["feature"], sample.labels["driver"]): sample.value
        for sample in by_feature.samples
        if sample.labels["window"] == "yesterday"
    }
    assert by_feature.name == names.SPEND_CHANGE.name
    assert on_page == as_metric == {
        ("chat", "volume"): 15, ("chat", "price"): 15, ("chat", "new"): 5, ("search", "mix"): 10,
    }  # fmt: skip


def test_a_second_driver_is_named_when_it_is_half_as_large(ledger: DuckDBStore) -> None:
    ledger.append(
        [
            *week(0, WEEK_BEFORE, 1, 4, model="old"),
            *week(1, YESTERDAY, 1, 2, model="new"),
        ]
    )
    (row,) = of(ledger).rows
    assert row.sentence == f"kinds of calls that ended ({MINUS}$4.00), new kinds of calls (+$2.00)"


def test_shown_cents_add_up_to_the_shown_differences(ledger: DuckDBStore) -> None:
    # Three features grow by 1.4 cents: 4.2 in all, so one of them is shown with 2.
    for number, feature in enumerate("abc"):
        ledger.append(week(number, YESTERDAY, 1, 0.014, feature=feature))
    found = of(ledger)
    assert found.total == Amount(42 * 10**9, 4 * CENT_PICO)
    assert [row.change.shown // CENT_PICO for row in found.rows] == [2, 1, 1]
    for row in found.rows:
        assert sum(part.shown for part in row.causes.values()) == row.change.shown
        assert sum(part.exact for part in row.causes.values()) == row.change.exact


def test_features_past_the_most_are_one_line_so_that_the_rows_add_up(ledger: DuckDBStore) -> None:
    for number in range(8):
        ledger.append(week(number, YESTERDAY, 1, 8 - number, feature=f"f{number}"))
    found = of(ledger)
    assert len(found.rows) == 6
    assert (found.rest_pico, found.rest) == (3 * USD, Amount(3 * USD, 3 * USD))
    assert found.total == Amount(36 * USD, 36 * USD)


def test_less_than_a_cent_is_no_news(ledger: DuckDBStore) -> None:
    ledger.append(week(0, YESTERDAY, 1, 0.009))
    found = of(ledger)
    assert (found.rows, found.rest) == ((), Amount(9 * 10**9, CENT_PICO))


def test_calls_without_a_price_stand_beside_and_are_no_change(ledger: DuckDBStore) -> None:
    unpriced = {"status": "unpriced", "unpriced_reason": "unknown_model"}
    ledger.append([*week(0, YESTERDAY, 1, 2), *week(1, YESTERDAY, 3, 0, **unpriced)])
    found = of(ledger)
    (row,) = found.rows
    assert (row.mover.unpriced, found.unpriced) == ((0, 3), (0, 3))
    assert row.sentence == "new kinds of calls (+$2.00)"


def test_filters_hold_for_what_moved(ledger: DuckDBStore) -> None:
    ledger.append(by_hand())
    found = of(ledger, tenant="b")
    (row,) = found.rows
    # 10 calls at $3 became 15.
    assert row.sentence == "more calls (+$15.00)"
    assert found.total == Amount(15 * USD, 15 * USD)
