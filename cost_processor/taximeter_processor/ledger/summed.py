"""Where sums are read: from hourly sums as far as whole hours are wanted, from calls at the ends.

The relation looks the same either way, so a query need not know which it got.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from taximeter_processor.ledger.hourly import HOUR_US, MEASURES
from taximeter_processor.ledger.store import HourlySums, LedgerStore
from taximeter_processor.ledger.stretches import between


class Source(NamedTuple):
    """A relation with `start_time`, the dimensions and the sums, and how it tells of calls."""

    table: str
    requests: str
    unpriced: str


CALLS: Final = Source("calls", "count(*)", "count(*) filter (where status = 'unpriced')")


def summed(store: LedgerStore, names: Iterable[str], bounds_us: Sequence[int]) -> Source:
    """What to add up by these dimensions, where stretches begin and end at these moments.

    Hourly sums serve if they are kept by all of the dimensions and no bound cuts one of their
    hours; each hour then has its beginning as `start_time`.
    """
    wanted = frozenset(names)
    for sums in store.hourly_sums():
        if sums.dimensions >= wanted and (found := _joined(sums, sorted(wanted), bounds_us)):
            return Source(f"({found}) summed", "sum(requests)", "sum(unpriced)")
    return CALLS


def _joined(sums: HourlySums, names: Sequence[str], bounds_us: Sequence[int]) -> str:
    """SQL for hours of `sums` and the calls before and after them; empty if there is none."""
    start_us, end_us = min(bounds_us), max(bounds_us)
    first = -(-start_us // HOUR_US) * HOUR_US
    last = end_us // HOUR_US * HOUR_US
    if sums.until_us is not None:
        last = min(last, sums.until_us)
    cut = any(bound % HOUR_US and first < bound < last for bound in bounds_us)
    if cut or first >= last:
        return ""
    columns = "".join(f"{name}, " for name in names)
    kept = ", ".join(measure.name for measure in MEASURES)
    single = ", ".join(f"{measure.amount} as {measure.name}" for measure in MEASURES)
    parts = [
        f"select {columns}hour as start_time, {kept} from {sums.table} "
        f"where {between(first, last, 'hour')}"
    ]
    parts += [
        f"select {columns}start_time, {single} from calls where {between(begin, end)}"
        for begin, end in ((start_us, first), (last, end_us))
        if begin < end
    ]
    return " union all ".join(parts)
