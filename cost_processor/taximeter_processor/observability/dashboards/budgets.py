"""The dashboard "AI cost: budgets and forecast": what is left, and what the end will be."""

from __future__ import annotations

from typing import Final

from taximeter_processor import names
from taximeter_processor.names import UNOWNED
from taximeter_processor.observability.dashboards import money
from taximeter_processor.observability.dashboards.board import Head, Panel, Section, build_board
from taximeter_processor.observability.dashboards.panels import (
    SHARE,
    Frame,
    Query,
    Unit,
    lines,
    number,
    rows,
)
from taximeter_processor.observability.promql import select, shared_filters
from taximeter_processor.observability.recorded import (
    RULE_BUDGET,
    RULE_BUDGET_SPENT,
    RULE_FORECAST,
    RULE_OWNER,
    RULE_RUN_RATE,
    RULE_SPEND,
)

UID: Final = "taximeter-budgets"
_RUN_RATE: Final = shared_filters(names.SPEND, names.RUN_RATE)
_LABELS: Final = "budget, owner, period"
_USED: Final = ((0.8, "orange"), (1.0, "red"))


def build(runbooks_url: str) -> dict[str, object]:
    """The dashboard's JSON."""
    head = Head(
        UID,
        "AI cost: budgets and forecast",
        "What is spent of each budget, and what it will be at the end of its period: what is spent "
        "and the mean of the last seven whole days for all the time that is left.",
        start="now-7d",
    )
    sections = [
        Section("Budgets", [_table(), *_spent_over_time()]),
        Section("The month", [*_month(), _by_feature()]),
    ]
    return build_board(head, sections, runbooks_url)


def _of_budget(rule: str, /, **labels: str) -> str:
    return f"max by ({_LABELS}) ({select(rule, (), **labels)})"


def _forecast(quantile: str) -> str:
    """The forecast with its budget's owner and period beside it."""
    return (
        f"max by (budget) ({select(RULE_FORECAST, (), quantile=quantile)})\n"
        f"* on (budget) group_right () group by ({_LABELS}) ({RULE_BUDGET})"
    )


def _table() -> Panel:
    limit = f"({_of_budget(RULE_BUDGET)} > 0)"
    return rows(
        Frame(
            "Budgets",
            "Exact spend in the current period; forecasts of its end: as likely above as below "
            "(p50), and one chance in ten to be above (p90). Not narrowed by any filter.",
            width=24,
            height=8,
        ),
        {"budget": "Budget", "owner": "Owner", "period": "Period"},
        {
            "Used": Query(f"{_of_budget(RULE_BUDGET_SPENT)} / {limit}"),
            "Spent": Query(_of_budget(RULE_BUDGET_SPENT)),
            "Budget, $": Query(_of_budget(RULE_BUDGET)),
            "End, p50": Query(_forecast("0.5")),
            "End, p90": Query(_forecast("0.9")),
            "p50 of budget": Query(f"({_forecast('0.5')}) / {limit}"),
        },
        units={"Used": Unit(SHARE, 0, _USED), "p50 of budget": Unit(SHARE, 0, _USED)},
    )


def _spent_over_time() -> list[Panel]:
    return [
        lines(
            Frame(
                "Used over time",
                "Share of each budget that was spent at each moment: it falls to nothing when a "
                "period begins. Not narrowed by any filter.",
                width=12,
                height=9,
                unit=SHARE,
                decimals=0,
            ),
            Query(f"{RULE_BUDGET_SPENT} / ({RULE_BUDGET} > 0)", "{{budget}}"),
            step="1h",
        ),
        lines(
            Frame(
                "Forecast of the end, of the budget",
                "What the forecast (p50) was at each moment, as a share of the budget. Not "
                "narrowed by any filter.",
                width=12,
                height=9,
                unit=SHARE,
                decimals=0,
            ),
            Query(
                f"max by (budget) ({select(RULE_FORECAST, (), quantile='0.5')})\n"
                f"/ (max by (budget) ({RULE_BUDGET}) > 0)",
                "{{budget}}",
            ),
            step="1h",
        ),
    ]


def _month() -> list[Panel]:
    owned = select(RULE_OWNER, owner=f"!={UNOWNED}")
    return [
        number(
            Frame(
                "Month to date",
                "So far, at this rate, and all of last month." + money.note(_RUN_RATE),
                width=6,
                height=10,
            ),
            Query(f"{money.spent('month', _RUN_RATE)} or vector(0)", "so far"),
            Query(f"sum({select(RULE_RUN_RATE, _RUN_RATE)})", "at this rate"),
            Query(f"{money.spent('last_month', _RUN_RATE)} or vector(0)", "last month"),
        ),
        number(
            Frame(
                "Nobody's spend",
                "Share of the month's spend of features that have no owner.",
                width=4,
                height=10,
                unit=SHARE,
                decimals=1,
            ),
            Query(
                f"1 - (sum(sum by (feature) ({select(RULE_SPEND, money.SPEND, window='month')})\n"
                f"  and on (feature) {owned}) or vector(0)) / ({money.spent('month')} > 0)",
                "share",
            ),
            steps=[(0.000001, "orange"), (0.05, "red")],
        ),
    ]


def _by_feature() -> Panel:
    def summed(rule: str, /, **labels: str) -> Query:
        series = select(rule, _RUN_RATE, **labels)
        return Query(money.owned(f"sum by (feature) ({series})"))

    return rows(
        Frame(
            "Month by feature",
            f"Exact spend so far, at this rate, and of last month.{money.note(_RUN_RATE)}",
            width=14,
            height=10,
        ),
        {"feature": "Feature", "owner": "Owner"},
        {
            "At this rate": summed(RULE_RUN_RATE),
            "So far": summed(RULE_SPEND, window="month"),
            "Last month": summed(RULE_SPEND, window="last_month"),
        },
        links=[money.TO_FEATURE],
    )
