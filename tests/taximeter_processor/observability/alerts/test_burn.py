"""Budgets on the way to their end: burn rates and the forecast."""

from __future__ import annotations

from pathlib import Path

import pytest

from taximeter_processor.names import BUDGET, BUDGET_SPENT, FORECAST
from tests.taximeter_processor.observability.prometheus_tools import (
    Message,
    firing,
    promtool_test,
    series,
)

FAST = "TaximeterBudgetBurnFast"
SLOW = "TaximeterBudgetBurnSlow"
AHEAD = "TaximeterForecastOverBudget"
SCOPE = {"budget": "chat", "owner": "alice", "feature": "chat", "team": "", "period": "month"}
WHO = 'budget="chat",feature="chat",job="taximeter",owner="alice",team="unknown"'
GAUGE = FORECAST.name
FORECAST_WHO = 'budget="chat",feature="chat",owner="alice",team="unknown"'


def spent(values: str, period: str = "month", usd: str = "730") -> dict[str, str]:
    """A budget of $1 an hour and what is spent of it each minute."""
    scope = {**SCOPE, "period": period}
    return {series(BUDGET, **scope): f"{usd}x12000", series(BUDGET_SPENT, **scope): values}


def test_fifteen_times_the_pace_pages(tmp_path: Path) -> None:
    given = spent("100x60 100+0.25x120")
    promtool_test(tmp_path, given, firing("60m", FAST), firing("125m", FAST, WHO))


def test_fourteen_times_the_pace_does_not(tmp_path: Path) -> None:
    promtool_test(tmp_path, spent("100x60 100+0.2333x120"), firing("170m", FAST))


def test_fifteen_times_a_tiny_pace_is_below_the_floor(tmp_path: Path) -> None:
    given = spent("1x60 1+0.025x120", usd="73")
    promtool_test(tmp_path, given, firing("170m", FAST))


def test_the_page_ends_minutes_after_the_burst(tmp_path: Path) -> None:
    given = spent("100x60 100+0.5x60 130x60")
    promtool_test(tmp_path, given, firing("119m", FAST, WHO), firing("128m", FAST))


def test_a_new_month_is_no_burn(tmp_path: Path) -> None:
    given = spent("700x60 0+0.01x120")
    promtool_test(tmp_path, given, firing("65m", FAST), firing("150m", FAST))


def test_a_week_has_a_pace_of_its_own(tmp_path: Path) -> None:
    who = WHO
    given = spent("10x60 10+0.25x120", period="week", usd="168")
    promtool_test(tmp_path, given, firing("125m", FAST, who))


def test_the_page_names_pace_and_budget(tmp_path: Path) -> None:
    labels = {name: value for name, value in SCOPE.items() if value}
    message = Message(
        "125m",
        FAST,
        {**labels, "job": "taximeter", "severity": "critical", "team": "unknown"},
        "Budget chat lost $30.00 in the last hour, 14 times its pace; $132.00 of $730.00 is spent.",
        "The last 5 minutes were as bad, so it is still going on.",
        "http://localhost:3000/d/taximeter-budgets?var-feature=chat",
    )
    promtool_test(tmp_path, spent("100x60 100+0.5x120"), message)


def test_seven_times_the_pace_for_six_hours_makes_a_ticket(tmp_path: Path) -> None:
    given = spent("100+0.1167x500")
    promtool_test(tmp_path, given, firing("400m", SLOW, WHO), firing("400m", FAST))


def test_five_times_the_pace_does_not(tmp_path: Path) -> None:
    promtool_test(tmp_path, spent("100+0.0833x500"), firing("450m", SLOW))


def test_the_ticket_ends_half_an_hour_after_the_burn(tmp_path: Path) -> None:
    given = spent("100+0.1167x400 146.7x120")
    promtool_test(tmp_path, given, firing("400m", SLOW, WHO), firing("440m", SLOW))


@pytest.mark.parametrize("alert", [FAST, SLOW])
def test_budgets_of_a_day_do_not_burn(tmp_path: Path, alert: str) -> None:
    given = spent("1+0.3x500", period="day", usd="24")
    promtool_test(tmp_path, given, firing("450m", alert))


def forecast(usd: str) -> dict[str, str]:
    """What is likely at the end, each hour from 1 January 1970 on."""
    return {
        f'{GAUGE}{{budget="chat",quantile="0.5",instance="main",job="taximeter"}}': usd,
        f'{GAUGE}{{budget="chat",quantile="0.9",instance="main",job="taximeter"}}': "9999x400",
        **spent("100x400"),
    }


def test_a_forecast_a_fifth_over_fires_after_six_hours_from_the_fourth_day_on(
    tmp_path: Path,
) -> None:
    moments = [firing("77h", AHEAD), firing("79h", AHEAD, FORECAST_WHO)]
    promtool_test(tmp_path, forecast("876x200"), *moments, interval="1h")


def test_a_forecast_a_twentieth_over_does_not(tmp_path: Path) -> None:
    promtool_test(tmp_path, forecast("766x200"), firing("100h", AHEAD), interval="1h")


def test_a_better_forecast_ends_it(tmp_path: Path) -> None:
    given = forecast("876x90 700x90")
    moments = [firing("90h", AHEAD, FORECAST_WHO), firing("93h", AHEAD)]
    promtool_test(tmp_path, given, *moments, interval="1h")


def test_two_replicas_send_one_forecast(tmp_path: Path) -> None:
    given = forecast("876x200") | {
        f'{GAUGE}{{budget="chat",quantile="0.5",instance="b",job="taximeter"}}': "876x200"
    }
    promtool_test(tmp_path, given, firing("90h", AHEAD, FORECAST_WHO), interval="1h")
