"""Makes a DuckDB ledger of many calls for the benchmarks, inside the engine.

Two features belong to a team. Rows arrive in the order of time, as they do in life; costs are whole
pico-USD of integer rates.
"""

from __future__ import annotations

import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Final, NamedTuple

import duckdb

from taximeter_processor.ledger.duckdb_store import DuckDBStore
from taximeter_processor.ledger.record import COLUMNS

END: Final = datetime(2026, 11, 25, tzinfo=timezone.utc)
_END_US: Final = int(END.timestamp()) * 1_000_000
_STEP: Final = 1_000_000

# Whatever a column holds that no query here looks at is the same in every row.
_CONSTANT: Final = {"text": "''", "json": "null", "count": "0", "money": "0", "flag": "false"}
_VARYING: Final = {
    "trace_id": "printf('%032x', hash(i))",
    "span_id": "printf('%016x', hash(i + 1))",
    "start_time": "began",
    "end_time": "began + interval 1 second",
    "ingested_at": "began + interval 2 second",
    "writer": "'main'",
    "emitter": "'taximeter'",
    "dialect": "'taximeter'",
    "feature": "'feature-' || (h % {features})",
    "tenant": "'tenant-' || ((h >> 8) % {tenants})",
    "team": "'team-' || (h % {features} // 2)",
    "request_type": "case when h % 5 = 0 then 'batch' else 'interactive' end",
    "environment": "'prod'",
    "service_name": "'app-' || (h % 8)",
    "provider": "case when (h >> 20) % 3 = 0 then 'anthropic' else 'openai' end",
    "request_model": "'model-' || ((h >> 20) % 15)",
    "response_model": "'model-' || ((h >> 20) % 15)",
    "model": "'model-' || ((h >> 20) % 15)",
    "operation": "'chat'",
    "service_tier": "'standard'",
    "status": "'priced'",
    "usage_status": "'reported'",
    "input_tokens": "tokens",
    "output_tokens": "tokens // 8",
    "cache_read_tokens": "tokens // 2",
    "input_quantity": "tokens - tokens // 2",
    "cache_read_quantity": "tokens // 2",
    "output_quantity": "tokens // 8",
    "input_cost_usd": "((tokens - tokens // 2) * 250000)::decimal(24,0) / 1000000000000",
    "cache_read_cost_usd": "((tokens // 2) * 25000)::decimal(24,0) / 1000000000000",
    "output_cost_usd": "((tokens // 8) * 2000000)::decimal(24,0) / 1000000000000",
    "cost_usd": "cost",
    "first_cost_usd": "cost",
    "list_cost_usd": "cost + ((tokens // 2) * 225000)::decimal(24,0) / 1000000000000",
    "price_version": "'bench'",
    "price_source": "'bench'",
}


class Shape(NamedTuple):
    """What the calls of a ledger are spread over."""

    days: int = 365
    features: int = 40
    tenants: int = 2000


def make(path: Path, rows: int, shape: Shape = Shape()) -> None:  # noqa: B008  # immutable
    """A ledger with `rows` calls, evenly over the days before `END`; says how far it is."""
    DuckDBStore(path).close()
    span_us = shape.days * 86_400_000_000
    columns = ", ".join(
        f"{_VARYING.get(name) or _CONSTANT[kind]} as {name}" for name, kind in COLUMNS
    ).format(features=shape.features, tenants=shape.tenants)
    with duckdb.connect(str(path)) as connection:
        connection.execute("set threads = 2; set preserve_insertion_order = false")
        for first in range(0, rows, _STEP):
            last = min(first + _STEP, rows)
            connection.execute(
                f"insert into calls by name select {columns} from (select i, hash(i) h, "
                f"make_timestamp({_END_US - span_us} "
                f"+ (i * {span_us}::hugeint // {rows})::bigint) began, "
                "200 + (hash(i) >> 40) % 4000 tokens, "
                "((tokens - tokens // 2) * 250000 + (tokens // 2) * 25000 "
                "+ (tokens // 8) * 2000000)::decimal(24,0) / 1000000000000 cost "
                f"from range({first}, {last}) r(i))"
            )
            if sys.stderr.isatty():
                print(f"\r{last:,} of {rows:,} rows", end="", file=sys.stderr)
        connection.execute("checkpoint")
    _sum_up(path)


def _sum_up(path: Path) -> None:
    """Commit nothing until every past hour is summed up, as a service does by and by."""
    store = DuckDBStore(path)
    while True:
        before = store.hourly_sums()
        store.append([])
        if store.hourly_sums() == before:
            break
        if sys.stderr.isatty():
            print(
                f"\rhours summed up until {before and before[0].until_us}", end="", file=sys.stderr
            )
    store.close()
