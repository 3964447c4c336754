"""A named read for people who drill down: what groups of calls cost in stretches of time.

Like `queries`: µs UTC and pico-USD, in the SQL that DuckDB and PostgreSQL share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from taximeter_processor.ledger.filters import Where, tagged
from taximeter_processor.ledger.queries import Spend
from taximeter_processor.ledger.store import LedgerStore
from taximeter_processor.ledger.stretches import between, stretch_number
from taximeter_processor.ledger.summed import summed
from taximeter_processor.money import stored_to_pico
from taximeter_processor.names import UNKNOWN_VALUE


def costs(
    store: LedgerStore,
    group: Sequence[str],
    bounds_us: Sequence[int],
    where: Mapping[str, str],
    limit: int,
) -> list[tuple[int, Spend]]:
    """(number of the stretch, what a group cost in it): oldest first, then the dearest.

    Stretches lie between neighbouring bounds. Absent tags are the group `unknown`. At most `limit`
    rows come. Groups are dimensions, filters names of `FILTERS`.
    """
    names = "".join(f", g{number}" for number in range(len(group)))
    shown = "".join(
        f", coalesce(nullif({name}, ''), '{UNKNOWN_VALUE}') g{number}"
        for number, name in enumerate(group)
    )
    filters, parameters = tagged(Where(where))
    found = summed(store, (*group, *where), bounds_us)
    rows = store.read(
        f"select {stretch_number(bounds_us[1:-1])} bucket{shown}, sum(cost_usd), "
        f"sum({found.requests}), sum({found.unpriced}), sum(input_tokens), sum(output_tokens) "
        f"from {found.table} where {between(bounds_us[0], bounds_us[-1])}{filters} "
        f"group by bucket{names} having sum({found.requests}) > 0 "
        f"order by bucket, sum(cost_usd) desc{names} limit {int(limit)}",
        parameters,
    )
    width = len(group) + 1
    return [
        (
            row[0],
            Spend(
                tuple(row[1:width]),
                stored_to_pico(row[width]),
                *(int(value or 0) for value in row[width + 1 :]),
            ),
        )
        for row in rows
    ]
