"""Turns what pages show into rows for a spreadsheet: every decimal, times in UTC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from taximeter_processor.money import format_usd
from taximeter_processor.reports.asked import iso
from taximeter_processor.web.sections.breakdown import Breakdown
from taximeter_processor.web.sections.trend import Trend
from taximeter_processor.web.view import View

Row = dict[str, str | int]
_TOLD_OF_A_CALL: Final = (
    "trace_id",
    "span_id",
    "feature",
    "tenant",
    "team",
    "request_type",
    "environment",
    "provider",
    "model",
    "service_tier",
    "status",
    "unpriced_reason",
    "input_tokens",
    "output_tokens",
)


def cost_rows(table: Breakdown, view: View) -> list[Row]:
    """One row a value, and one for those past the limit."""
    return [
        {
            table.dimension: line.name,
            "owner": line.owner,
            "day": view.day.isoformat(),
            "day_usd": format_usd(line.today_pico),
            "same_time_last_week_usd": format_usd(line.before_pico),
            "days": view.days,
            "days_usd": format_usd(line.period_pico),
            "calls": line.calls,
            "unpriced_calls": line.unpriced,
        }
        for line in (*table.lines, *((table.rest,) if table.rest else ()))
    ]


def call_rows(calls: Sequence[Mapping[str, Any]]) -> list[Row]:
    """One row a call, as `ledger.drill` tells it; what has no price has no cost."""
    return [
        {
            "start_time": iso(call["start_time"]),
            **{name: call[name] for name in _TOLD_OF_A_CALL},
            "cost_usd": "" if call["status"] == "unpriced" else format_usd(call["cost_usd"]),
        }
        for call in calls
    ]


def day_rows(trend: Trend) -> list[Row]:
    """One row a day, newest first; what is normal is empty where it is not known yet."""
    return [
        {
            "day": day.day.isoformat(),
            "cost_usd": format_usd(day.pico),
            "normal_low_usd": format_usd(day.band.low) if day.band else "",
            "normal_high_usd": format_usd(day.band.high) if day.band else "",
        }
        for day in trend.days
    ]
