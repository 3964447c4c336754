"""The dashboard "AI cost: feature": what a call of a feature costs, and what makes it so."""

from __future__ import annotations

from typing import Final

from taximeter_processor import names
from taximeter_processor.observability.dashboards import errors, money
from taximeter_processor.observability.dashboards.board import Head, Panel, Section, build_board
from taximeter_processor.observability.dashboards.panels import (
    COUNT,
    SHARE,
    Frame,
    Query,
    Unit,
    bars,
    lines,
    number,
    rows,
    trend,
)
from taximeter_processor.observability.promql import FILTERS, select, shared_filters
from taximeter_processor.observability.recorded import (
    RULE_BUDGET,
    RULE_BUDGET_SPENT,
    RULE_OWNER,
    RULE_RUN_RATE,
    RULE_SPEND,
    RULE_TIER_SPEND,
)

UID: Final = money.FEATURE_BOARD
_HISTOGRAM: Final = shared_filters(names.REQUEST_COST)
_RUN_RATE: Final = shared_filters(names.SPEND, names.RUN_RATE)
_TIERS: Final = shared_filters(names.TIER_SPEND)
_BUDGETS: Final = shared_filters(names.BUDGET)
_INPUT: Final = "=~input|cache_read|cache_write|cache_write_1h"


def build(runbooks_url: str) -> dict[str, object]:
    """The dashboard's JSON."""
    head = Head(
        UID,
        "AI cost: feature",
        "Unit economics of one feature or several: what a call costs, what caches and tiers save, "
        "and what errors cost. Choose features above.",
    )
    sections = [
        Section("How much", [*_totals(), _owners(), _budgets(), money.causes(8)]),
        Section("What a call costs", [_quantiles(), _mean_by_model(), _by_meter()]),
        Section("What caches and tiers save", [_hit_rate(), _saved(), _saved_over_time()]),
        Section("Service tiers", [_tier_mix(), _tier_table(), _tiers_by_day()]),
        Section("Errors that cost money", errors.panels()),
    ]
    return build_board(head, sections, runbooks_url)


def _totals() -> list[Panel]:
    return [
        number(
            Frame("Spend today", "Since midnight, and all of yesterday; exact.", 6, 4),
            Query(f"{money.spent('today')} or vector(0)", "today"),
            Query(f"{money.spent('yesterday')} or vector(0)", "yesterday"),
        ),
        money.against("last week", "last_week", 6),
        number(
            Frame(
                "Month to date",
                "So far, and if every day left costs the mean of the last seven."
                + money.note(_RUN_RATE),
                width=6,
                height=4,
            ),
            Query(f"{money.spent('month', _RUN_RATE)} or vector(0)", "so far"),
            Query(f"sum({select(RULE_RUN_RATE, _RUN_RATE)})", "at this rate"),
        ),
        number(
            Frame(
                "Cost per call",
                f"Spend divided by priced calls, exact.{money.note(money.CALLS)}",
                width=6,
                height=4,
                decimals=6,
            ),
            Query(money.cost_per_call("today"), "today"),
            Query(money.cost_per_call("month"), "this month"),
        ),
    ]


def _owners() -> Panel:
    spend = select(RULE_SPEND, money.SPEND, window="month")
    return rows(
        Frame("Who answers for it", "Owner and team of each feature; spend of the month.", 8, 9),
        {"feature": "Feature", "owner": "Owner", "team": "Team"},
        {
            "Month": Query(
                f"sum by (feature) ({spend}) * on (feature) group_left (owner, team) {RULE_OWNER}"
            )
        },
        links=[money.TO_FEATURE],
    )


def _budgets() -> Panel:
    spent, limit = (select(rule, _BUDGETS) for rule in (RULE_BUDGET_SPENT, RULE_BUDGET))
    return bars(
        Frame(
            "Budgets of it",
            f"Spent share of budgets that name it, in their current period.{money.note(_BUDGETS)}",
            width=8,
            height=9,
            unit=SHARE,
            decimals=0,
        ),
        Query(f"{spent} / ({limit} > 0)", "{{budget}}, {{period}} ({{owner}})"),
        steps=[(0.8, "orange"), (1, "red")],
        top=1,
    )


def _quantiles() -> Panel:
    buckets = select(f"{names.REQUEST_COST.name}_bucket", _HISTOGRAM)
    risen = f"sum by (le) (increase({buckets}[1h]))"
    return lines(
        Frame(
            "Cost of a call, median and 95th percentile",
            "Of the hour up to each moment, estimated from the histogram, whose buckets grow about "
            f"threefold. Dots are single calls with their trace.{money.note(_HISTOGRAM)}",
            width=8,
            height=9,
            decimals=4,
        ),
        Query(f"histogram_quantile(0.5, {risen})", "median"),
        Query(f"histogram_quantile(0.95, {risen})", "95th percentile"),
        exemplars=True,
        logarithmic=True,
        step="15m",
    )


def _mean_by_model() -> Panel:
    spend = select(names.COST.name, FILTERS)
    priced = select(names.REQUESTS.name, FILTERS, status="priced")
    return lines(
        Frame(
            "Mean cost of a call by model",
            "Spend of the hour up to each moment divided by its priced calls; from counters.",
            width=8,
            height=9,
            decimals=4,
        ),
        Query(
            f"sum by (model) (increase({spend}[1h]))\n"
            f"/ (sum by (model) (increase({priced}[1h])) > 0)",
            "{{model}}",
        ),
        logarithmic=True,
        step="15m",
    )


def _by_meter() -> Panel:
    def risen(metric: str) -> Query:
        series = select(metric, FILTERS)
        return Query(f"sum by (meter) (increase({series}[$__range]))")

    return rows(
        Frame(
            "Cost by meter",
            "In the selected range: dollars, and tokens or requests; from counters, ± 0.1 %.",
            width=8,
            height=9,
        ),
        {"meter": "Meter"},
        {"Cost": risen(names.COST.name), "Quantity": risen(names.USAGE.name)},
        units={"Quantity": Unit(COUNT, 1)},
    )


def _hit_rate() -> Panel:
    read = select(names.USAGE.name, FILTERS, meter="cache_read")
    given = select(names.USAGE.name, FILTERS, meter=_INPUT)
    return lines(
        Frame(
            "Share of input read from caches",
            "Cached input tokens divided by all of the hour up to each moment; from counters.",
            width=8,
            height=8,
            unit=SHARE,
            decimals=1,
        ),
        Query(
            f"sum by (feature) (increase({read}[1h]))\n"
            f"/ (sum by (feature) (increase({given}[1h])) > 0)",
            "{{feature}}",
        ),
        step="15m",
    )


def _saved() -> Panel:
    def by_source(metric: str) -> Query:
        series = select(metric, FILTERS)
        return Query(f"sum by (source) (increase({series}[$__range]))")

    return rows(
        Frame(
            "Saved and extra, by source",
            "In the selected range, against the plain price: caches and cheap tiers save; cache "
            "writes and premium tiers cost extra. From counters, ± 0.1 %.",
            width=8,
            height=8,
        ),
        {"source": "Source"},
        {"Saved": by_source(names.SAVED.name), "Extra": by_source(names.EXTRA.name)},
    )


def _saved_over_time() -> Panel:
    saved = select(names.SAVED.name, FILTERS)
    return trend(
        Frame("Saved over time, by source", "Dollars in each bar, from counters, ± 2 %.", 8, 8),
        Query(f"sum by (source) (increase({saved}[$__interval]))", "{{source}}"),
        step="1h",
    )


def _in_tiers(window: str) -> str:
    return select(RULE_TIER_SPEND, _TIERS, window=window)


def _tier_mix() -> Panel:
    spend = _in_tiers("month")
    return bars(
        Frame(
            "Share of spend by tier, this month",
            "Exact, by the tier that served the call: standard, batch, flex, priority, or as the "
            "provider calls it. Batch and flex cost about half, priority about twice."
            + money.note(_TIERS),
            width=6,
            height=9,
            unit=SHARE,
            decimals=1,
        ),
        Query(
            f"sort_desc(sum by (service_tier) ({spend})\n/ on () group_left () (sum({spend}) > 0))",
            "{{service_tier}}",
        ),
        top=1,
    )


def _tier_table() -> Panel:
    def spent(window: str) -> str:
        return f"sum by (provider, service_tier) ({_in_tiers(window)})"

    return rows(
        Frame(
            "Spend by provider and tier",
            "Exact. Calls without a price are not in it; what tiers saved is above, by source."
            + money.note(_TIERS),
            width=8,
            height=9,
        ),
        {"provider": "Provider", "service_tier": "Tier"},
        {
            "Month": Query(spent("month")),
            "Yesterday": Query(spent("yesterday")),
            "Today": Query(spent("today")),
        },
    )


def _tiers_by_day() -> Panel:
    title = "Spend by day and tier"
    return money.by_day(title, RULE_TIER_SPEND, _TIERS, "service_tier", width=10, height=9)
