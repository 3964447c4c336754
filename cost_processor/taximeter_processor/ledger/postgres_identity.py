"""Finds the rows of a PostgreSQL ledger that may tell of the same calls as rows to be stored.

While one emitter alone tells of calls nothing is looked up, as in the embedded ledger. Several
writers must agree on that, and on who decides first when two tellings of one call come to two of
them at once. So the table `emitters` says who tells of calls: a writer adds to it only while no
transaction of another one is under way, and each transaction reads it first. Once there are two,
a transaction locks the ids it is about before it looks: a fixed number of locks that ids are
hashed to, always taken in ascending order, so that no two transactions wait for each other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple
from zlib import crc32

from taximeter_processor.ledger.identity import Links, may_be_sum
from taximeter_processor.ledger.postgres_links import KeptLinks
from taximeter_processor.ledger.postgres_session import (
    EMITTERS,
    FIRST_CALL_LOCK,
    LOCKS,
    CameBetween,
    Connection,
    WriterSession,
)
from taximeter_processor.ledger.record import Key, Record, key_of
from taximeter_processor.ledger.rows import SELECTED, record_of
from taximeter_processor.ledger.same_call import BRIDGES, LONGEST_US, MOST_APART_US

CALL_LOCKS: Final = 256
"""A transaction of few calls rarely shares one with another; one of many takes them all."""
MOST_ROWS: Final = 10_000
"""Rows of the ledger that one commit is held against."""
_SUSPECT: Final = ""
"""Stands beside the emitters' names, none of which is empty, for rows that may tell of others."""
_AHEAD_US: Final = 600_000_000
"""Emitters are noted as seen for ten minutes more, so that it need not be done at every commit."""


class Found(NamedTuple):
    """Rows of the ledger that may tell of the same calls, and the way up across other spans."""

    rows: list[Record]
    links: Links
    linked: frozenset[str]
    """Traces that are looked at because links arrive."""


class Related:
    """What a writer knows of emitters, and its look-ups inside a transaction."""

    def __init__(self, let_go: Counter[str]) -> None:
        """`let_go` counts what is past a limit: `links`, `rows`."""
        self._noted: dict[str, int] = {}
        self._let_go = let_go
        self._links = KeptLinks(let_go)

    def announce(self, session: WriterSession, fresh: Sequence[Record]) -> None:
        """Note who tells of calls, before the transaction that stores what they tell."""
        seen = _seen(fresh)
        missing = sorted(name for name, us in seen.items() if self._noted.get(name, -1) < us)
        if missing:
            until = {name: seen[name] + _AHEAD_US for name in missing}
            session.run(lambda connection: _note(connection, until))
            self._noted.update(until)

    def begin(self, connection: Connection, fresh: Sequence[Record], links: Links) -> bool:
        """Begin to store rows and links; true if rows of the ledger may have to do with them.

        Those are locked then, against other writers.
        """
        connection.execute("select pg_advisory_xact_lock_shared($1, $2)", [LOCKS, EMITTERS])
        first_us = min((r.start_time for r in fresh), default=0) - MOST_APART_US
        recent = connection.execute(
            "select from emitters where seen_until >= make_timestamp($1) limit 2",
            # A link does not tell when what is above and below it began.
            [0 if links else first_us],
        )
        may_be_told = recent.rowcount > 1
        if may_be_told:
            ids = {record.trace_id for record in fresh} | {record.response_id for record in fresh}
            _lock(connection, ids.union(trace_id for trace_id, _ in links))
        if links:
            self._links.keep(connection, links)
        return may_be_told

    def find(self, connection: Connection, fresh: Sequence[Record], links: Links) -> Found:
        """Rows that share a trace or a response, and the way up across spans that do not count."""
        starts = [record.start_time for record in fresh] or [0]
        near = min(starts) - MOST_APART_US, max(starts) + MOST_APART_US
        # As far as a sum may reach: below it, and to it.
        far = min(starts) - LONGEST_US, max(starts) + LONGEST_US + MOST_APART_US
        traces = {record.trace_id for record in fresh}
        responses = [record.response_id for record in fresh if record.response_id]
        linked = frozenset(trace_id for trace_id, _ in links)
        others = list(linked - traces)
        rows = connection.execute(
            _RELATED, [*far, list(traces), *near, responses, others]
        ).fetchall()
        # Whether there are more is not looked for.
        self._let_go["rows"] += len(rows) == MOST_ROWS
        duplicates = connection.execute(_DUPLICATES, [*far, list(traces), others]).fetchall()
        ways_up = {(trace_id, span_id): parent for trace_id, span_id, parent in duplicates}
        kept = self._links.of_traces(connection, [*traces, *others])
        return Found([record_of(row) for row in rows], {**ways_up, **kept}, linked)


def stored_keys(connection: Connection, keys: Sequence[Key]) -> set[Key]:
    """Those of the keys that the ledger holds."""
    if not keys:
        return set()
    rows = connection.execute(_STORED, _columns(keys)).fetchall()
    return {(trace_id, span_id, start) for trace_id, span_id, start in rows}


def lock_rows(connection: Connection, rows: Iterable[Record]) -> None:
    """Keep rows of the ledger as they were read. Raises `CameBetween` if one is not."""
    known = {key_of(row): row for row in rows}
    if not known:
        return
    found = connection.execute(_LOCK_ROWS, _columns(list(known))).fetchall()
    if {record_of(row) for row in found} != set(known.values()):
        raise CameBetween


def _seen(fresh: Sequence[Record]) -> dict[str, int]:
    """When emitters were seen last; a sum may be told of as long as it runs."""
    newest_us = max(record.start_time for record in fresh)
    seen = {record.emitter: newest_us for record in fresh}
    # One emitter is as good as two when it may tell of a call twice.
    ends = [min(r.end_time, r.start_time + LONGEST_US) for r in fresh if may_be_sum(r)]
    if ends or not BRIDGES.isdisjoint(seen):
        seen[_SUSPECT] = max([newest_us, *ends])
    return seen


def _note(connection: Connection, until: Mapping[str, int]) -> None:
    connection.execute("select pg_advisory_xact_lock($1, $2)", [LOCKS, EMITTERS])
    connection.execute(
        "insert into emitters select e, make_timestamp(u) "
        "from unnest($1::text[], $2::bigint[]) r (e, u) on conflict (emitter) do update "
        "set seen_until = greatest(emitters.seen_until, excluded.seen_until)",
        [list(until), list(until.values())],
    )


def _lock(connection: Connection, ids: Iterable[str]) -> None:
    numbers = sorted({crc32(id_.encode("utf-8", "replace")) % CALL_LOCKS for id_ in ids if id_})
    connection.execute(
        "select pg_advisory_xact_lock($1, $2 + n) from unnest($3::int[]) n",
        [LOCKS, FIRST_CALL_LOCK, numbers],
    )


def _columns(keys: Sequence[Key]) -> list[list[object]]:
    return [list(column) for column in zip(*keys, strict=True)]


def _between(first: str, last: str) -> str:
    return f"start_time between make_timestamp({first}) and make_timestamp({last})"


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
        _for_each(f"unnest({place}::text[])", condition, "calls", _ROW_KEY)
        for place, condition in (
            ("$3", f"trace_id = k and {_between('$1', '$2')}"),
            ("$6", f"response_id = k and response_id <> '' and {_between('$4', '$5')}"),
            ("$7", "trace_id = k"),
        )
    )
    + f" limit {MOST_ROWS}) found using ({_ROW_KEY})"
)
_DUPLICATES: Final = " union all ".join(
    _for_each(
        f"unnest({place}::text[])", condition, "duplicates", "trace_id, span_id, parent_span_id"
    )
    for place, condition in (
        ("$3", f"trace_id = k and {_between('$1', '$2')}"),
        ("$4", "trace_id = k"),
    )
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
