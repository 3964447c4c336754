"""Dollars on the panels against the ledger's rows, over a day with sparse traffic.

On that day two features are born, one with a single batch of $6, one processor restarts, and
another joins: every one of its series is born. Gauges must be equal; counters within 0.1 %.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import pytest

from taximeter_processor.ledger.record import Record
from taximeter_processor.names import UNKNOWN_VALUE
from taximeter_processor.periods import to_us
from tests.dashboards.answers import Target, ask, board, targets
from tests.dashboards.history import DAY, HOUR, HistoryServer
from tests.dashboards.workload import NOW

TODAY = NOW.replace(hour=0)
MONTH = TODAY.replace(day=1)
LAST_MONTH = MONTH.replace(month=10)
FOREVER = NOW + 365 * DAY
EXACT = 1e-9
COUNTED = 1e-3

Records = Sequence[Record]
Value = Callable[[Records], float]


def usd(records: Records, column: str = "cost_usd") -> float:
    return sum(int(getattr(record, column)) for record in records) / 10**12


def began(records: Records, start: datetime, end: datetime = FOREVER) -> list[Record]:
    return [r for r in records if to_us(start) <= r.start_time < to_us(end)]


def having(records: Records, **tags: str) -> list[Record]:
    return [r for r in records if all(getattr(r, name) == tags[name] for name in tags)]


def by(records: Records, label: str, column: str = "cost_usd") -> dict[str, float]:
    """Dollars by a label's value as metrics show it."""
    found: dict[str, list[Record]] = {}
    for record in records:
        found.setdefault(getattr(record, label) or UNKNOWN_VALUE, []).append(record)
    return {value: usd(group, column) for value, group in found.items()}


def shown(
    history: HistoryServer, uid: str, title: str, number: int = 0
) -> list[tuple[dict[str, str], float]]:
    """Labels and last value of what a panel's query (counted from 0) shows."""
    target = _target(uid, title, number)
    return [(dict(found.labels), found.points[-1][1]) for found in ask(history, target)]


def _target(uid: str, title: str, number: int) -> Target:
    asked = [t for t in targets(board(f"taximeter-{uid}")) if t.panel["title"] == title]
    return asked[number]


def summed(found: list[tuple[dict[str, str], float]], label: str) -> dict[str, float]:
    sums: dict[str, float] = {}
    for labels, value in found:
        sums[labels[label]] = sums.get(labels[label], 0.0) + value
    return sums


def a_day(records: Records) -> list[Record]:
    """The rows that arrived in the last 24 hours."""
    return [r for r in records if to_us(NOW - DAY) < r.ingested_at <= to_us(NOW)]


def last_week(records: Records) -> list[Record]:
    return began(records, TODAY - 7 * DAY, NOW - 7 * DAY)


def run_rate(records: Records) -> float:
    week = usd(began(records, TODAY - 7 * DAY, TODAY))
    left = (datetime(2026, 12, 1, tzinfo=NOW.tzinfo) - NOW) / DAY
    return usd(began(records, MONTH)) + week / 7 * left


NUMBERS: list[tuple[str, str, int, Value]] = [
    ("daily", "Spend today", 0, lambda r: usd(began(r, TODAY))),
    (
        "daily",
        "Against the same time yesterday",
        0,
        lambda r: usd(began(r, TODAY - DAY, NOW - DAY)),
    ),
    ("daily", "Against the same time last week", 0, lambda r: usd(last_week(r))),
    (
        "daily",
        "Against the same time last week",
        1,
        lambda r: usd(began(r, TODAY)) / usd(last_week(r)) - 1,
    ),
    ("daily", "Month to date", 0, lambda r: usd(began(r, MONTH))),
    ("daily", "Month to date", 1, run_rate),
    ("daily", "Month to date", 2, lambda r: usd(began(r, LAST_MONTH, MONTH))),
    ("daily", "Calls today", 0, lambda r: len(began(r, TODAY))),
    (
        "daily",
        "Calls today",
        1,
        lambda r: usd(began(r, TODAY)) / len(having(began(r, TODAY), status="priced")),
    ),
    (
        "daily",
        "Untagged spend today",
        0,
        lambda r: usd(having(began(r, TODAY), team="")) / usd(began(r, TODAY)),
    ),
    (
        "feature",
        "Paid for errors",
        0,
        lambda r: usd(having(began(r, TODAY), usage_status="partial")),
    ),
    (
        "feature",
        "Paid for errors",
        1,
        lambda r: usd(having(began(r, MONTH), usage_status="partial")),
    ),
    (
        "feature",
        "Errors today",
        0,
        lambda r: len(having(began(r, TODAY), status="failed")) / len(began(r, TODAY)),
    ),
    (
        "feature",
        "Errors today",
        1,
        lambda r: usd(having(began(r, TODAY), usage_status="partial")) / usd(began(r, TODAY)),
    ),
    ("feature", "Spend today", 1, lambda r: usd(began(r, TODAY - DAY, TODAY))),
    ("tenants", "Spend of these tenants", 1, lambda r: usd(began(r, MONTH))),
    ("tenants", "Spend of the last hour", 0, lambda r: usd(began(r, NOW - HOUR))),
    (
        "tenants",
        "Without a tenant",
        0,
        lambda r: usd(having(began(r, MONTH), tenant="")) / usd(began(r, MONTH)),
    ),
    (
        "budgets",
        "Nobody's spend",
        0,
        lambda r: (
            sum(by(began(r, MONTH), "feature")[name] for name in ("audit", "backfill-embeddings"))
            / usd(began(r, MONTH))
        ),
    ),
    ("meter", "Cost in the ledger", 0, usd),
    ("meter", "Ledger less counters", 0, lambda r: 0.0),
]


@pytest.mark.parametrize(
    ("uid", "title", "number", "expected"),
    NUMBERS,
    ids=[f"{n[0]}, {n[1]}, {n[2]}" for n in NUMBERS],
)
def test_a_number_of_money_is_the_ledger_s_own(
    history: HistoryServer, records: Records, uid: str, title: str, number: int, expected: Value
) -> None:
    ((_, value),) = shown(history, uid, title, number)
    assert value == pytest.approx(expected(records), rel=EXACT, abs=1e-9)


TABLES: list[tuple[str, str, int, str, Callable[[Records], Records]]] = [
    ("daily", "Cost by feature", 0, "feature", lambda r: began(r, TODAY)),
    ("daily", "Cost by feature", 1, "feature", last_week),
    ("daily", "Cost by feature", 2, "feature", lambda r: began(r, TODAY - DAY, TODAY)),
    ("daily", "Cost by feature", 3, "feature", lambda r: began(r, MONTH)),
    ("daily", "Cost by tenant", 0, "tenant", lambda r: began(r, TODAY)),
    ("daily", "Cost by tenant", 2, "tenant", lambda r: began(r, MONTH)),
    ("daily", "Cost by team today", 0, "team", lambda r: began(r, TODAY)),
    ("daily", "Cost by request type today", 0, "request_type", lambda r: began(r, TODAY)),
    ("daily", "Cost by model today", 0, "model", lambda r: began(r, TODAY)),
    ("feature", "Who answers for it", 0, "feature", lambda r: began(r, MONTH)),
    ("feature", "Spend by provider and tier", 0, "service_tier", lambda r: began(r, MONTH)),
    (
        "feature",
        "Spend by provider and tier",
        1,
        "service_tier",
        lambda r: began(r, TODAY - DAY, TODAY),
    ),
    ("feature", "Spend by provider and tier", 2, "provider", lambda r: began(r, TODAY)),
    (
        "feature",
        "Errors by feature",
        0,
        "feature",
        lambda r: having(began(r, MONTH), usage_status="partial"),
    ),
    (
        "feature",
        "Errors by feature",
        1,
        "feature",
        lambda r: having(began(r, TODAY), usage_status="partial"),
    ),
    ("tenants", "Cost by tenant", 2, "tenant", lambda r: began(r, TODAY - DAY, TODAY)),
    ("budgets", "Month by feature", 1, "feature", lambda r: began(r, MONTH)),
    ("budgets", "Month by feature", 2, "feature", lambda r: began(r, LAST_MONTH, MONTH)),
]


@pytest.mark.parametrize(
    ("uid", "title", "number", "label", "chosen"),
    TABLES,
    ids=[f"{t[0]}, {t[1]}, {t[2]}" for t in TABLES],
)
def test_rows_of_money_are_the_ledger_s_own(
    history: HistoryServer,
    records: Records,
    uid: str,
    title: str,
    number: int,
    label: str,
    chosen: Callable[[Records], Records],
) -> None:
    found = summed(shown(history, uid, title, number), label)
    expected = by(chosen(records), label)
    assert {name: value for name, value in found.items() if value} == pytest.approx(
        {name: value for name, value in expected.items() if value}, rel=EXACT
    )


def test_calls_without_a_price_are_counted_beside_the_amounts(
    history: HistoryServer, records: Records
) -> None:
    unpriced = having(began(records, TODAY), status="unpriced")
    found = summed(shown(history, "daily", "Cost by feature", 4), "feature")
    features = {record.feature for record in unpriced}
    assert found == {name: len(having(unpriced, feature=name)) for name in features}


@pytest.mark.parametrize(
    "feature", ["support-chat", "audit", "translations", "backfill-embeddings"]
)
def test_counters_rise_by_what_a_feature_cost_in_a_day_births_and_restarts_included(
    history: HistoryServer, records: Records, feature: str
) -> None:
    expr = f'sum(increase(taximeter_cost_usd_total{{feature="{feature}"}}[24h]))'
    (found,) = history.at(expr)
    expected = usd(having(a_day(records), feature=feature))
    assert found.points[-1][1] == pytest.approx(expected, rel=COUNTED)


def test_cost_by_meter_is_the_cost_of_the_day(history: HistoryServer, records: Records) -> None:
    found = summed(shown(history, "feature", "Cost by meter"), "meter")
    assert sum(found.values()) == pytest.approx(usd(a_day(records)), rel=COUNTED)
    for meter in ("input", "cache_read", "output"):
        expected = usd(a_day(records), f"{meter}_cost_usd")
        assert found[meter] == pytest.approx(expected, rel=COUNTED)


def test_saved_and_extra_are_what_rows_say_against_the_plain_price(
    history: HistoryServer, records: Records
) -> None:
    day = a_day(records)
    saved = summed(shown(history, "feature", "Saved and extra, by source", 0), "source")
    extra = summed(shown(history, "feature", "Saved and extra, by source", 1), "source")
    tiers = [record.tier_saved_usd / 10**12 for record in day]
    cached = having(day, status="cached")
    assert saved["tier"] == pytest.approx(sum(t for t in tiers if t > 0), rel=COUNTED)
    assert extra == {"tier": pytest.approx(-sum(t for t in tiers if t < 0), rel=COUNTED)}
    assert saved["response_cache"] == pytest.approx(usd(cached, "list_cost_usd"), rel=COUNTED)
    paid = [record for record in day if record.status != "cached"]
    read = usd(paid, "list_cost_usd") - usd(paid) - sum(tiers)
    assert saved["prompt_cache"] == pytest.approx(read, rel=COUNTED)


def test_each_day_of_a_month_is_drawn_with_its_exact_total(
    history: HistoryServer, records: Records
) -> None:
    target = _target("daily", "Spend by day and feature", 0)
    drawn: dict[float, float] = {}
    for found in ask(history, target):
        for at, value in found.points:
            drawn[at] = drawn.get(at, 0.0) + value
    days = [TODAY - back * DAY for back in range(1, 30)]
    expected = {day.timestamp(): usd(began(records, day, day + DAY)) for day in days}
    assert {at: drawn[at] for at in expected} == pytest.approx(expected, rel=EXACT)


@pytest.mark.parametrize(
    ("title", "label", "tags"),
    [
        ("Spend by day and tier", "service_tier", {}),
        ("Paid for errors by day and feature", "feature", {"usage_status": "partial"}),
    ],
)
def test_days_of_the_feature_board_are_exact_too(
    history: HistoryServer, records: Records, title: str, label: str, tags: dict[str, str]
) -> None:
    yesterday = TODAY - DAY
    drawn = {
        found.labels[label]: dict(found.points).get(yesterday.timestamp(), 0.0)
        for found in ask(history, _target("feature", title, 0))
    }
    expected = by(having(began(records, yesterday, TODAY), **tags), label)
    assert expected
    assert {name: drawn[name] for name in expected} == pytest.approx(expected, rel=EXACT)


def test_shares_of_tiers_are_those_of_the_month_s_spend_and_add_up_to_one(
    history: HistoryServer, records: Records
) -> None:
    found = summed(shown(history, "feature", "Share of spend by tier, this month"), "service_tier")
    month = began(records, MONTH)
    assert found == pytest.approx(
        {tier: spent / usd(month) for tier, spent in by(month, "service_tier").items()}, rel=EXACT
    )
    assert sum(found.values()) == pytest.approx(1)


def test_shares_of_errors_are_told_for_each_feature(
    history: HistoryServer, records: Records
) -> None:
    today = having(began(records, TODAY), feature="product-search")
    paid = having(today, usage_status="partial")
    failed = having(today, status="failed")
    expected = {
        2: usd(paid) / usd(today),
        3: len(failed),
        4: len(failed) / len(today),
    }
    for number, value in expected.items():
        found = summed(shown(history, "feature", "Errors by feature", number), "feature")
        assert found["product-search"] == pytest.approx(value, rel=EXACT)


def test_what_moved_adds_up_to_how_today_differs_from_last_week(
    history: HistoryServer, records: Records
) -> None:
    causes = sum(value for _, value in shown(history, "daily", "What moved spend", 0))
    priced = [
        having(chosen, status="priced") for chosen in (began(records, TODAY), last_week(records))
    ]
    change = usd(priced[0]) - usd(priced[1])
    assert causes == pytest.approx(change, abs=1e-9)
    movers = summed(shown(history, "daily", "Top movers", 0), "feature")
    assert sum(movers.values()) == pytest.approx(change, abs=1e-9)
    assert movers["backfill-embeddings"] == pytest.approx(6)
    tenants = summed(shown(history, "tenants", "Top movers", 0), "tenant")
    assert sum(tenants.values()) == pytest.approx(change, abs=1e-9)


def test_budgets_show_what_is_spent_and_where_it_will_end(
    history: HistoryServer, records: Records
) -> None:
    spent = summed(shown(history, "budgets", "Budgets", 1), "budget")
    assert spent == pytest.approx(
        {
            "everything": usd(began(records, MONTH)),
            "support-chat": usd(having(began(records, MONTH), feature="support-chat")),
            "growth, daily": usd(having(began(records, TODAY), team="growth")),
        },
        rel=EXACT,
    )
    forecast = summed(shown(history, "budgets", "Budgets", 3), "budget")
    assert forecast["everything"] == pytest.approx(run_rate(records), rel=EXACT)
    highest = summed(shown(history, "budgets", "Budgets", 4), "budget")
    assert all(highest[name] > forecast[name] for name in forecast)


def test_before_and_after_are_the_mean_costs_of_priced_calls_on_either_side(
    history: HistoryServer, records: Records
) -> None:
    # Caching began on 11 November: the two whole weeks on either side of that day.
    change = datetime(2026, 11, 11, tzinfo=NOW.tzinfo)
    chat = having(records, feature="support-chat", status="priced")
    sides = (
        began(chat, change - timedelta(days=7), change),
        began(chat, change + DAY, change + timedelta(days=8)),
    )
    for number, side in enumerate(sides, start=1):
        found = summed(shown(history, "optimizations", "Before and after", number), "optimization")
        expected = usd(side) / len(side)
        assert found["cache the system prompt"] == pytest.approx(expected, rel=EXACT)
