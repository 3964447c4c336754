"""Queries of money that several boards ask, and the words that go with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from taximeter_processor import names
from taximeter_processor.observability.dashboards.board import RUNBOOKS, Panel
from taximeter_processor.observability.dashboards.panels import (
    COUNT,
    USD,
    Frame,
    Link,
    Query,
    Unit,
    number,
    rows,
    trend,
)
from taximeter_processor.observability.promql import FILTERS, select, shared_filters
from taximeter_processor.observability.recorded import (
    RULE_OWNER,
    RULE_SPEND,
    RULE_SPEND_CHANGE,
    RULE_SPEND_REQUESTS,
    RULE_SPEND_SAME_TIME,
)

FEATURE_BOARD: Final = "taximeter-feature"
TENANT_BOARD: Final = "taximeter-tenants"

SPEND: Final = shared_filters(names.SPEND)
CALLS: Final = shared_filters(names.SPEND, names.SPEND_REQUESTS)
SAME_TIME: Final = shared_filters(names.SPEND, names.SPEND_SAME_TIME)
CHANGE: Final = shared_filters(names.SPEND_CHANGE)

PER_CALL: Final = Unit(USD, 6)
CALL_COUNT: Final = Unit(COUNT, 0)

TO_FEATURE: Final = Link(
    "Feature",
    "Open this feature",
    f"/d/{FEATURE_BOARD}?var-feature=${{__value.raw:percentencode}}&${{__url_time_range}}",
)
TO_TENANT: Final = Link(
    "Tenant",
    "Open this tenant",
    f"/d/{TENANT_BOARD}?var-tenant=${{__value.raw:percentencode}}&${{__url_time_range}}",
)
TO_RUNBOOK: Final = Link("Alert", "What to do", f"${{{RUNBOOKS}}}/${{__value.raw}}.md")


def note(followed: Sequence[str], offered: Sequence[str] = FILTERS) -> str:
    """Says which of a board's filters a panel cannot follow."""
    missing = [name.replace("_", " ") for name in offered if name not in followed]
    return f" Not narrowed by {', '.join(missing)}." if missing else ""


def spent(window: str, filters: Sequence[str] = SPEND, /, **labels: str) -> str:
    """Exact spend in a window."""
    return f"sum({select(RULE_SPEND, filters, window=window, **labels)})"


def calls(window: str, status: str) -> str:
    """Calls in the ledger with a status in a window."""
    return f"sum({select(RULE_SPEND_REQUESTS, CALLS, status=status, window=window)})"


def cost_per_call(window: str) -> str:
    """Spend divided by priced calls; nothing when there were none."""
    return f"{spent(window, CALLS)} / ({calls(window, 'priced')} > 0)"


def by_day(
    title: str, rule: str, filters: Sequence[str], label: str, *, width: int, height: int
) -> Panel:
    """Bars of the last 30 whole days, from what a gauge said of `yesterday`, stacked by a label.

    Read at 01:00 on the day after, when the gauge has turned and late spans are in; drawn at the
    start of its own day.
    """
    series = select(rule, filters, window="yesterday")
    words = "Exact totals of the last 30 whole days, as far back as Prometheus remembers."
    return trend(
        Frame(title, words + note(filters), width, height),
        Query(f"sum by ({label}) ({series} offset -25h)", f"{{{{{label}}}}}"),
        last="30d",
        step="1d",
    )


def owned(expr: str) -> str:
    """A sum by feature, with each feature's owner beside it."""
    return f"{expr} * on (feature) group_left (owner) {RULE_OWNER}"


def against(day: str, window: str, width: int) -> Panel:
    """Spend from midnight to this time of another day, and how today differs."""
    then = f"sum({select(RULE_SPEND_SAME_TIME, SAME_TIME, window=window)})"
    today = f"({spent('today', SAME_TIME)} or vector(0))"
    return number(
        Frame(
            f"Against the same time {day}",
            f"Spend from midnight to this time {day}, and how today differs." + note(SAME_TIME),
            width=width,
            height=4,
        ),
        Query(f"{then} or vector(0)", day),
        Query(f"{today} / ({then} > 0) - 1", "change"),
        units={"change": Unit("percentunit", 1)},
    )


def causes(width: int) -> Panel:
    """What moved spend since the week before, by cause."""

    def by_driver(window: str) -> Query:
        return Query(f"sum by (driver) ({select(RULE_SPEND_CHANGE, CHANGE, window=window)})")

    return rows(
        Frame(
            "What moved spend",
            "Exact change by cause: today so far against the same time last week, and yesterday "
            "against the same day last week. The parts add up to the change." + note(CHANGE),
            width=width,
            height=9,
        ),
        {"driver": "Cause"},
        {"Today": by_driver("today"), "Yesterday": by_driver("yesterday")},
    )
