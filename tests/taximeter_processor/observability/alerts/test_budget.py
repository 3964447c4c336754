from __future__ import annotations

from pathlib import Path

from taximeter_processor.names import BUDGET, BUDGET_SPENT
from tests.taximeter_processor.observability.prometheus_tools import (
    Message,
    firing,
    promtool_test,
    series,
)

ALERT = "TaximeterBudgetExhausted"
SCOPE = {
    "budget": "chat-daily",
    "owner": "alice",
    "feature": "chat",
    "team": "",
    "period": "day",
}
WHO = 'budget="chat-daily",feature="chat",owner="alice",team="unknown",job="taximeter"'


def budget(limit: str, spent: str, **labels: str) -> dict[str, str]:
    scope = {**SCOPE, **labels}
    return {series(BUDGET, **scope): limit, series(BUDGET_SPENT, **scope): spent}


def test_it_fires_at_the_first_scrape_that_reaches_the_budget(tmp_path: Path) -> None:
    given = budget("500x10", "490+5x10")
    promtool_test(tmp_path, given, firing("1m", ALERT), firing("2m", ALERT, WHO))


def test_it_does_not_fire_below_the_budget(tmp_path: Path) -> None:
    promtool_test(tmp_path, budget("500x10", "499.99x10"), firing("10m", ALERT))


def test_it_resolves_ten_minutes_after_the_next_period_begins(tmp_path: Path) -> None:
    given = budget("500x30", "600x5 0x20")
    promtool_test(tmp_path, given, firing("14m", ALERT, WHO), firing("17m", ALERT))


def test_a_restart_of_the_processor_is_no_all_clear(tmp_path: Path) -> None:
    given = budget("500x3 stale _x3 500x20", "600x3 stale _x3 600x20")
    moments = [firing(f"{minute}m", ALERT, WHO) for minute in (2, 5, 7, 20)]
    promtool_test(tmp_path, given, *moments)


def test_without_data_it_does_not_fire(tmp_path: Path) -> None:
    promtool_test(tmp_path, {"up{job='taximeter'}": "1x10"}, firing("10m", ALERT))


def test_two_replicas_send_one_alert(tmp_path: Path) -> None:
    given = budget("500x5", "600x5", instance="a") | budget("500x5", "600x5", instance="b")
    promtool_test(tmp_path, given, firing("5m", ALERT, WHO))


def test_a_budget_of_nothing_fires_only_when_something_is_spent(tmp_path: Path) -> None:
    given = budget("0x5", "0x5") | budget("0x5", "0.01x5", budget="frozen", feature="old")
    frozen = 'budget="frozen",feature="old",owner="alice",team="unknown",job="taximeter"'
    promtool_test(tmp_path, given, firing("5m", ALERT, frozen))


def test_the_message_names_budget_amounts_period_feature_owner_and_a_link(tmp_path: Path) -> None:
    message = Message(
        "5m",
        ALERT,
        {
            **{name: value for name, value in SCOPE.items() if value},
            "job": "taximeter",
            "severity": "critical",
            "team": "unknown",
        },
        "Budget chat-daily is exhausted: $612.35 of $500.00 spent this day by feature chat.",
        "It belongs to alice. The amount is exact, from the ledger; spending goes on until "
        "somebody acts.",
        "http://localhost:3000/d/taximeter-budgets?var-feature=chat",
    )
    promtool_test(tmp_path, budget("500x5", "612.345678x5"), message)


def test_a_hostile_feature_name_stays_inside_the_link_and_the_query(tmp_path: Path) -> None:
    hostile = 'a"} or vector(1) #&var-team=x'
    message = Message(
        "5m",
        ALERT,
        {
            **{name: value for name, value in SCOPE.items() if value},
            "budget": hostile,
            "feature": hostile,
            "job": "taximeter",
            "severity": "critical",
            "team": "unknown",
        },
        f"Budget {hostile} is exhausted: $600.00 of $500.00 spent this day by feature {hostile}.",
        "It belongs to alice. The amount is exact, from the ledger; spending goes on until "
        "somebody acts.",
        "http://localhost:3000/d/taximeter-budgets?var-feature="
        "a%22%7D+or+vector%281%29+%23%26var-team%3Dx",
    )
    given = budget("500x5", "600x5", budget=hostile, feature=hostile)
    promtool_test(tmp_path, given, message)
