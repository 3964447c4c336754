"""Proves that ledger, meters and counters agree: what `taximeter ledger verify` prints."""

from __future__ import annotations

from typing import Any

from taximeter_processor.ledger import queries
from taximeter_processor.ledger.hourly import hours_that_differ
from taximeter_processor.ledger.store import LedgerStore
from taximeter_processor.metrics.counters import CostCounters
from taximeter_processor.money import format_usd


def verify(store: LedgerStore, writer: str, counters: CostCounters, now_us: int) -> dict[str, Any]:
    """Every identity with both sides in exact dollars; `ok` is true when all hold.

    Must run where no commit can come between (`IngestWorker.run`).
    """
    with store.snapshot() as reads:
        whole, mine = queries.totals(reads), queries.totals(reads, writer)
        differing = hours_that_differ(reads)
    shown = counters.totals(now_us)
    restated = whole.restated_up_pico - whole.restated_down_pico
    checks = [
        _check("no key is stored twice", whole.repeated_keys, 0, money=False),
        _check(
            "sum(cost) = sum(first cost) + restated up - restated down",
            whole.cost_pico,
            whole.first_cost_pico + restated,
        ),
        _check(
            "sum(first cost) = sum of every meter's cost", whole.first_cost_pico, whole.meters_pico
        ),
        _check(
            "this writer's sum(first cost) = counters + held + backfilled",
            mine.first_cost_pico,
            sum(shown.values()),
        ),
        _check("hours whose sums are not those of their calls", differing, 0, money=False),
    ]
    return {
        "ok": all(check["ok"] for check in checks),
        "writer": writer,
        "rows": whole.rows,
        "cost_usd": format_usd(whole.cost_pico),
        "counters": {name: format_usd(pico) for name, pico in shown.items()},
        "checks": checks,
    }


def _check(name: str, left: int, right: int, *, money: bool = True) -> dict[str, Any]:
    shown = [format_usd(side) if money else str(side) for side in (left, right)]
    return {"check": name, "ok": left == right, "left": shown[0], "right": shown[1]}
