"""Every read a person or script may ask, as JSON-ready values; the API and the CLI both call these.

Money is a decimal string of dollars, times are ISO 8601 UTC. Wrong parameters raise `ValueError`
with what was expected.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Final

from taximeter_processor.ledger import queries
from taximeter_processor.ledger.store import LedgerStore
from taximeter_processor.money import format_usd
from taximeter_processor.names import UNKNOWN_VALUE
from taximeter_processor.owners import Owners
from taximeter_processor.periods import day_bounds, from_us, parse_moment, to_us
from taximeter_processor.settings import Settings

Parameters = Mapping[str, str]
Answer = dict[str, Any]

_RESERVED: Final = frozenset({"by", "since", "until", "limit", "days"})
MOST_GROUPS: Final = 4
MOST_DAYS: Final = 400


@dataclass(frozen=True)
class Asked:
    """What a read works on."""

    store: LedgerStore
    settings: Settings
    parameters: Parameters
    now: datetime


def costs(asked: Asked) -> Answer:
    """Cost by up to four dimensions: `by`, `since` (7d), `until` (now), and `dimension=value`."""
    group = _dimensions(asked.parameters.get("by", "feature"))
    start, end = _range(asked)
    where = _filters(asked.parameters)
    found = queries.spend(asked.store, group, start, end, where)
    rows = [
        {
            **{name: value or UNKNOWN_VALUE for name, value in zip(group, s.group, strict=True)},
            "cost_usd": format_usd(s.cost_pico),
            "requests": s.requests,
            "unpriced": s.unpriced,
            "input_tokens": s.input_tokens,
            "output_tokens": s.output_tokens,
        }
        for s in found
    ]
    return {
        "by": list(group),
        "since": _iso(start),
        "until": _iso(end),
        "rows": rows,
        "total": {
            "cost_usd": format_usd(sum(s.cost_pico for s in found)),
            "requests": sum(s.requests for s in found),
            "unpriced": sum(s.unpriced for s in found),
            "input_tokens": sum(s.input_tokens for s in found),
            "output_tokens": sum(s.output_tokens for s in found),
        },
    }


def trend(asked: Asked) -> Answer:
    """Cost of each of the last `days` (30) days of the reporting zone by one dimension."""
    (dimension,) = _dimensions(asked.parameters.get("by", "feature"), most=1)
    days = _integer(asked.parameters, "days", 30, 1, MOST_DAYS)
    bounds = day_bounds(days, asked.now, asked.settings.zone)
    found = queries.spend_by_day(asked.store, dimension, bounds)
    zone = asked.settings.zone
    return {
        "by": dimension,
        "days": [from_us(us).astimezone(zone).date().isoformat() for us in bounds[:-1]],
        "series": {
            value or UNKNOWN_VALUE: [format_usd(pico) for pico in series]
            for value, series in sorted(found.items(), key=lambda item: -sum(item[1]))
        },
    }


def owners(asked: Asked) -> Answer:
    """Each feature and team of the last `since` (30d) with its owner and cost."""
    asked_range = {"since": "30d", **asked.parameters}
    start, end = _range(Asked(asked.store, asked.settings, asked_range, asked.now))
    rules = Owners(asked.settings.owners)
    rows = [
        {
            "feature": s.group[0] or UNKNOWN_VALUE,
            "team": s.group[1] or UNKNOWN_VALUE,
            "owner": rules.owner_of(s.group[0] or UNKNOWN_VALUE, s.group[1] or UNKNOWN_VALUE),
            "cost_usd": format_usd(s.cost_pico),
        }
        for s in queries.spend(asked.store, ("feature", "team"), start, end)
    ]
    return {"since": _iso(start), "until": _iso(end), "rows": rows}


def dead_letters(asked: Asked) -> Answer:
    """What was refused for good, newest first: `limit` (50)."""
    limit = _integer(asked.parameters, "limit", 50, 1, 10_000)
    rows = [
        {
            "received_at": _iso(received),
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
        "newest_call": _iso(newest) if newest is not None else None,
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
}


def _dimensions(text: str, most: int = MOST_GROUPS) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    for name in names:
        if name not in queries.DIMENSIONS:
            raise ValueError(f"by={name!r}: expected one of {', '.join(queries.DIMENSIONS)}")
    if not 1 <= len(names) <= most:
        raise ValueError(f"by={text!r}: expected 1 to {most} dimensions, separated by commas")
    return names


def _filters(parameters: Parameters) -> dict[str, str]:
    where = {}
    for name, value in parameters.items():
        if name in _RESERVED:
            continue
        if name not in queries.DIMENSIONS:
            raise ValueError(f"{name!r} is no filter: expected {', '.join(queries.DIMENSIONS)}")
        where[name] = "" if value == UNKNOWN_VALUE else value
    return where


def _range(asked: Asked) -> tuple[int, int]:
    zone = asked.settings.zone
    start = parse_moment(asked.parameters.get("since", "7d"), asked.now, zone)
    until = asked.parameters.get("until")
    end = parse_moment(until, asked.now, zone) if until else to_us(asked.now) + 3_600_000_000
    if end <= start:
        raise ValueError(f"until {_iso(end)} is not after since {_iso(start)}")
    return start, end


def _integer(parameters: Parameters, name: str, default: int, least: int, most: int) -> int:
    text = parameters.get(name, str(default))
    if not text.isdigit() or not least <= int(text) <= most:
        raise ValueError(f"{name}={text!r}: expected a whole number from {least} to {most}")
    return int(text)


def _iso(us: int) -> str:
    return from_us(us).astimezone(timezone.utc).isoformat().replace("+00:00", "Z")
