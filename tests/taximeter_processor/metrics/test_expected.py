"""Run rates and forecasts as gauges, over a ledger whose days are worked out by hand."""

from __future__ import annotations

from pathlib import Path

from taximeter_processor import names
from taximeter_processor.metrics.expected import expected
from tests.taximeter_processor.metrics.ledger_gauges import of, shown, spent

NOW = "2026-11-21 12:00"
"""9.5 of the month's 30 days are left."""
WEEK = [spent(day, f"2026-11-{14 + day} 08:00", 2) for day in range(7)]
"""$2 on each of the seven days before today, for `search` of team `growth`."""
SEARCH = ("search", "growth", "interactive", "prod")
CHAT = ("chat", "growth", "interactive", "prod")


def test_the_run_rate_is_the_month_and_the_mean_day_for_all_the_time_left(tmp_path: Path) -> None:
    today = spent(10, "2026-11-21 09:00", 5)
    found = of(shown(tmp_path, [*WEEK, today], expected, NOW), names.RUN_RATE)
    assert found == {SEARCH: 14 + 5 + 2 * 9.5}


def test_run_rates_of_features_add_up_though_one_is_younger(tmp_path: Path) -> None:
    young = spent(10, "2026-11-20 09:00", 7, feature="chat")
    found = of(shown(tmp_path, [*WEEK, young], expected, NOW), names.RUN_RATE)
    assert found == {SEARCH: 14 + 2 * 9.5, CHAT: 7 + 9.5}


def test_a_budget_is_foretold_from_the_calls_in_its_scope(tmp_path: Path) -> None:
    budgets = [
        {"name": "all", "usd": 100},
        {"name": "search", "usd": 100, "feature": "search"},
        {"name": "day", "usd": 10, "period": "day"},
        {"name": "elsewhere", "usd": 10, "team": "finance"},
    ]
    young = spent(10, "2026-11-20 09:00", 7, feature="chat")
    found = of(shown(tmp_path, [*WEEK, young], expected, NOW, budgets=budgets), names.FORECAST)
    assert {budget: usd for (budget, quantile), usd in found.items() if quantile == "0.5"} == {
        "all": 14 + 7 + 3 * 9.5,
        "search": 14 + 2 * 9.5,
        "day": 0 + 3 * 0.5,
        "elsewhere": 0,
    }
    assert found[("search", "0.9")] == 33
    assert found[("all", "0.9")] > found[("all", "0.5")]


def test_a_young_ledger_is_foretold_from_the_days_there_are_without_a_band(tmp_path: Path) -> None:
    budgets = [{"name": "all", "usd": 100}]
    found = shown(tmp_path, WEEK[-2:], expected, NOW, budgets=budgets)
    assert of(found, names.FORECAST) == {("all", "0.5"): 4 + 2 * 9.5}


def test_before_one_whole_day_has_passed_nothing_is_foretold(tmp_path: Path) -> None:
    budgets = [{"name": "all", "usd": 100}]
    found = shown(tmp_path, [spent(0, "2026-11-21 09:00", 5)], expected, NOW, budgets=budgets)
    assert found == {names.RUN_RATE.name: {}, names.FORECAST.name: {}}


def test_days_begin_in_the_reporting_zone(tmp_path: Path) -> None:
    # 23:30 UTC is the 21st in Berlin: today's, which is no whole day.
    budgets = [{"name": "day", "usd": 10, "period": "day"}]
    late = spent(10, "2026-11-20 23:30", 3)
    found = shown(tmp_path, [*WEEK, late], expected, NOW, budgets=budgets, timezone="Europe/Berlin")
    # 11 hours are left there.
    assert of(found, names.FORECAST)[("day", "0.5")] == round(3 + 2 * 11 / 24, 9)
