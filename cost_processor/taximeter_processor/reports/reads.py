"""Every read a person or script may ask, as JSON-ready values; the API and the CLI both call these.

Money is a decimal string of dollars, times are ISO 8601 UTC. Wrong parameters raise `ValueError`
with what was expected.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from taximeter_processor.ledger import queries
from taximeter_processor.money import format_usd
from taximeter_processor.names import UNKNOWN_VALUE
from taximeter_processor.periods import day_bounds, from_us, midnight, to_us
from taximeter_processor.reports.asked import (
    Answer,
    Asked,
    Parameters,
    iso,
    time_range,
    whole_number,
)
from taximeter_processor.reports.contracts import contracts
from taximeter_processor.reports.digest_read import digest
from taximeter_processor.reports.ownership import owners
from taximeter_processor.reports.used import models, usage

_RESERVED: Final = frozenset({"by", "since", "until", "limit", "days"})
MOST_GROUPS: Final = 4
DAY: Final = "day"
MOST_DAYS: Final = 400


def costs(asked: Asked) -> Answer:
    """Cost by up to four dimensions or `day`: `by`, `since` (7d), `until` (now), `dimension=value`.

    Days are those of the reporting zone, oldest first; within one, the dearest come first.
    """
    names = _names(asked.parameters.get("by", "feature"))
    group = _dimensions(tuple(name for name in names if name != DAY), names)
    start, end = time_range(asked)
    where = _filters(asked.parameters)
    found: list[tuple[str, queries.Spend]] = []
    for day, first, last in _stretches(asked, start, end, by_day=DAY in names):
        found += [(day, s) for s in queries.spend(asked.store, group, first, last, where)]
    rows = [{**_labels(names, group, day, s.group), **_amounts([s])} for day, s in found]
    return {
        "by": list(names),
        "since": iso(start),
        "until": iso(end),
        "rows": rows,
        "total": _amounts([s for _, s in found]),
    }


def trend(asked: Asked) -> Answer:
    """Cost of each of the last `days` (30) days of the reporting zone by one dimension."""
    asked_for = _names(asked.parameters.get("by", "feature"))
    (dimension,) = _dimensions(asked_for, asked_for, most=1)
    days = whole_number(asked.parameters, "days", 30, 1, MOST_DAYS)
    bounds = day_bounds(days, asked.now, asked.settings.zone)
    found: dict[str, list[int]] = {}
    for value, series in queries.spend_by_day(asked.store, dimension, bounds).items():
        # A tag may really be `unknown`: its days are added to those of the untagged.
        known = found.get(value or UNKNOWN_VALUE, [0] * len(series))
        found[value or UNKNOWN_VALUE] = [a + b for a, b in zip(known, series, strict=True)]
    zone = asked.settings.zone
    return {
        "by": dimension,
        "days": [from_us(us).astimezone(zone).date().isoformat() for us in bounds[:-1]],
        "series": {
            value: [format_usd(pico) for pico in series]
            for value, series in sorted(found.items(), key=lambda item: -sum(item[1]))
        },
    }


def dead_letters(asked: Asked) -> Answer:
    """What was refused for good, newest first: `limit` (50)."""
    limit = whole_number(asked.parameters, "limit", 50, 1, 10_000)
    rows = [
        {
            "received_at": iso(received),
            "reason": reason,
            "detail": detail,
            "peer": peer,
            "size_bytes": size,
            "sha256": digest,
        }
        for received, reason, detail, peer, size, digest in queries.dead_letters(asked.store, limit)
    ]
    return {"rows": rows, "by_reason": queries.dead_letter_counts(asked.store)}


def ledger_stats(asked: Asked) -> Answer:
    """How much is in the ledger, by writer and status."""
    rows, cost, newest = queries.quick_totals(asked.store)
    by = queries.spend(asked.store, ("writer", "status"), 0, to_us(asked.now) + 86_400_000_000)
    return {
        "rows": rows,
        "cost_usd": format_usd(cost),
        "bytes": asked.store.size_bytes(),
        "newest_call": iso(newest) if newest is not None else None,
        "by_writer": [
            {
                "writer": s.group[0],
                "status": s.group[1],
                "requests": s.requests,
                "cost_usd": format_usd(s.cost_pico),
            }
            for s in by
        ],
    }


READS: Final[dict[str, Callable[[Asked], Answer]]] = {
    "costs": costs,
    "trend": trend,
    "owners": owners,
    "dead-letters": dead_letters,
    "ledger/stats": ledger_stats,
    "models": models,
    "contracts": contracts,
    "digest": digest,
    "usage": usage,
}


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def _dimensions(
    group: tuple[str, ...], asked_for: tuple[str, ...], most: int = MOST_GROUPS
) -> tuple[str, ...]:
    """The group, checked; `asked_for` is what the user wrote."""
    for name in group:
        if name not in queries.DIMENSIONS:
            accepted = ", ".join((*queries.DIMENSIONS, DAY))
            raise ValueError(f"by={name!r}: expected one of {accepted}")
    if not 1 <= len(asked_for) <= most:
        text = ",".join(asked_for)
        raise ValueError(f"by={text!r}: expected 1 to {most} dimensions, separated by commas")
    return group


def _stretches(asked: Asked, start: int, end: int, *, by_day: bool) -> list[tuple[str, int, int]]:
    """(day, start, end) of each day of the range, or the whole range without a day."""
    if not by_day:
        return [("", start, end)]
    zone = asked.settings.zone
    first = from_us(start).astimezone(zone).date()
    last = from_us(end - 1).astimezone(zone).date()
    count = (last - first).days + 1
    if count > MOST_DAYS:
        raise ValueError(f"{count} days: expected at most {MOST_DAYS}")
    days = [first + timedelta(days=number) for number in range(count)]
    return [
        (
            day.isoformat(),
            max(start, midnight(day, zone)),
            min(end, midnight(day + timedelta(days=1), zone)),
        )
        for day in days
    ]


def _labels(
    names: tuple[str, ...], group: tuple[str, ...], day: str, values: tuple[str, ...]
) -> dict[str, str]:
    found = {**dict(zip(group, values, strict=True)), DAY: day}
    return {name: found[name] or UNKNOWN_VALUE for name in names}


def _amounts(spends: list[queries.Spend]) -> dict[str, str | int]:
    return {
        "cost_usd": format_usd(sum(s.cost_pico for s in spends)),
        "requests": sum(s.requests for s in spends),
        "unpriced": sum(s.unpriced for s in spends),
        "input_tokens": sum(s.input_tokens for s in spends),
        "output_tokens": sum(s.output_tokens for s in spends),
    }


def _filters(parameters: Parameters) -> dict[str, str]:
    where = {}
    for name, value in parameters.items():
        if name in _RESERVED:
            continue
        if name not in queries.DIMENSIONS:
            raise ValueError(f"{name!r} is no filter: expected {', '.join(queries.DIMENSIONS)}")
        where[name] = "" if value == UNKNOWN_VALUE else value
    return where
