"""Turns what pages show into rows for a spreadsheet: every decimal, times in UTC."""

from __future__ import annotations

from collections.abc import Sequence

from taximeter_processor.ledger.drill import CallRow
from taximeter_processor.money import format_usd
from taximeter_processor.reports.asked import iso
from taximeter_processor.web.sections.breakdown import Breakdown
from taximeter_processor.web.sections.trend import Trend
from taximeter_processor.web.view import View

Row = dict[str, str | int]


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


def call_rows(calls: Sequence[CallRow]) -> list[Row]:
    """One row a call; what has no price has no cost."""
    return [
        {
            "start_time": iso(call.start_us),
            "trace_id": call.trace_id,
            "span_id": call.span_id,
            "feature": call.feature,
            "tenant": call.tenant,
            "team": call.team,
            "request_type": call.request_type,
            "environment": call.environment,
            "provider": call.provider,
            "model": call.model,
            "service_tier": call.service_tier,
            "status": call.status,
            "unpriced_reason": call.unpriced_reason,
            "input_tokens": "" if call.input_tokens is None else call.input_tokens,
            "output_tokens": "" if call.output_tokens is None else call.output_tokens,
            "cost_usd": "" if call.status == "unpriced" else format_usd(call.cost_pico),
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
