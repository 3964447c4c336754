"""Finds the rows of a PostgreSQL ledger that may tell of the same calls as rows to be stored.

While one emitter alone tells of calls nothing is looked up, as in the embedded ledger. Several
writers must agree on that, and on who decides first when two tellings of one call come to two of
them at once. So the table `emitters` says who tells of calls: a writer adds to it only while no
transaction of another one is under way, and each transaction reads it first. Once there are two,
a transaction locks the ids it is about before it looks: a fixed number of locks that ids are
hashed to, always taken in ascending order, so that no two transactions wait for each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final
from zlib import crc32

from taximeter_processor.ledger.identity import Links, is_suspect
from taximeter_processor.ledger.postgres_session import (
    EMITTERS,
    FIRST_CALL_LOCK,
    LOCKS,
    CameBetween,
    Connection,
    WriterSession,
)
from taximeter_processor.ledger.record import Key, Record
from taximeter_processor.ledger.rows import SELECTED, record_of
from taximeter_processor.ledger.same_call import LONGEST_US, MOST_APART_US

CALL_LOCKS: Final = 256
"""A transaction of few calls rarely shares one with another; one of many takes them all."""
_SUSPECT: Final = ""
"""Stands beside the emitters' names, none of which is empty."""
_AHEAD_US: Final = 600_000_000
"""Emitters are noted as seen for ten minutes more, so that it need not be done at every commit."""


class Related:
    """What a writer knows of emitters, and its look-ups inside a transaction."""

    def __init__(self) -> None:
        self._noted: dict[str, int] = {}

    def announce(self, session: WriterSession, fresh: Sequence[Record]) -> None:
        """Note who tells of calls, before the transaction that stores what they tell."""
        newest_us = max(record.start_time for record in fresh)
        emitters = {record.emitter for record in fresh}
        if any(map(is_suspect, fresh)):
            emitters.add(_SUSPECT)
        unknown = sorted(e for e in emitters if self._noted.get(e, -1) < newest_us)
        if unknown:
            until_us = newest_us + _AHEAD_US
            session.run(lambda connection: _note(connection, unknown, until_us))
            self._noted.update(dict.fromkeys(unknown, until_us))

    def lock(self, connection: Connection, fresh: Sequence[Record]) -> bool:
        """Begin to store rows; true if others may tell of the same calls, which are then locked."""
        connection.execute("select pg_advisory_xact_lock_shared($1, $2)", [LOCKS, EMITTERS])
        first_us = min(record.start_time for record in fresh) - MOST_APART_US
        recent = connection.execute(
            "select from emitters where seen_until >= make_timestamp($1) limit 2", [first_us]
        )
        if recent.rowcount < 2:
            return False
        ids = {record.trace_id for record in fresh} | {record.response_id for record in fresh}
        numbers = sorted({crc32(id_.encode("utf-8", "replace")) % CALL_LOCKS for id_ in ids if id_})
        connection.execute(
            "select pg_advisory_xact_lock($1, $2 + n) from unnest($3::int[]) n",
            [LOCKS, FIRST_CALL_LOCK, numbers],
        )
        return True

    def find(self, connection: Connection, fresh: Sequence[Record]) -> tuple[list[Record], Links]:
        """Rows that share a trace or a response, and the way up across duplicates."""
        first_us = min(record.start_time for record in fresh) - MOST_APART_US
        last_us = max(
            max(r.start_time + MOST_APART_US, min(r.end_time, r.start_time + LONGEST_US))
            for r in fresh
        )
        traces = list({record.trace_id for record in fresh})
        responses = list({r.response_id for r in fresh if r.response_id})
        rows = connection.execute(_RELATED, [first_us, last_us, traces, responses]).fetchall()
        links = connection.execute(_LINKS, [first_us, last_us, traces]).fetchall()
        return (
            [record_of(row) for row in rows],
            {(trace_id, span_id): parent for trace_id, span_id, parent in links},
        )


_BETWEEN: Final = "start_time between make_timestamp($1) and make_timestamp($2)"


def _for_each(place: str, condition: str, table: str, columns: str) -> str:
    """SQL for rows found by an index for each of many values.

    A plain join may be planned as one long scan, in a month of which there are no statistics yet.
    """
    return (
        f"select c.* from {place} k cross join lateral "
        f"(select {columns} from {table} where {condition} offset 0) c"
    )


_ROW_KEY: Final = "trace_id, span_id, start_time"
_RELATED: Final = (
    f"select {SELECTED} from calls join ("
    + " union ".join(
        _for_each(f"unnest({place}::text[])", f"{condition} and {_BETWEEN}", "calls", _ROW_KEY)
        for place, condition in (
            ("$3", "trace_id = k"),
            ("$4", "response_id = k and response_id <> ''"),
        )
    )
    + f") found using ({_ROW_KEY})"
)
_LINKS: Final = _for_each(
    "unnest($3::text[])",
    f"trace_id = k and {_BETWEEN}",
    "duplicates",
    "trace_id, span_id, parent_span_id",
)
_KEYS: Final = "unnest($1::text[], $2::text[], $3::bigint[])"
_STORED: Final = " union all ".join(
    _for_each(
        f"(select t, s, make_timestamp(u) u from {_KEYS} r (t, s, u))",
        "trace_id = k.t and span_id = k.s and start_time = k.u",
        table,
        "trace_id, span_id, epoch_us(start_time)",
    )
    for table in ("calls", "duplicates")
)
_LOCK_ROWS: Final = (
    f"select {SELECTED} from calls where ({_ROW_KEY}) in "
    f"(select t, s, make_timestamp(u) from {_KEYS} r (t, s, u)) order by {_ROW_KEY} for update"
)


def stored_keys(connection: Connection, keys: Sequence[Key]) -> set[Key]:
    """Those of the keys that the ledger holds."""
    rows = connection.execute(_STORED, _columns(keys)).fetchall()
    return {(trace_id, span_id, start) for trace_id, span_id, start in rows}


def lock_rows(connection: Connection, rows: Iterable[Record]) -> None:
    """Keep rows of the ledger as they were read. Raises `CameBetween` if one is not."""
    known = {(row.trace_id, row.span_id, row.start_time): row for row in rows}
    if not known:
        return
    found = connection.execute(_LOCK_ROWS, _columns(list(known))).fetchall()
    if {record_of(row) for row in found} != set(known.values()):
        raise CameBetween


def _columns(keys: Sequence[Key]) -> list[list[object]]:
    return [list(column) for column in zip(*keys, strict=True)]


def _note(connection: Connection, emitters: Sequence[str], until_us: int) -> None:
    connection.execute("select pg_advisory_xact_lock($1, $2)", [LOCKS, EMITTERS])
    connection.execute(
        "insert into emitters select e, make_timestamp($2) from unnest($1::text[]) e "
        "on conflict (emitter) do update "
        "set seen_until = greatest(emitters.seen_until, excluded.seen_until)",
        [list(emitters), until_us],
    )
