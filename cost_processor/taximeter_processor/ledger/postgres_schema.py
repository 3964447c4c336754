"""PostgreSQL's tables as numbered forward-only migrations, and its monthly partitions.

The shared reads say `epoch_us(time)`, `make_timestamp(µs)` and `//` as DuckDB does: the first
migration defines them, so that a query is one text for both engines. For the same reason ids are
text, as hexadecimal digits; every text compares by its bytes, so that both engines sort alike.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from typing import Final

from taximeter_processor.ledger.hourly import DEFAULT_DIMENSIONS
from taximeter_processor.ledger.journal import create_journal
from taximeter_processor.ledger.postgres_hourly import CREATE_HOURLY, add_measure, rebuild
from taximeter_processor.ledger.postgres_types import MONEY, TEXT, TYPES
from taximeter_processor.ledger.record import COLUMNS, NULLABLE
from taximeter_processor.ledger.upkeep_tables import create_upkeep
from taximeter_processor.ledger.views import create_views

_COLUMNS_OF_FIRST: Final = 49
"""Columns `calls` was born with; later ones are added by later migrations."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_OLDEST_YEAR: Final = 2020
"""What began before is in one partition, so that no sender can make one for every month ever."""


def _columns() -> str:
    return ",\n  ".join(
        f"{name} {TYPES[kind]}{'' if name in NULLABLE else ' not null'}"
        for name, kind in COLUMNS[:_COLUMNS_OF_FIRST]
    )


_FUNCTIONS: Final = """
create function epoch_us(timestamptz) returns bigint language sql immutable parallel safe strict
  as $$ select (extract(epoch from $1 at time zone 'UTC') * 1000000)::bigint $$;
create function make_timestamp(bigint) returns timestamptz language sql immutable parallel safe strict
  as $$ select (timestamp 'epoch' + $1 * interval '1 microsecond') at time zone 'UTC' $$;
create operator // (function = int8div, leftarg = bigint, rightarg = bigint);
"""  # noqa: E501

MIGRATIONS: Final = (
    f"""
    {_FUNCTIONS}
    create table calls (
      {_columns()},
      is_restated boolean not null default false,
      primary key (trace_id, span_id, start_time)
    ) partition by range (start_time);
    create index calls_tenant on calls (tenant, start_time);
    create index calls_response on calls (response_id) where response_id <> '';
    create index calls_time on calls using brin (start_time);
    create table restatements (
      trace_id {TEXT} not null, span_id {TEXT} not null, start_time timestamptz not null,
      writer {TEXT} not null, restated_at timestamptz not null, reason {TEXT} not null,
      old_cost_usd {MONEY} not null, new_cost_usd {MONEY} not null
    );
    create table dead_letters (
      received_at timestamptz not null, reason {TEXT} not null, detail {TEXT} not null,
      peer {TEXT} not null, size_bytes bigint not null, sha256 {TEXT} not null
    );
    create index dead_letters_received on dead_letters (received_at);
    create table first_counted (
      {_columns()}
    );
    create table duplicates (
      {_columns()},
      reason {TEXT} not null, of_trace_id {TEXT} not null, of_span_id {TEXT} not null,
      of_start_time timestamptz not null,
      primary key (trace_id, span_id, start_time)
    );
    create table emitters (emitter {TEXT} primary key, seen_until timestamptz not null);
    """,
    f"{CREATE_HOURLY} {rebuild(DEFAULT_DIMENSIONS)}",
    create_views("(hour at time zone 'UTC')::date"),
    # The way up across spans that are no calls, for calls and sums of other commits.
    f"""
    create table links (
      trace_id {TEXT}, span_id {TEXT}, parent_span_id {TEXT} not null,
      linked_at timestamptz not null, primary key (trace_id, span_id)
    );
    create index links_linked on links (linked_at);
    """,
    # Numbers of spans that came, for the writer that watches for those that did not.
    f"""
    create table arrivals (
      process {TEXT} not null, first bigint not null, last bigint not null,
      service {TEXT} not null, arrived_at timestamptz not null
    );
    """,
    create_upkeep(TEXT, "timestamptz"),
    create_journal(TEXT, "timestamptz"),
    # What arrived after a moment is taken out of the hourly sums (see `summed`). Calls lie in the
    # order of their arrival, so that a few kilobytes tell where.
    "create index calls_arrived on calls using brin (ingested_at);",
    add_measure("untagged_cost_usd"),
)


class Partition:
    """The part of `calls` for one month."""

    def __init__(self, start_us: int) -> None:
        """The one that calls which began at `start_us` belong to."""
        moment = _EPOCH + timedelta(microseconds=start_us)
        if moment.year < _OLDEST_YEAR:
            self.name = f"calls_before_{_OLDEST_YEAR}"
            self._first, self._end = "minvalue", f"'{_OLDEST_YEAR}-01-01 00:00+00'"
        else:
            following = (moment.replace(day=1) + timedelta(days=32)).replace(day=1)
            self.name = f"calls_{moment:%Y_%m}"
            self._first, self._end = (
                f"'{moment:%Y-%m}-01 00:00+00'",
                f"'{following:%Y-%m}-01 00:00+00'",
            )

    def attach(self) -> str:
        """SQL to add it where it is missing.

        A table that is attached stops neither readers nor writers of the others, which
        `partition of` would.
        """
        return (
            f"create table {self.name} (like calls including defaults including constraints "
            f"including indexes); alter table calls attach partition {self.name} "
            f"for values from ({self._first}) to ({self._end})"
        )


def partitions(start_times: Iterable[int]) -> dict[str, Partition]:
    """By name, the partitions that calls which began then (µs) belong to."""
    days = {start_us // 86_400_000_000 for start_us in start_times}
    found = (Partition(day * 86_400_000_000) for day in days)
    return {partition.name: partition for partition in found}
