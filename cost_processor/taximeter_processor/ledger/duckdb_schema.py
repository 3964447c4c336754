"""DuckDB's tables, numbered forward-only migrations, and the two statements of the hot path.

There is no primary key: a key constraint costs 3.5 times the bytes and makes every insert scan the
table, while rows arrive in time order, so that a lookup within the batch's hours reads little.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from taximeter_processor.ledger.record import COLUMNS, KEY, NULLABLE, Kind

_TYPES: Final[dict[Kind, str]] = {
    "text": "varchar",
    "json": "varchar",
    "time": "timestamp",
    "count": "bigint",
    "money": "decimal(24,12)",
    "flag": "boolean",
}


def _ddl() -> str:
    columns = ",\n  ".join(
        f"{name} {_TYPES[kind]}{'' if name in NULLABLE else ' not null'}" for name, kind in COLUMNS
    )
    return f"create table calls (\n  {columns}\n)"


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
)

PREPARE_INSERT: Final = (
    f"prepare append_batch as insert into calls ({', '.join(name for name, _ in COLUMNS)}) "
    "from batch"
)
EXECUTE_INSERT: Final = "execute append_batch"

_HOUR_US: Final = 3_600_000_000
_MOST_RANGES: Final = 64


def lookup(start_times: Sequence[int]) -> str:
    """SQL for the registered `keys` that are in `calls`, given their start times in µs.

    Only the stretches of time the batch touches are searched (gaps of more than an hour are left
    out), so one very old span costs its hour and not a scan from there to now.
    """
    ranges = _ranges(sorted(start_times))
    within = " or ".join(
        f"start_time between make_timestamp({first}) and make_timestamp({last})"
        for first, last in ranges
    )
    key = ", ".join(KEY)
    return (
        "select trace_id, span_id, epoch_us(start_time) from keys "
        f"semi join (select {key} from calls where {within}) c using ({key})"
    )


def _ranges(ordered: Sequence[int]) -> list[tuple[int, int]]:
    """The stretches of ascending times without a gap of an hour; one past 64 of them."""
    ranges = [(ordered[0], ordered[0])]
    for moment in ordered[1:]:
        first, last = ranges[-1]
        if moment - last > _HOUR_US:
            ranges.append((moment, moment))
        else:
            ranges[-1] = (first, moment)
    return ranges if len(ranges) <= _MOST_RANGES else [(ordered[0], ordered[-1])]
