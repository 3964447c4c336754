"""Turns the daily sums of the past into what a day normally costs and where a month will end.

Amounts are pico-USD, whole numbers throughout.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

WEEKS: Final = 4
FEWEST_WEEKS: Final = 3
LEAST_MARGIN_PERCENT: Final = 20
# Three standard deviations of a normal distribution are 4.448 median absolute deviations.
_MARGIN_PER_MILLE: Final = 4448


class Band(NamedTuple):
    """What a day of this weekday normally costs."""

    low: int
    high: int


def normal_band(days: Sequence[int], index: int) -> Band | None:
    """The band of day `index` from the same weekday of the 4 weeks before it.

    Median plus and minus 4.448 median absolute deviations, at least 20 %; None with fewer than 3
    such days. `days` begins with the first day that had calls.
    """
    past = [days[index - 7 * week] for week in range(1, WEEKS + 1) if index >= 7 * week]
    if len(past) < FEWEST_WEEKS:
        return None
    middle = _median(past)
    deviation = _median([abs(amount - middle) for amount in past])
    margin = max(_MARGIN_PER_MILLE * deviation // 1000, LEAST_MARGIN_PERCENT * middle // 100)
    return Band(max(0, middle - margin), middle + margin)


def month_end(spent: int, today: int, recent: int, recent_days: int, days_left: int) -> int | None:
    """Where the month ends if days go on as the last closed ones did; None before there is one.

    `recent` is what the last `recent_days` closed days cost together, 7 of them or as many as the
    ledger has. `spent` includes `today` so far, of which the rest is expected too; `days_left` are
    those after.
    """
    if not recent_days:
        return None
    mean = recent // recent_days
    return spent + max(0, mean - today) + mean * days_left


def _median(values: Sequence[int]) -> int:
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) // 2
