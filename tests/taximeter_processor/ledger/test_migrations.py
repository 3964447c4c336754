"""A ledger of an older schema is brought up to date, with everything that is in it."""

from __future__ import annotations

from pathlib import Path

import duckdb
import psycopg
import pytest

from taximeter_processor.ledger import duckdb_schema, postgres_schema
from taximeter_processor.ledger.duckdb_store import DuckDBStore
from taximeter_processor.ledger.hourly import DEFAULT_DIMENSIONS
from taximeter_processor.ledger.postgres_hourly import rebuild
from taximeter_processor.ledger.postgres_store import PostgresStore
from taximeter_processor.ledger.record import COLUMNS, Kind, Record, Restatement
from taximeter_processor.ledger.store import LedgerStore
from taximeter_processor.metrics.counters import CostCounters
from taximeter_processor.money import format_usd
from taximeter_processor.reports.verify import verify
from tests.support.records import CALL, NOON_US, call


def literal(kind: Kind, value: object) -> str:
    if value is None:
        return "null"
    if kind == "time":
        return f"make_timestamp({value})"
    if kind == "money":
        return format_usd(int(str(value)))
    return f"'{value}'" if isinstance(value, str) else str(value)


def insert(record: Record, columns: int) -> str:
    """SQL to store a record in a schema with the first so many columns."""
    pairs = list(zip(COLUMNS, record, strict=True))[:columns]
    names = ", ".join(name for (name, _), _ in pairs)
    values = ", ".join(literal(kind, value) for (_, kind), value in pairs)
    return f"insert into calls ({names}) values ({values})"


def assert_goes_on(store: LedgerStore) -> None:
    """What was there is found, can be changed, and adds up with what comes."""
    assert store.append([CALL, call(1), call(2)]) == [call(2)]
    dearer = CALL._replace(output_cost_usd=252_000_000, cost_usd=320_800_000)
    made = store.restate([Restatement(dearer, "price_corrected", NOON_US)])
    assert made[0].new_cost == 320_800_000
    counters = CostCounters(birth_hold_seconds=0)
    counters.seed(store, "main")
    proof = verify(store, "main", counters, NOON_US + 60_000_000)
    assert proof["ok"], proof
    assert (proof["rows"], proof["cost_usd"]) == (3, "0.0007944")


@pytest.mark.parametrize("version", range(1, len(duckdb_schema.MIGRATIONS)))
def test_an_embedded_ledger_of_every_older_schema(tmp_path: Path, version: int) -> None:
    path = tmp_path / "l.duckdb"
    with duckdb.connect(str(path)) as old:
        for migration in duckdb_schema.MIGRATIONS[:version]:
            old.execute(migration)
        old.execute("create table taximeter_schema (version integer, applied_at timestamp)")
        old.execute(f"insert into taximeter_schema values ({version}, make_timestamp(0))")
        for record in (CALL, call(1)):
            old.execute(insert(record, 47 if version == 1 else len(COLUMNS)))
    store = DuckDBStore(path)
    assert_goes_on(store)
    store.close()


@pytest.mark.parametrize("version", range(1, len(postgres_schema.MIGRATIONS)))
def test_a_ledger_in_postgresql_of_every_older_schema(postgres_url: str, version: int) -> None:
    with psycopg.connect(postgres_url) as old:
        for migration in postgres_schema.MIGRATIONS[:version]:
            old.execute(migration.encode())
        old.execute("create table taximeter_schema (version integer, applied_at timestamptz)")
        old.execute("insert into taximeter_schema values (%s, now())", [version])
        for partition in postgres_schema.partitions([NOON_US]).values():
            old.execute(partition.attach().encode())
        for record in (CALL, call(1)):
            old.execute(insert(record, len(COLUMNS)).encode())
        if version >= 2:
            old.execute(rebuild(DEFAULT_DIMENSIONS).encode())
    store = PostgresStore(postgres_url, writer="main")
    assert_goes_on(store)
    store.close()
