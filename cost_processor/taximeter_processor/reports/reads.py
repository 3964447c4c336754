"""Every read a person or script may ask, as JSON-ready values; the API and the CLI both call these.

Money is a decimal string of dollars, times are ISO 8601 UTC. Wrong parameters raise `ValueError`
with what was expected.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from taximeter_processor.ledger import carried, erase, queries
from taximeter_processor.ledger.record import DIMENSIONS
from taximeter_processor.money import format_usd
from taximeter_processor.names import UNKNOWN_VALUE
from taximeter_processor.periods import day_bounds, from_us, to_us
from taximeter_processor.reports.asked import (
    Answer,
    Asked,
    iso,
    whole_number,
)
from taximeter_processor.reports.contracts import contracts
from taximeter_processor.reports.costs import costs
from taximeter_processor.reports.digest_read import digest
from taximeter_processor.reports.ownership import owners
from taximeter_processor.reports.requests import requests
from taximeter_processor.reports.status import adoption_read
from taximeter_processor.reports.used import models, usage

MOST_DAYS: Final = 400


def trend(asked: Asked) -> Answer:
    """Cost of each of the last `days` (30) days of the reporting zone by one dimension."""
    dimension = asked.parameters.get("by", "feature").strip()
    if dimension not in DIMENSIONS:
        raise ValueError(f"by={dimension!r}: expected one of {', '.join(DIMENSIONS)}")
    days = whole_number(asked.parameters, "days", 30, 1, MOST_DAYS)
    bounds = day_bounds(days, asked.now, asked.settings.zone)
    found: dict[str, list[int]] = {}
    for (value,), series in queries.spend_by_day(asked.store, [dimension], bounds).items():
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
    horizon = queries.horizon_us(asked.store)
    by = queries.spend(asked.store, ("writer", "status"), 0, to_us(asked.now) + 86_400_000_000)
    return {
        "rows": rows,
        "cost_usd": format_usd(cost),
        "bytes": asked.store.size_bytes(),
        "newest_call": iso(newest) if newest is not None else None,
        "horizon": iso(horizon) if horizon else None,
        "pruned_calls": carried.totals(asked.store).rows,
        "carried_rows": carried.size(asked.store),
        "forgotten_calls": erase.erased(asked.store).calls,
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
    "requests": requests,
    "trend": trend,
    "owners": owners,
    "dead-letters": dead_letters,
    "ledger/stats": ledger_stats,
    "models": models,
    "contracts": contracts,
    "digest": digest,
    "usage": usage,
    "adoption": adoption_read,
}
