"""Turns the daily sums of the past into what a day normally costs and where a month will end.

Amounts are pico-USD, whole numbers throughout.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from taximeter_processor.money import round_half_even

DAY_US: Final = 86_400_000_000
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


def month_end(spent: int, recent: int, recent_days: int, left_us: int) -> int | None:
    """Where the month ends if it goes on as the last closed days; None before there is one.

    `recent` is what the last `recent_days` closed days cost together, 7 of them or as many as the
    ledger has; `left_us` is the time that is left of the month.
    """
    if not recent_days:
        return None
    return spent + round_half_even(recent * left_us, recent_days * DAY_US)


def _median(values: Sequence[int]) -> int:
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) // 2
