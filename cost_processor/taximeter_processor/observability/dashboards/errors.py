"""Panels about calls that went wrong: what was paid for them, how many, since when, and which."""

from __future__ import annotations

from typing import Final

from taximeter_processor import names
from taximeter_processor.observability.dashboards import money
from taximeter_processor.observability.dashboards.board import Panel
from taximeter_processor.observability.dashboards.panels import (
    COUNT,
    SHARE,
    Frame,
    Query,
    Unit,
    number,
    rows,
    trend,
)
from taximeter_processor.observability.promql import FILTERS, select, shared_filters
from taximeter_processor.observability.recorded import (
    RULE_BROKEN_OFF,
    RULE_SPEND,
    RULE_SPEND_REQUESTS,
)

_PAID: Final = shared_filters(names.SPEND, names.SPEND_REQUESTS, names.BROKEN_OFF)
_UNPRICED: Final = shared_filters(names.UNPRICED)
_BAD_SHARE: Final = ((0.02, "orange"), (0.1, "red"))
"""Of calls or of dollars that went on errors."""


def panels() -> list[Panel]:
    """Two rows of a board: money first, then when and which."""
    return [_paid(), _shares(), _by_feature(), _by_status(), _by_day(), _unpriced()]


def _paid_in(window: str) -> str:
    return select(RULE_BROKEN_OFF, _PAID, window=window)


def _calls_today(status: str) -> str:
    return select(RULE_SPEND_REQUESTS, _PAID, status=status, window="today")


def _paid() -> Panel:
    return number(
        Frame(
            "Paid for errors",
            "Exact cost of calls that ended in an error, or were broken off, after they had "
            "counted tokens. It is what retries cost: the failed attempt, when it was billed. What "
            "an application does again by itself looks like its other calls: it is not known."
            + money.note(_PAID),
            width=5,
            height=8,
        ),
        Query(f"sum({_paid_in('today')}) or vector(0)", "today"),
        Query(f"sum({_paid_in('month')}) or vector(0)", "this month"),
    )


def _shares() -> Panel:
    failed, every = _calls_today("failed"), _calls_today("=~.+")
    paid = f"(sum({_paid_in('today')}) or vector(0))"
    return number(
        Frame(
            "Errors today",
            "Share of calls that ended in an error and told no usage, which cost nothing; and "
            "share of spend that was paid for errors." + money.note(_PAID),
            width=5,
            height=8,
            unit=SHARE,
            decimals=1,
        ),
        Query(f"(sum({failed}) or vector(0)) / (sum({every}) > 0)", "of calls"),
        Query(f"{paid} / ({money.spent('today', _PAID)} > 0)", "of spend"),
        steps=_BAD_SHARE,
    )


def _by_feature() -> Panel:
    def of_feature(series: str) -> str:
        return f"sum by (feature) ({series})"

    month, today = (of_feature(_paid_in(window)) for window in ("month", "today"))
    failed, every = (of_feature(_calls_today(status)) for status in ("failed", "=~.+"))
    spend = of_feature(select(RULE_SPEND, _PAID, window="today"))
    bad = Unit(SHARE, 1, _BAD_SHARE)
    return rows(
        Frame(
            "Errors by feature",
            "Paid: exact cost of calls that ended in an error or were broken off. Failed: calls of "
            "today that ended in an error without usage." + money.note(_PAID),
            width=14,
            height=8,
        ),
        {"feature": "Feature"},
        {
            "Paid, month": Query(month),
            "Paid, today": Query(today),
            "Of spend": Query(f"{today} / ({spend} > 0)"),
            "Failed": Query(failed),
            "Of calls": Query(f"{failed} / ({every} > 0)"),
        },
        units={"Of spend": bad, "Failed": money.CALL_COUNT, "Of calls": bad},
        links=[money.TO_FEATURE],
    )


def _by_day() -> Panel:
    title = "Paid for errors by day and feature"
    return money.by_day(title, RULE_BROKEN_OFF, _PAID, "feature", width=8, height=8)


def _by_status() -> Panel:
    series = select(names.REQUESTS.name, FILTERS)
    return trend(
        Frame(
            "Calls by status",
            "Priced, unpriced, failed, and answered by a response cache; from counters. Each "
            "attempt is a call of its own.",
            width=8,
            height=8,
            unit=COUNT,
            decimals=0,
        ),
        Query(f"sum by (status) (increase({series}[$__interval]))", "{{status}}"),
        step="1h",
    )


def _unpriced() -> Panel:
    series = select(names.UNPRICED.name, _UNPRICED)
    return rows(
        Frame(
            "Calls without a price",
            f"In the selected range, by model and reason.{money.note(_UNPRICED)}",
            width=8,
            height=8,
            unit=COUNT,
            decimals=0,
        ),
        {"model": "Model", "reason": "Reason"},
        {"Calls": Query(f"sum by (model, reason) (increase({series}[$__range])) > 0")},
        units={"Calls": money.CALL_COUNT},
    )
