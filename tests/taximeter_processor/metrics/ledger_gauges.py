"""One read of the ledger's gauges for tests: what it shows of calls that are given by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from prometheus_client.metrics_core import Metric as Family

from taximeter_processor.ledger.duckdb_store import DuckDBStore
from taximeter_processor.ledger.record import Record
from taximeter_processor.ledger.store import LedgerStore
from taximeter_processor.names import Metric
from taximeter_processor.periods import to_us
from taximeter_processor.settings import Settings
from tests.support.records import call

Read = Callable[[LedgerStore, Settings, datetime], Iterator[Family]]


def at(text: str) -> datetime:
    """A time of UTC such as `2026-11-18 12:00`."""
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)


def spent(number: int, when: str, usd: float, **changes: Any) -> Record:
    """A priced call at a time, all of its cost that of its 100 output tokens."""
    pico = round(usd * 10**12)
    nothing = dict.fromkeys(("input_quantity", "cache_read_quantity"), 0)
    nothing |= dict.fromkeys(("input_cost_usd", "cache_read_cost_usd"), 0)
    amounts = {"output_quantity": 100, "output_cost_usd": pico, "cost_usd": pico}
    changes = {**nothing, **amounts, **changes}
    return call(number, start_time=to_us(at(when)), first_cost_usd=pico, **changes)


def shown(
    directory: Path, calls: Sequence[Record], read: Read, now: str, **settings: Any
) -> dict[str, dict[tuple[str, ...], float]]:
    """Metric name -> label values in the order of its labels -> value."""
    with closing(DuckDBStore(directory / "ledger.duckdb")) as store:
        store.append(calls)
        families = list(read(store, Settings.model_validate(settings), at(now)))
    return {
        family.name: {tuple(s.labels.values()): round(s.value, 9) for s in family.samples}
        for family in families
    }


def of(found: dict[str, dict[tuple[str, ...], float]], metric: Metric) -> dict[Any, float]:
    """One metric's values."""
    return found[metric.name]
