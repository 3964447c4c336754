"""Where sums are read: from hourly sums as far as whole hours are wanted, from calls elsewhere.

The relation looks the same either way, so a query need not know which it got.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from taximeter_processor.ledger.hourly import HOUR_US, MEASURES
from taximeter_processor.ledger.store import HourlySums, LedgerStore
from taximeter_processor.ledger.stretches import between

MOST_CUT_HOURS: Final = 40
"""A stretch of calls is one more scan: past this many, one scan of all calls is cheaper."""

_AMOUNTS: Final = {measure.name: measure.amount for measure in MEASURES}


class Source(NamedTuple):
    """A relation with `start_time`, the dimensions and the sums, and what a row of it counts."""

    table: str
    requests: str
    unpriced: str
    untagged: str
    """Of the cost: what lacks at least one of the four tags."""


_COUNTED: Final = ("requests", "unpriced", "untagged_cost_usd")
CALLS: Final = Source("calls", *(_AMOUNTS[name] for name in _COUNTED))


def summed(
    store: LedgerStore,
    names: Iterable[str],
    bounds_us: Sequence[int],
    known_at_us: int | None = None,
) -> Source:
    """What to add up by these dimensions, where stretches begin and end at these moments.

    Hourly sums serve if they are kept by all of the dimensions; each hour then has its beginning
    as `start_time`, and one that a bound cuts is read from its calls. With `known_at_us`, only what
    had arrived by then counts; a group may be left with no calls.
    """
    wanted = frozenset(names)
    for sums in store.hourly_sums():
        if sums.dimensions >= wanted and (
            found := _joined(sums, sorted(wanted), bounds_us, known_at_us)
        ):
            return Source(f"({found}) summed", *_COUNTED)
    if known_at_us is None:
        return CALLS
    return CALLS._replace(table=f"(select * from calls where {_arrived(known_at_us)}) calls")


def _joined(
    sums: HourlySums, names: Sequence[str], bounds_us: Sequence[int], known_at_us: int | None
) -> str:
    """SQL for hours of `sums` and the calls around and between them; empty if it saves nothing."""
    start_us, end_us = min(bounds_us), max(bounds_us)
    first = -(-start_us // HOUR_US) * HOUR_US
    last = end_us // HOUR_US * HOUR_US
    if sums.until_us is not None:
        last = min(last, sums.until_us)
    cut = sorted(
        {us // HOUR_US * HOUR_US for us in bounds_us if us % HOUR_US and first < us < last}
    )
    if len(cut) > MOST_CUT_HOURS or 2 * len(cut) * HOUR_US >= last - first:
        return ""
    columns = "".join(f"{name}, " for name in names)
    kept = "".join(f" and hour <> make_timestamp({hour})" for hour in cut)
    known = "" if known_at_us is None else f" and {_arrived(known_at_us)}"
    edges = [(start_us, first), *((hour, hour + HOUR_US) for hour in cut), (last, end_us)]
    parts = [
        f"select {columns}hour as start_time, {', '.join(_AMOUNTS)} from {sums.table} "
        f"where {between(first, last, 'hour')}{kept}",
        *(
            f"{_single(columns)} where {between(begin, end)}{known}"
            for begin, end in edges
            if begin < end
        ),
    ]
    if known_at_us is not None:
        outside = "".join(f" and not ({between(hour, hour + HOUR_US)})" for hour in cut)
        parts.append(
            f"{_single(columns, '-')} where {between(first, last)}{outside} "
            f"and not {_arrived(known_at_us)}"
        )
    return " union all ".join(parts)


def _single(columns: str, sign: str = "") -> str:
    """SQL for calls in the shape of sums; with sign `-`, to take them out again."""
    amounts = ", ".join(f"{sign}({amount}) as {name}" for name, amount in _AMOUNTS.items())
    return f"select {columns}start_time, {amounts} from calls"


def _arrived(known_at_us: int) -> str:
    return f"ingested_at <= make_timestamp({known_at_us})"
