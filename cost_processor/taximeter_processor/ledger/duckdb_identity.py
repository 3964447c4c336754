"""Finds the rows of a DuckDB ledger that may tell of the same calls as rows about to be stored.

While one emitter alone tells of calls there are none, and nothing is looked up. With several, one
query a commit reads ids within ten minutes of the batch, and whole rows only where ids meet. Only
for a trace that holds what may be a sum of calls does it reach further, as far as that one lasted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

import duckdb

from taximeter_processor.ledger.arrow import ArrowSource
from taximeter_processor.ledger.duckdb_links import KeptLinks
from taximeter_processor.ledger.identity import Links, may_be_sum
from taximeter_processor.ledger.record import Record
from taximeter_processor.ledger.rows import SELECTED, record_of
from taximeter_processor.ledger.same_call import BRIDGES, LONGEST_US, MOST_APART_US

MOST_OPEN: Final = 10_000
"""Traces with what may be a sum, the newest, that are known to need a longer look."""
MOST_ROWS: Final = 10_000
"""Rows of the ledger that one commit is held against."""
_SUSPECT: Final = ""
"""Stands beside the emitters' names, none of which is empty, for rows that may tell of others."""
_MAY_BE_SUM: Final = (
    "(dialect <> 'taximeter' and (dialect = 'otel_unnamed' or usage_status = 'missing' "
    f"or epoch_us(end_time) - epoch_us(start_time) > {MOST_APART_US}))"
)


class Found(NamedTuple):
    """Rows of the ledger that may tell of the same calls, and the way up across other spans."""

    rows: list[Record]
    links: Links
    linked: frozenset[str]
    """Traces that are looked at because links arrive."""


class Related:
    """Looks for related rows on the connection that writes."""

    def __init__(self, writer: duckdb.DuckDBPyConnection, let_go: Counter[str]) -> None:
        """`let_go` counts what is past a limit: `links`, `open_traces`, `rows`."""
        self._writer = writer
        self._let_go = let_go
        self._links = KeptLinks(writer, let_go)
        self._told = ArrowSource(
            ("trace_id", "response_id"), (("trace_id", "text"), ("response_id", "text"))
        )
        writer.register("told", self._told)
        self._newest: dict[str, int] = {}
        self._open: dict[str, tuple[int, int]] = {}
        self._recall()

    def find(self, fresh: Sequence[Record], links: Links) -> Found | None:
        """What shares a trace or a response; None when no two rows can tell of one call.

        Keeps `links`, for which it looks at sums that are there already.
        """
        self._links.keep(links)
        linked = frozenset(trace_id for trace_id, _ in links if trace_id in self._open)
        moments = [self._open[trace_id] for trace_id in linked]
        if fresh:
            moments += self._learn(fresh)
        if not moments:
            return None
        first_us = min(start for start, _ in moments) - MOST_APART_US
        if sum(newest >= first_us for newest in self._newest.values()) < 2:
            return None
        last_us = max(end for _, end in moments) + MOST_APART_US
        self._told.load([(r.trace_id, r.response_id) for r in fresh] + [(t, "") for t in linked])
        rows = self._rows(first_us, last_us)
        return Found(rows, self._ways_up(first_us, last_us), linked)

    def _recall(self) -> None:
        """What earlier processes learnt, from the ledger."""
        rows = self._writer.execute(
            "select emitter, epoch_us(max(start_time)), "
            f"epoch_us(max(start_time) filter (where {_MAY_BE_SUM})) from calls group by emitter"
        ).fetchall()
        for emitter, newest, suspect in rows:
            self._note(emitter, newest)
            if suspect is not None:
                self._note(_SUSPECT, suspect)
        rows = self._writer.execute(
            "select trace_id, epoch_us(start_time), epoch_us(end_time) from calls "
            f"where {_MAY_BE_SUM} order by ingested_at desc limit {MOST_OPEN}"
        ).fetchall()
        for trace_id, start_us, end_us in reversed(rows):
            self._keep_open(trace_id, start_us, end_us)

    def _learn(self, fresh: Sequence[Record]) -> list[tuple[int, int]]:
        """The stretches of time to look at for fresh rows, who told of them, what may be a sum."""
        starts = [record.start_time for record in fresh]
        first_us, last_us = min(starts), max(starts)
        for emitter in {record.emitter for record in fresh}:
            self._note(emitter, last_us)
        for record in filter(may_be_sum, fresh):
            self._keep_open(record.trace_id, record.start_time, record.end_time)
            self._note(_SUSPECT, last_us)
        moments = [(first_us, last_us)]
        if self._open:
            traces = {record.trace_id for record in fresh}
            moments += [self._open[trace_id] for trace_id in traces if trace_id in self._open]
        return moments

    def _note(self, emitter: str, start_us: int) -> None:
        """One emitter is as good as two when it may tell of a call twice."""
        for name in (emitter, _SUSPECT) if emitter in BRIDGES else (emitter,):
            self._newest[name] = max(start_us, self._newest.get(name, 0))

    def _keep_open(self, trace_id: str, start_us: int, end_us: int) -> None:
        """Remember how long a look the trace needs; the trace told of last is forgotten last."""
        end_us = min(end_us, start_us + LONGEST_US)
        known = self._open.pop(trace_id, (start_us, end_us))
        self._open[trace_id] = min(start_us, known[0]), max(end_us, known[1])
        if len(self._open) > MOST_OPEN:
            del self._open[next(iter(self._open))]
            self._let_go["open_traces"] += 1

    def _rows(self, first_us: int, last_us: int) -> list[Record]:
        """First ids alone, which are few columns; then whole rows of the moments found."""
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
            f"start_time between make_timestamp({first}) and make_timestamp({last}) and {related} "
            f"limit {MOST_ROWS}"
        ).fetchall()
        # Whether there are more is not looked for.
        self._let_go["rows"] += len(rows) == MOST_ROWS
        return [record_of(row) for row in rows]

    def _ways_up(self, first_us: int, last_us: int) -> Links:
        """Across spans that are no calls, and across rows that are not counted."""
        rows = self._writer.execute(
            "select trace_id, span_id, parent_span_id from duplicates where start_time between "
            f"make_timestamp({first_us}) and make_timestamp({last_us}) "
            "and trace_id in (select trace_id from told)"
        ).fetchall()
        duplicates = {(trace_id, span_id): parent for trace_id, span_id, parent in rows}
        return {**duplicates, **self._links.of_told()}
