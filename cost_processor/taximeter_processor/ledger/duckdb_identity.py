"""Finds the rows of a DuckDB ledger that may tell of the same calls as rows about to be stored.

While one emitter alone tells of calls there are none, and nothing is looked up. With several, one
query a commit reads ids within ten minutes of the batch, and whole rows only where ids meet.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import duckdb

from taximeter_processor.ledger.arrow import ArrowSource
from taximeter_processor.ledger.identity import Links, is_suspect
from taximeter_processor.ledger.record import Record
from taximeter_processor.ledger.rows import SELECTED, record_of
from taximeter_processor.ledger.same_call import LONGEST_US, MOST_APART_US

_SUSPECT: Final = ""
"""Stands beside the emitters' names, none of which is empty."""


class Found(NamedTuple):
    """Rows of the ledger that may tell of the same calls, and the way up across duplicates."""

    rows: list[Record]
    links: Links


class Related:
    """Looks for related rows on the connection that writes."""

    def __init__(self, writer: duckdb.DuckDBPyConnection) -> None:
        self._writer = writer
        self._told = ArrowSource(("trace_id", "response_id"))
        writer.register("told", self._told)
        suspect = (
            "dialect = 'otel_unnamed' or (usage_status = 'missing' and dialect <> 'taximeter')"
        )
        rows = writer.execute(
            "select emitter, epoch_us(max(start_time)), "
            f"epoch_us(max(start_time) filter (where {suspect})) from calls group by emitter"
        ).fetchall()
        self._newest: dict[str, int] = {emitter: newest for emitter, newest, _ in rows}
        for _, _, newest in rows:
            if newest is not None:
                self._note(_SUSPECT, newest)

    def find(self, fresh: Sequence[Record]) -> Found | None:
        """What shares a trace or a response; None when no two rows can tell of one call."""
        first_us = min(record.start_time for record in fresh) - MOST_APART_US
        emitters = {record.emitter for record in fresh}
        if any(map(is_suspect, fresh)):
            emitters.add(_SUSPECT)
        newest_us = max(record.start_time for record in fresh)
        for emitter in emitters:
            self._note(emitter, newest_us)
        recent = sum(newest >= first_us for newest in self._newest.values())
        if recent < 2:
            return None
        last_us = max(
            max(r.start_time + MOST_APART_US, min(r.end_time, r.start_time + LONGEST_US))
            for r in fresh
        )
        return Found(self._rows(fresh, first_us, last_us), self._links(first_us, last_us))

    def _note(self, emitter: str, start_us: int) -> None:
        self._newest[emitter] = max(start_us, self._newest.get(emitter, 0))

    def _rows(self, fresh: Sequence[Record], first_us: int, last_us: int) -> list[Record]:
        """First ids alone, which are few columns; then whole rows of the moments found."""
        self._told.load(fresh)
        related = (
            "(trace_id in (select trace_id from told) or (response_id <> '' and "
            "response_id in (select response_id from told)))"
        )
        ((first, last),) = self._writer.execute(
            "select epoch_us(min(start_time)), epoch_us(max(start_time)) from calls where "
            f"start_time between make_timestamp({first_us}) and make_timestamp({last_us}) "
            f"and {related}"
        ).fetchall()
        if first is None:
            return []
        rows = self._writer.execute(
            f"select {SELECTED} from calls where "
            f"start_time between make_timestamp({first}) and make_timestamp({last}) and {related}"
        ).fetchall()
        return [record_of(row) for row in rows]

    def _links(self, first_us: int, last_us: int) -> Links:
        rows = self._writer.execute(
            "select trace_id, span_id, parent_span_id from duplicates where start_time between "
            f"make_timestamp({first_us}) and make_timestamp({last_us}) "
            "and trace_id in (select trace_id from told)"
        ).fetchall()
        return {(trace_id, span_id): parent for trace_id, span_id, parent in rows}
