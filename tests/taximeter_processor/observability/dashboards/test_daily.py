"""Every panel of the daily view, on two replicas of one small ledger, against sums done by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from taximeter_processor import names
from taximeter_processor.names import Metric
from taximeter_processor.observability.queries import VARIABLES, panel_queries
from tests.taximeter_processor.observability.prometheus_tools import (
    ROOT,
    Expected,
    promtool_test,
    series,
)

BOARD = json.loads((ROOT / "grafana" / "dashboards" / "taximeter-daily.json").read_text())
QUERIES = panel_queries(BOARD, {**VARIABLES, "__range": "1h", "__interval": "1h"})

CHAT = {"feature": "chat", "team": "growth", "request_type": "interactive", "model": "gpt-5"}
RAG = {"feature": "rag", "team": "unknown", "request_type": "batch", "model": "gpt-5-mini"}
BUDGET = {"budget": "chat-daily", "owner": "alice", "feature": "chat", "team": "", "period": "day"}
BUDGET_ROW = '{budget="chat-daily",feature="chat",job="taximeter",owner="alice",period="day"}'


def gauge(metric: Metric, value: float, **labels: str) -> dict[str, str]:
    """The same value from both replicas for two hours, every five minutes."""
    return {series(metric, instance=writer, **labels): f"{value}x24" for writer in ("a", "b")}


def spend(tags: dict[str, str], **by_window: float) -> dict[str, str]:
    return {
        name: values
        for window, usd in by_window.items()
        for name, values in gauge(names.SPEND, usd, window=window, **tags).items()
    }


LEDGER = {
    **spend(CHAT, today=12.5, yesterday=20, month=300, last_month=900),
    **spend(RAG, today=7.5, month=100),
    **gauge(names.SPEND_SAME_TIME, 10, window="yesterday", **CHAT),
    **gauge(names.SPEND_SAME_TIME, 40, window="last_week", **CHAT),
    **gauge(names.SPEND_REQUESTS, 80, status="priced", window="today", **CHAT),
    **gauge(names.SPEND_REQUESTS, 20, status="unpriced", window="today", **RAG),
    **gauge(names.SPEND_REQUESTS, 5, status="cached", window="today", **CHAT),
    **gauge(names.TENANT_SPEND, 15, tenant="acme", team="growth", window="today"),
    **gauge(names.TENANT_SPEND, 2, tenant="acme", team="growth", window="1h"),
    **gauge(names.TENANT_SPEND, 350, tenant="acme", team="growth", window="month"),
    **gauge(names.RUN_RATE, 420, **CHAT),
    **gauge(names.RUN_RATE, 100, **RAG),
    **gauge(names.SPEND_CHANGE, 3, driver="volume", window="today", **CHAT),
    **gauge(names.SPEND_CHANGE, -1, driver="price", window="today", **CHAT),
    **gauge(names.SPEND_CHANGE, 7.5, driver="new", window="today", **RAG),
    **gauge(names.SPEND_CHANGE, -4, driver="price", window="yesterday", **CHAT),
    **gauge(names.BUDGET, 10, **BUDGET),
    **gauge(names.BUDGET_SPENT, 12.5, **BUDGET),
    **gauge(names.OWNER_INFO, 1, owner="alice", **CHAT),
    **gauge(names.INGEST_LAST_COMMIT, 7100),
    **gauge(names.INGEST_QUEUE_BYTES, 16),
    **gauge(names.INGEST_QUEUE_LIMIT, 64),
    series(names.COST, meter="input", **CHAT): "0+0.1x24",
    series(names.SAVED, source="prompt_cache", **CHAT): "0+2.5x24",
    series(names.SAVED, source="tier", **CHAT): "0+9x24",
    series(names.INGEST_REJECTED, reason="too_long"): "0+1x24",
    series(names.DEAD_LETTERS, reason="malformed"): "0+2x24",
    'up{instance="a",job="taximeter"}': "1x24",
    'up{instance="b",job="taximeter"}': "0x24",
}

SHOWN = [
    ("Spend today", [{"{}": 20}]),
    ("Against the same time yesterday", [{"{}": 10}, {"{}": 1}]),
    ("Against the same time last week", [{"{}": 40}, {"{}": -0.5}]),
    ("Month to date", [{"{}": 400}, {"{}": 520}, {"{}": 900}]),
    ("Calls today", [{"{}": 105}, {"{}": 0.25}]),
    ("Budgets used", [{BUDGET_ROW: 1.25}]),
    ("Unpriced calls today", [{"{}": 0.2}]),
    ("Untagged spend today", [{"{}": 0.375}]),
    ("Saved by caching", [{"{}": 30}]),
    (
        "Cost by feature",
        [
            {'{feature="chat",owner="alice"}': 12.5, '{feature="rag",owner="unowned"}': 7.5},
            {'{feature="chat",owner="alice"}': 40},
            {'{feature="chat",owner="alice"}': 20},
            {'{feature="chat",owner="alice"}': 300, '{feature="rag",owner="unowned"}': 100},
            {'{feature="rag",owner="unowned"}': 20},
        ],
    ),
    ("Cost by tenant", [{'{team="growth",tenant="acme"}': usd} for usd in (15, 2, 350)]),
    ("Cost by team today", [{'{team="growth"}': 12.5, '{team="unknown"}': 7.5}]),
    (
        "Cost by request type today",
        [{'{request_type="interactive"}': 12.5, '{request_type="batch"}': 7.5}],
    ),
    ("Cost by model today", [{'{model="gpt-5"}': 12.5, '{model="gpt-5-mini"}': 7.5}]),
    (
        "Top movers",
        [
            {
                '{driver="volume",feature="chat",owner="alice"}': 2,
                '{driver="new",feature="rag",owner="unowned"}': 7.5,
            },
            {
                '{driver="volume",feature="chat",owner="alice"}': 3,
                '{driver="new",feature="rag",owner="unowned"}': 7.5,
            },
        ],
    ),
    (
        "What moved spend",
        [
            {'{driver="volume"}': 3, '{driver="price"}': -1, '{driver="new"}': 7.5},
            {'{driver="price"}': -4},
        ],
    ),
    ("Spend over time by feature", [{'{feature="chat"}': 1.2}]),
    ("Processors", [{'{instance="a"}': 1, '{instance="b"}': 0}]),
    ("Since the last commit", [{"{}": 100}]),
    ("Queue used", [{'{instance="a"}': 0.25, '{instance="b"}': 0.25}]),
    (
        "Rejected spans and dead letters",
        [{'{reason="too_long"}': 12}, {'{reason="malformed"}': 24}],
    ),
]


def exprs(title: str) -> list[str]:
    return [query.expr for query in QUERIES if query.panel_title == title]


@pytest.mark.parametrize(("title", "answers"), SHOWN, ids=[title for title, _ in SHOWN])
def test_the_panel_shows_what_the_ledger_holds(
    tmp_path: Path, title: str, answers: list[dict[str, float]]
) -> None:
    given = zip(exprs(title), answers, strict=True)
    expected = [Expected("120m", f"round({expr}, 1e-6)", values) for expr, values in given]
    promtool_test(tmp_path, LEDGER, *expected, interval="5m")


def test_every_panel_is_tested_here() -> None:
    here = {title for title, _ in SHOWN} | {
        "Firing alerts",
        "Spend by day and feature",
        "Spend of an hour against the last four weeks",
    }
    assert {query.panel_title for query in QUERIES} == here


def test_firing_alerts_are_listed_with_the_owner_who_was_told(tmp_path: Path) -> None:
    rows = {
        f'{{alertname="Taximeter{name}",{feature}owner="{owner}",severity="{severity}"}}': 1
        for name, feature, owner, severity in (
            ("BudgetExhausted", 'feature="chat",', "alice", "critical"),
            ("UnownedSpend", 'feature="rag",', "unowned", "warning"),
            ("UnpricedSpend", 'feature="rag",', "unowned", "warning"),
            ("DeadLetters", "", "unowned", "warning"),
        )
    }
    (expr,) = exprs("Firing alerts")
    promtool_test(tmp_path, LEDGER, Expected("120m", expr, rows), interval="5m")


def test_a_day_is_drawn_at_its_own_start_with_its_final_total(tmp_path: Path) -> None:
    # Hour 0 is midnight. The day costs $33; from hour 24 on the gauge calls it yesterday.
    yesterday = series(names.SPEND, window="yesterday", **CHAT)
    (expr,) = exprs("Spend by day and feature")
    drawn = Expected("0h", expr, {'{feature="chat"}': 33})
    later = Expected("26h", "vector(1)", {"{}": 1})
    promtool_test(tmp_path, {yesterday: "20x23 33x10"}, drawn, later, interval="1h")


def test_a_model_without_a_price_is_not_shown_as_costing_nothing(tmp_path: Path) -> None:
    unpriced = spend({**CHAT, "model": "in-house"}, today=0)
    (expr,) = exprs("Cost by model today")
    expected = Expected("120m", expr, {'{model="gpt-5"}': 12.5})
    given = {**unpriced, **spend(CHAT, today=12.5)}
    promtool_test(tmp_path, given, expected, interval="5m")


def test_an_hour_is_shown_between_the_bounds_of_that_hour_in_the_last_four_weeks(
    tmp_path: Path,
) -> None:
    # $1 an hour for three weeks and two hours, then $3, and $2 since six days ago.
    spend = series(names.COST, meter="input", **CHAT)
    now, lowest, highest = exprs("Spend of an hour against the last four weeks")
    expected = [
        Expected("696h", f"round({expr}, 1e-6)", {"{}": usd})
        for expr, usd in ((now, 2), (lowest, 1), (highest, 3))
    ]
    promtool_test(tmp_path, {spend: "0+1x505 508+3x45 645+2x150"}, *expected, interval="1h")


def test_on_an_empty_ledger_amounts_are_zero_and_shares_are_absent(tmp_path: Path) -> None:
    expected = [
        Expected("5m", exprs(title)[0], {"{}": 0}) for title in ("Spend today", "Month to date")
    ]
    expected += [
        Expected("5m", exprs(title)[0], {})
        for title in ("Unpriced calls today", "Untagged spend today")
    ]
    expected.append(Expected("5m", exprs("Calls today")[1], {}))
    promtool_test(tmp_path, {'up{job="taximeter"}': "1x5"}, *expected)


def test_panels_say_which_filter_they_cannot_follow() -> None:
    described = {panel["title"]: panel.get("description", "") for panel in BOARD["panels"]}
    assert described["Cost by tenant"].endswith(
        "Not narrowed by environment, feature, request type."
    )
    assert "narrowed" not in described["Spend today"]
