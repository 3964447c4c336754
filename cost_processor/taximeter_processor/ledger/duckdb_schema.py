"""DuckDB's tables as numbered forward-only migrations, and the statements of its hot path.

There is no primary key: a key constraint costs 3.5 times the bytes and makes every insert scan the
table, while rows arrive in time order, so that a lookup within the batch's hours reads little.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from taximeter_processor.ledger.duckdb_hourly import CREATE as CREATE_PAST_HOURS
from taximeter_processor.ledger.duckdb_hourly import add_measure
from taximeter_processor.ledger.hourly import HOUR_US, MEASURES, POSSIBLE_DIMENSIONS
from taximeter_processor.ledger.journal import create_journal
from taximeter_processor.ledger.record import COLUMNS, FIXED, KEY, NULLABLE, Kind
from taximeter_processor.ledger.upkeep_tables import create_upkeep
from taximeter_processor.ledger.views import create_views

_TYPES: Final[dict[Kind, str]] = {
    "text": "varchar",
    "json": "varchar",
    "time": "timestamp",
    "count": "bigint",
    "money": "decimal(24,12)",
    "flag": "boolean",
}
_COLUMNS_OF_FIRST: Final = 47
"""Columns `calls` was born with; later ones are added by the migrations below."""
_NAMES: Final = ", ".join(name for name, _ in COLUMNS)


def _ddl() -> str:
    columns = ",\n  ".join(
        f"{name} {_TYPES[kind]}{'' if name in NULLABLE else ' not null'}"
        for name, kind in COLUMNS[:_COLUMNS_OF_FIRST]
    )
    return f"create table calls (\n  {columns}\n)"


_HOURLY: Final = f"""
  select date_trunc('hour', start_time) as hour, writer,
    {", ".join(POSSIBLE_DIMENSIONS)},
    {", ".join(f"sum({m.amount})::{m.type} as {m.name}" for m in MEASURES)}
  from calls group by all
"""

MIGRATIONS: Final = (
    f"""
    {_ddl()};
    create table restatements (
      trace_id varchar not null, span_id varchar not null, start_time timestamp not null,
      writer varchar not null, restated_at timestamp not null, reason varchar not null,
      old_cost_usd decimal(24,12) not null, new_cost_usd decimal(24,12) not null
    );
    create table dead_letters (
      received_at timestamp not null, reason varchar not null, detail varchar not null,
      peer varchar not null, size_bytes bigint not null, sha256 varchar not null
    );
    """,
    # `first_counted` keeps restated rows as the counters know them.
    """
    alter table calls add column raw_usage varchar;
    alter table calls add column also_told_by varchar default '';
    create table first_counted as from calls limit 0;
    alter table calls add column is_restated boolean default false;
    """,
    # What tells of a call that is counted by another row, and which.
    """
    create table duplicates as from first_counted limit 0;
    alter table duplicates add column reason varchar;
    alter table duplicates add column of_trace_id varchar;
    alter table duplicates add column of_span_id varchar;
    alter table duplicates add column of_start_time timestamp;
    """,
    # The way up across spans that are no calls, for calls and sums of other commits.
    """
    create table links (
      trace_id varchar not null, span_id varchar not null, parent_span_id varchar not null,
      linked_at timestamp not null
    );
    """,
    # By every dimension, for people who speak SQL.
    f"create view hourly as {_HOURLY};",
    create_views("hour::date"),
    create_upkeep("varchar", "timestamp"),
    CREATE_PAST_HOURS,
    create_journal("varchar", "timestamp"),
    f"""
    {add_measure("untagged_cost_usd")}
    create or replace view hourly as {_HOURLY};
    """,
)

PREPARE_INSERT: Final = f"prepare append_batch as insert into calls ({_NAMES}) from batch"
EXECUTE_INSERT: Final = "execute append_batch"

PROVE_ROOM: Final = (
    "create or replace table room as select repeat('0', 65536) as zeros",
    "drop table room",
)
"""Takes 64 KiB of the log, as a commit of a few hundred calls does."""

KEEP_DUPLICATES: Final = (
    f"insert into duplicates ({_NAMES}, reason, of_trace_id, of_span_id, of_start_time) "
    f"select {', '.join(f'batch.{name}' for name, _ in COLUMNS)}, $reason, "
    f"{', '.join(f'keys.{name}' for name in KEY)} from batch positional join keys"
)
"""For registered `batch` and `keys`: duplicates, and in the same order the calls they tell of."""

_MOST_RANGES: Final = 64
_SAME_ROW: Final = " and ".join(f"calls.{name} = batch.{name}" for name in KEY)


def lookup(start_times: Sequence[int]) -> str:
    """SQL for the registered `keys` that are in `calls`, given their start times in µs."""
    key = ", ".join(KEY)
    stored = " union all ".join(
        f"select {key} from {table} where {_within(start_times)}"
        for table in ("calls", "duplicates")
    )
    return (
        "select trace_id, span_id, epoch_us(start_time) from keys "
        f"semi join ({stored}) c using ({key})"
    )


def retire(start_times: Sequence[int]) -> tuple[str, str, str]:
    """SQL to take the registered `batch` out of `calls`: they were no calls of their own.

    In order: the rows as first counted, the audit (parameters: reason, µs), the removal.
    """
    found = f"{_SAME_ROW} and {_within(start_times, 'calls.')}"
    first = ", ".join(f"calls.{name}" for name, _ in COLUMNS)
    return (
        f"insert into first_counted ({_NAMES}) select {first} from calls join batch on {found} "
        "where not is_restated",
        "insert into restatements select calls.trace_id, calls.span_id, calls.start_time, "
        "calls.writer, make_timestamp($at), $reason, calls.cost_usd, 0 "
        f"from calls join batch on {found}",
        f"delete from calls using batch where {found}",
    )


def stored(start_times: Sequence[int]) -> str:
    """A relation: the calls whose keys are those of the registered `batch`."""
    return (
        f"(select calls.* from calls join batch on {_SAME_ROW} "
        f"where {_within(start_times, 'calls.')}) c"
    )


def restate(start_times: Sequence[int]) -> tuple[str, str, str, str]:
    """SQL to tell what replacing rows by the registered `batch` changes, and to do it.

    In order: the changes, the rows as first counted, the audit (parameters: reason, µs), the rows.
    """
    changed = f"calls join batch on {_SAME_ROW} where {_within(start_times, 'calls.')}"
    assigned = ", ".join(f"{name} = batch.{name}" for name, _ in COLUMNS if name not in FIXED)
    first = ", ".join(f"calls.{name}" for name, _ in COLUMNS)
    return (
        "select calls.cost_usd, batch.cost_usd, batch.feature, batch.team, batch.request_type, "
        f"batch.provider, batch.model, batch.environment from {changed}",
        f"insert into first_counted ({_NAMES}) select {first} from {changed} and not is_restated",
        "insert into restatements select calls.trace_id, calls.span_id, calls.start_time, "
        "calls.writer, make_timestamp($at), $reason, calls.cost_usd, batch.cost_usd "
        f"from {changed}",
        f"update calls set {assigned}, is_restated = true from batch "
        f"where {_SAME_ROW} and {_within(start_times, 'calls.')}",
    )


def _within(start_times: Sequence[int], table: str = "") -> str:
    """A condition for the stretches of time the batch touches.

    Gaps of more than an hour are left out, so one very old span costs its hour and not a scan from
    there to now.
    """
    return "(" + " or ".join(
        f"{table}start_time between make_timestamp({first}) and make_timestamp({last})"
        for first, last in _ranges(sorted(start_times))
    ) + ")"  # fmt: skip


def _ranges(ordered: Sequence[int]) -> list[tuple[int, int]]:
    """The stretches of ascending times without a gap of an hour; one past 64 of them."""
    ranges = [(ordered[0], ordered[0])]
    for moment in ordered[1:]:
        first, last = ranges[-1]
        if moment - last > HOUR_US:
            ranges.append((moment, moment))
        else:
            ranges[-1] = (first, moment)
    return ranges if len(ranges) <= _MOST_RANGES else [(ordered[0], ordered[-1])]
