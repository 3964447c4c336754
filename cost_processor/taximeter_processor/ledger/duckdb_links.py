"""Keeps who is whose parent among spans that are no calls, so that a later commit finds its way up.

Spans of one trace come in several commits: a sum is recognised only when the spans between it and
its calls are still known. The newest hundred thousand are kept; calls alone leave none.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import Final

import duckdb

from taximeter_processor.ledger.arrow import ArrowSource
from taximeter_processor.ledger.identity import NO_LINKS, Links

MOST_LINKS: Final = 100_000
SPARE_LINKS: Final = MOST_LINKS // 10
"""So many more are let in before the oldest are taken out."""


class KeptLinks:
    """The table `links`, on the connection that writes."""

    def __init__(self, writer: duckdb.DuckDBPyConnection, let_go: Counter[str]) -> None:
        """`let_go` counts, as `links`, those past the limit."""
        self._writer = writer
        self._let_go = let_go
        self._fresh = ArrowSource(
            ("trace_id", "span_id", "parent_span_id"),
            (("trace_id", "text"), ("span_id", "text"), ("parent_span_id", "text")),
        )
        writer.register("fresh_links", self._fresh)
        self._count = self._stored()

    def keep(self, links: Links) -> None:
        """Store links, and let go of the oldest past the limit."""
        if not links:
            return
        self._fresh.load([(*span, parent) for span, parent in links.items()])
        self._writer.execute(
            "insert into links select trace_id, span_id, parent_span_id, make_timestamp(?) "
            "from fresh_links",
            [time.time_ns() // 1000],
        )
        self._count += len(links)
        if self._count > MOST_LINKS + SPARE_LINKS:
            self._writer.execute(
                "delete from links where rowid not in "
                f"(select rowid from links order by linked_at desc, rowid desc limit {MOST_LINKS})"
            )
            stored = self._stored()
            self._let_go["links"] += self._count - stored
            self._count = stored

    def of_told(self) -> Links:
        """Links of the traces in the registered relation `told`."""
        if not self._count:
            return NO_LINKS
        rows = self._writer.execute(
            "select trace_id, span_id, parent_span_id from links "
            "where trace_id in (select trace_id from told)"
        ).fetchall()
        return {(trace_id, span_id): parent for trace_id, span_id, parent in rows}

    def _stored(self) -> int:
        ((count,),) = self._writer.execute("select count(*) from links").fetchall()
        return int(count)
