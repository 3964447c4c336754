"""Keeps who is whose parent among spans that are no calls, for the commits of every writer.

The newest hundred thousand are kept, as in the embedded ledger; calls alone leave none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from taximeter_processor.ledger.identity import Links
from taximeter_processor.ledger.postgres_session import LINKS, LOCKS, Connection

MOST_LINKS: Final = 100_000
SPARE_LINKS: Final = MOST_LINKS // 10
"""So many more a writer lets in before it takes the oldest out."""


class KeptLinks:
    """The table `links`, as one writer adds to it."""

    def __init__(self, let_go: Counter[str]) -> None:
        """`let_go` counts, as `links`, those past the limit."""
        self._added = 0
        self._let_go = let_go

    def keep(self, connection: Connection, links: Links) -> None:
        """Store links that are new; now and then let go of the oldest past the limit."""
        spans = sorted(links)
        connection.execute(
            "insert into links select t, s, p, clock_timestamp() "
            "from unnest($1::text[], $2::text[], $3::text[]) l (t, s, p) "
            "on conflict do nothing",
            [[t for t, _ in spans], [s for _, s in spans], [links[span] for span in spans]],
        )
        self._added += len(links)
        if self._added > SPARE_LINKS:
            self._added = 0
            # One writer at a time: two would wait for each other's rows.
            gone = connection.execute(
                "delete from links where linked_at < (select linked_at from links "
                f"order by linked_at desc offset {MOST_LINKS - 1} limit 1) "
                "and (select pg_try_advisory_xact_lock($1, $2))",
                [LOCKS, LINKS],
            )
            self._let_go["links"] += gone.rowcount

    def of_traces(self, connection: Connection, traces: Sequence[str]) -> Links:
        """Links of these traces."""
        rows = connection.execute(
            "select l.* from unnest($1::text[]) k cross join lateral (select trace_id, span_id, "
            "parent_span_id from links where trace_id = k offset 0) l",
            [traces],
        ).fetchall()
        return {(trace_id, span_id): parent for trace_id, span_id, parent in rows}
