"""The dashboard "AI cost: optimisations": what a call cost before and after each change."""

from __future__ import annotations

from typing import Final

from taximeter_processor import names
from taximeter_processor.observability.dashboards import money
from taximeter_processor.observability.dashboards.board import Head, Panel, Section, build_board
from taximeter_processor.observability.dashboards.panels import (
    COUNT,
    SHARE,
    Frame,
    Query,
    Unit,
    lines,
    number,
    rows,
    trend,
)
from taximeter_processor.observability.promql import FILTERS, select
from taximeter_processor.observability.recorded import (
    RULE_OPTIMIZATION_COST,
    RULE_OPTIMIZATION_EXPECTED,
    RULE_OPTIMIZATION_REQUESTS,
    RULE_OPTIMIZATION_START,
)

UID: Final = "taximeter-optimizations"
_ONE: Final = "optimization, feature, kind"
_BY_FEATURE: Final = ("feature",)


def build(runbooks_url: str) -> dict[str, object]:
    """The dashboard's JSON."""
    head = Head(
        UID,
        "AI cost: optimisations",
        "Changes that are to save money, from `optimizations:` in taximeter.yaml. Green lines mark "
        "their days. Differences are plain: other mixes of calls, prices and weeks are in them, so "
        "they are no proof.",
        start="now-30d",
        refresh="5m",
    )
    sections = [
        Section("What changed", [_table(), *_numbers()]),
        Section("Since when", [_cost_per_call(), _saved()]),
    ]
    return build_board(head, sections, runbooks_url)


def _per_call(phase: str) -> str:
    cost, calls = (
        f"sum by ({_ONE}) ({select(rule, _BY_FEATURE, phase=phase)})"
        for rule in (RULE_OPTIMIZATION_COST, RULE_OPTIMIZATION_REQUESTS)
    )
    return f"{cost} / ({calls} > 0)"


def _calls_after() -> str:
    return f"sum by ({_ONE}) ({select(RULE_OPTIMIZATION_REQUESTS, _BY_FEATURE, phase='after')})"


def _difference() -> str:
    return f"(({_per_call('before')}) - ({_per_call('after')})) * {_calls_after()}"


def _table() -> Panel:
    start = select(RULE_OPTIMIZATION_START, _BY_FEATURE)
    expected = select(RULE_OPTIMIZATION_EXPECTED, _BY_FEATURE)
    return rows(
        Frame(
            "Before and after",
            "Cost of a priced call in as many whole days on either side of the change, whole weeks "
            "once there is one, four at most. A fall is negative." + money.note(_BY_FEATURE),
            width=24,
            height=9,
            decimals=6,
        ),
        {"optimization": "Optimisation", "feature": "Feature", "kind": "Kind"},
        {
            "Since": Query(f"max by ({_ONE}) ({start}) * 1000"),
            "Before": Query(_per_call("before")),
            "After": Query(_per_call("after")),
            "Change": Query(f"({_per_call('after')}) / ({_per_call('before')}) - 1"),
            "Expected": Query(f"-max by ({_ONE}) ({expected})"),
            "Calls after": Query(_calls_after()),
        },
        links=[money.TO_FEATURE],
        units={
            "Since": Unit("dateTimeAsIso", 0),
            "Change": Unit(SHARE, 1, ((0.000001, "red"),)),
            "Expected": Unit(SHARE, 1),
            "Calls after": money.CALL_COUNT,
        },
    )


def _numbers() -> list[Panel]:
    return [
        number(
            Frame(
                "Changes",
                f"Changes on record, and those with whole days on both sides."
                f"{money.note(_BY_FEATURE)}",
                width=8,
                height=4,
                unit=COUNT,
                decimals=0,
            ),
            Query(f"count({select(RULE_OPTIMIZATION_START, _BY_FEATURE)}) or vector(0)", "all"),
            Query(f"count({_difference()}) or vector(0)", "comparable"),
        ),
        number(
            Frame(
                "Plain difference",
                "Calls after the changes times what each cost less than before, in at most four "
                f"weeks: no proof of a saving.{money.note(_BY_FEATURE)}",
                width=8,
                height=4,
            ),
            Query(f"sum({_difference()}) or vector(0)", "dollars"),
        ),
        number(
            Frame(
                "Saved against plain prices",
                "In the selected range, by caches and cheap tiers, less what cache writes and "
                "premium tiers cost extra; from counters, ± 0.1 %.",
                width=8,
                height=4,
            ),
            Query(
                f"(sum(increase({select(names.SAVED.name, FILTERS)}[$__range])) or vector(0))\n"
                f"- (sum(increase({select(names.EXTRA.name, FILTERS)}[$__range])) or vector(0))",
                "net",
            ),
        ),
    ]


def _cost_per_call() -> Panel:
    spend = select(names.COST.name, FILTERS)
    priced = select(names.REQUESTS.name, FILTERS, status="priced")
    return lines(
        Frame(
            "Mean cost of a call over a day, by feature",
            "The day up to each moment, of features with a change; from counters.",
            width=14,
            height=10,
            decimals=4,
        ),
        Query(
            f"sum by (feature) (increase({spend}[1d]))\n"
            f"/ (sum by (feature) (increase({priced}[1d])) > 0)\n"
            f"and on (feature) {RULE_OPTIMIZATION_START} @ end()",
            "{{feature}}",
        ),
        step="6h",
    )


def _saved() -> Panel:
    saved = select(names.SAVED.name, FILTERS)
    return trend(
        Frame("Saved in a day, by source", "The day up to each bar; from counters.", 10, 10),
        Query(f"sum by (source) (increase({saved}[1d]))", "{{source}}"),
        step="1d",
    )
