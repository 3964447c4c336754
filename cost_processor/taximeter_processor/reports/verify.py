"""Proves that ledger, meters and counters agree: what `taximeter ledger verify` prints."""

from __future__ import annotations

import time
from typing import Any

from taximeter_processor.ledger import carried, queries
from taximeter_processor.ledger.hourly import hours_that_differ
from taximeter_processor.ledger.prune import calls_before_horizon
from taximeter_processor.ledger.store import LedgerStore
from taximeter_processor.metrics.counters import CostCounters
from taximeter_processor.money import format_usd
from taximeter_processor.settings import Settings


def verify(store: LedgerStore, writer: str, counters: CostCounters, now_us: int) -> dict[str, Any]:
    """Every identity with both sides in exact dollars; `ok` is true when all hold.

    Must run where no commit can come between (`IngestWorker.run`).
    """
    with store.snapshot() as reads:
        present = queries.totals(reads)
        pruned = carried.totals(reads)
        mine = queries.totals(reads, writer), carried.totals(reads, writer)
        restated = sum(change.up_pico - change.down_pico for change in carried.restated(reads))
        repeated = queries.repeated_keys(reads)
        differing = sum(hours_that_differ(reads, sums) for sums in store.hourly_sums())
        returned = calls_before_horizon(reads)
    shown = counters.totals(now_us)
    first = present.first_cost_pico + pruned.first_cost_pico
    checks = [
        _check("no key is stored twice", repeated, 0, money=False),
        _check(
            "sum(cost) = sum(first cost) + restated up - restated down",
            present.cost_pico + pruned.cost_pico,
            first + restated,
        ),
        _check(
            "sum(first cost) = sum of every meter's cost",
            first,
            present.meters_pico + pruned.meters_pico,
        ),
        _check(
            "this writer's sum(first cost) = counters + held + backfilled",
            sum(part.first_cost_pico for part in mine),
            sum(shown.values()),
        ),
        _check("hours whose sums are not those of their calls", differing, 0, money=False),
        _check("no call is older than the horizon", returned, 0, money=False),
    ]
    return {
        "ok": all(check["ok"] for check in checks),
        "writer": writer,
        "rows": present.rows,
        "cost_usd": format_usd(present.cost_pico),
        "pruned": {"rows": pruned.rows, "cost_usd": format_usd(pruned.cost_pico)},
        "counters": {name: format_usd(pico) for name, pico in shown.items()},
        "checks": checks,
    }


def verify_at_rest(store: LedgerStore, settings: Settings) -> dict[str, Any]:
    """`verify` of a ledger that no service writes: the counters are those of its next start."""
    counters = CostCounters(settings.limits.label_sets, settings.birth_hold_seconds)
    with store.snapshot() as reads:
        counters.seed(reads, settings.writer)
    return verify(store, settings.writer, counters, time.time_ns() // 1000)


def _check(name: str, left: int, right: int, *, money: bool = True) -> dict[str, Any]:
    shown = [format_usd(side) if money else str(side) for side in (left, right)]
    return {"check": name, "ok": left == right, "left": shown[0], "right": shown[1]}
