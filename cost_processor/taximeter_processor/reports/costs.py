"""What calls cost by dimensions, in each hour, day, week or month of a zone or altogether."""

from __future__ import annotations

from typing import Final

from taximeter_processor import buckets
from taximeter_processor.buckets import INTERVALS, Interval
from taximeter_processor.ledger.costs import costs as read_costs
from taximeter_processor.ledger.queries import Spend
from taximeter_processor.ledger.record import DIMENSIONS
from taximeter_processor.money import format_usd
from taximeter_processor.reports.asked import (
    Answer,
    Asked,
    Parameters,
    filters,
    iso,
    names_in,
    time_range,
    zone_of,
)

MOST_GROUPS: Final = 4
MOST_ROWS: Final = 50_000
_CALENDAR: Final = INTERVALS[1:]
_RESERVED: Final = frozenset({"by", "interval", "timezone", "from", "to", "since", "until"})


def costs(asked: Asked) -> Answer:
    """Cost by dimensions (`by`) and `interval`, from `from` (7d) until `to` (now), filtered.

    Every bucket is told oldest first, within one the dearest come first; the buckets of a range add
    up to it exactly. An interval may also stand in `by`, where its column is to be.
    """
    group, interval, columns = _shape(asked.parameters)
    zone = zone_of(asked)
    start, end = time_range(asked, zone=zone)
    pieces = buckets.buckets(interval, start, end, zone)
    bounds = [piece.start_us for piece in pieces] + [end]
    where = filters(asked.parameters, _RESERVED)
    found = read_costs(asked.store, group, bounds, where, MOST_ROWS + 1)
    if len(found) > MOST_ROWS:
        raise ValueError(
            f"more than {MOST_ROWS:,} rows: expected fewer dimensions, a longer interval, "
            "a shorter range or a filter"
        )
    rows = []
    for number, spend in found:
        labels = {interval: pieces[number].label, **dict(zip(group, spend.group, strict=True))}
        rows.append({**{name: labels[name] for name in columns}, **_amounts([spend])})
    return {
        "by": list(columns),
        "interval": interval,
        "timezone": str(zone),
        "since": iso(start),
        "until": iso(end),
        "rows": rows,
        "total": _amounts([spend for _, spend in found]),
    }


def _shape(parameters: Parameters) -> tuple[tuple[str, ...], Interval, tuple[str, ...]]:
    """(dimensions, interval, columns in the order asked for)."""
    text = parameters.get("by", "feature")
    asked_for = names_in(text)
    for name in asked_for:
        if name not in DIMENSIONS and name not in _CALENDAR:
            accepted = ", ".join((*DIMENSIONS, *_CALENDAR))
            raise ValueError(f"by={name!r}: expected one of {accepted}")
    group = tuple(name for name in asked_for if name in DIMENSIONS)
    calendar = [name for name in asked_for if name in _CALENDAR]
    named = parameters.get("interval", "total")
    if named not in INTERVALS:
        raise ValueError(f"interval={named!r}: expected one of {', '.join(INTERVALS)}")
    if named != "total" and named not in calendar:
        calendar.append(named)
        asked_for = (named, *asked_for)
    if not asked_for or len(group) > MOST_GROUPS:
        raise ValueError(
            f"by={text!r}: expected 1 to {MOST_GROUPS} dimensions, separated by commas"
        )
    if len(calendar) > 1:
        raise ValueError(f"by and interval name {' and '.join(calendar)}: expected one of them")
    return group, (calendar[0] if calendar else "total"), asked_for


def _amounts(spends: list[Spend]) -> dict[str, str | int]:
    return {
        "cost_usd": format_usd(sum(s.cost_pico for s in spends)),
        "requests": sum(s.requests for s in spends),
        "unpriced": sum(s.unpriced for s in spends),
        "input_tokens": sum(s.input_tokens for s in spends),
        "output_tokens": sum(s.output_tokens for s in spends),
    }
