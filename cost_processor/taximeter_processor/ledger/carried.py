"""What pruned rows go on adding to the counters and to the ledger's totals: the table `carried`.

Counters are a function of the ledger and never fall. Before rows go, what the reads that seed the
counters find in them is kept under the same keys; a start adds it to what the other rows hold.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, NamedTuple

from taximeter_processor.ledger import queries
from taximeter_processor.ledger.queries import Totals, Window
from taximeter_processor.ledger.store import Changes, Reads

Labels = tuple[str, ...]
Sums = dict[str, tuple[int, int]]
"""Key -> (amount, born µs): pico-USD for money, counts for the rest."""

COST: Final = "cost"
UNPRICED: Final = "unpriced"
HISTOGRAM: Final = "histogram"
BACKFILLED: Final = "backfilled"
_TOTAL: Final = "total"
_RESTATED: Final = "restated"
SUM_KEY: Final = "sum/"
UNBOUNDED: Final = "inf"
_ROWS_A_STATEMENT: Final = 500

Family = dict[Labels, Sums]


class Restated(NamedTuple):
    """Changes to costs for one reason, pico-USD."""

    reason: str
    up_pico: int
    down_pico: int


def counted(
    reads: Reads, writer: str, bounds_pico: Sequence[int]
) -> dict[str, list[tuple[Labels, Sums]]]:
    """By family, all that a writer ever counted: label sets in order of birth, then by name.

    Keys are `family/last label` as in `queries.counter_sums`, `unpriced/`, `cost/` (back-filled)
    and for the histogram `sum/` and, for each bucket that has calls, `le/` with its bound.
    """
    found = _of_rows(reads, writer, bounds_pico)
    rows = reads.read(
        "select family, labels, key, amount, epoch_us(born) from carried where writer = ? "
        "order by family, labels, key",
        [writer],
    )
    for family, labels, key, amount, born in rows:
        if family in found:
            _add(found[family], tuple(json.loads(labels)), {key: (int(amount), born)})
    return {name: sorted(family.items(), key=_birth) for name, family in found.items()}


def totals(reads: Reads, writer: str | None = None) -> Totals:
    """What pruned rows added up to, all writers' or one's."""
    mine = "and writer = ?" if writer is not None else ""
    rows = reads.read(
        f"select key, sum(amount) from carried where family = '{_TOTAL}' {mine} group by key",
        [writer] if writer is not None else (),
    )
    sums = {key: int(amount) for key, amount in rows}
    return Totals(*(sums.get(name, 0) for name in Totals._fields))


def restated(reads: Reads) -> list[Restated]:
    """Every change to a cost after it was first counted, of pruned rows too, by reason."""
    amounts = [(reason, up, down) for _, reason, up, down in queries.restated(reads)]
    kept = reads.read(
        "select labels, sum(amount) filter (where key = 'up'), "
        f"sum(amount) filter (where key = 'down') from carried where family = '{_RESTATED}' "
        "group by labels"
    )
    amounts += [(json.loads(labels)[0], int(up), int(down)) for labels, up, down in kept]
    sums: dict[str, Restated] = {}
    for reason, up, down in amounts:
        _, before_up, before_down = sums.get(reason, (reason, 0, 0))
        sums[reason] = Restated(reason, before_up + up, before_down + down)
    return [sums[reason] for reason in sorted(sums)]


def size(reads: Reads) -> int:
    """Rows of the table: one for each label set and last label that pruned rows counted."""
    ((rows,),) = reads.read("select count(*) from carried")
    return int(rows)


def keep(changes: Changes, going: Window, bounds_pico: Sequence[int], now_us: int) -> None:
    """Keep what rows that are about to go have added, every writer's."""
    writers = changes.read(
        " union ".join(
            f"select writer from {table} where {queries.in_window(going)}"
            for table in ("calls", "first_counted")
        )
    )
    for (writer,) in sorted(writers):
        found = _of_rows(changes, writer, bounds_pico, going)
        whole = queries.totals(changes, writer, going)
        found[_TOTAL] = {(): {key: (amount, now_us) for key, amount in whole._asdict().items()}}
        _write(changes, writer, found)
    for writer, reason, up, down in queries.restated(changes, going):
        _write(
            changes, writer, {_RESTATED: {(reason,): {"up": (up, now_us), "down": (down, now_us)}}}
        )


def _of_rows(
    reads: Reads, writer: str, bounds_pico: Sequence[int], within: Window | None = None
) -> dict[str, Family]:
    """What the rows of a writer have added, all of them or those of a stretch of time."""
    families: dict[str, Family] = {COST: {}, UNPRICED: {}, HISTOGRAM: {}, BACKFILLED: {}}
    for labels, sums in queries.counter_sums(reads, writer, within):
        _add(families[COST], labels, sums)
    for labels, born, count in queries.unpriced_sums(reads, writer, within):
        _add(families[UNPRICED], labels, {"unpriced/": (count, born)})
    names = [f"le/{bound}" for bound in (*bounds_pico, UNBOUNDED)]
    for feature, born, counts, total in queries.histogram_sums(reads, writer, bounds_pico, within):
        buckets = {name: (count, born) for name, count in zip(names, counts, strict=True) if count}
        _add(families[HISTOGRAM], (feature,), {SUM_KEY: (total, born), **buckets})
    for labels, born, pico in queries.backfilled_sums(reads, writer, within):
        _add(families[BACKFILLED], labels, {"cost/": (pico, born)})
    return families


def _add(family: Family, labels: Labels, sums: Sums) -> None:
    known = family.setdefault(labels, {})
    for key, (amount, born) in sums.items():
        before, first = known.get(key, (0, born))
        known[key] = (before + amount, min(first, born))


def _birth(item: tuple[Labels, Sums]) -> tuple[int, Labels]:
    labels, sums = item
    return min(born for _, born in sums.values()), labels


def _write(changes: Changes, writer: str, families: dict[str, Family]) -> None:
    """Add to the table."""
    rows = (
        (writer, name, json.dumps(labels, ensure_ascii=False), key, amount, born)
        for name, family in families.items()
        for labels, sums in family.items()
        for key, (amount, born) in sums.items()
    )
    for some in _chunks(rows):
        places = ", ".join(["(?, ?, ?, ?, ?, make_timestamp(?))"] * len(some))
        changes.execute(
            f"insert into carried (writer, family, labels, key, amount, born) values {places} "
            "on conflict (writer, family, labels, key) do update set "
            "amount = carried.amount + excluded.amount, born = least(carried.born, excluded.born)",
            [value for row in some for value in row],
        )


def _chunks(rows: Iterable[tuple[object, ...]]) -> Iterator[list[tuple[object, ...]]]:
    left = iter(rows)
    while some := list(islice(left, _ROWS_A_STATEMENT)):
        yield some
