"""Turns what is spent and the last whole days into what a period will have cost at its end."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Final, NamedTuple

from taximeter_processor.money import round_half_even

MEAN_DAYS: Final = 7
"""A whole week, so that weekends weigh what they weigh."""
SPREAD_DAYS: Final = 28
DAY_US: Final = 86_400_000_000
_Z90: Final = 1.2815515655446004


class Forecast(NamedTuple):
    """Pico-USD at the end of the period."""

    p50: int
    p90: int | None
    """None while there is less than a week to tell how much days differ."""


def since_first(days: Sequence[int]) -> list[int]:
    """The days from the first with any spend on: the time that can be learnt from."""
    first = next((index for index, pico in enumerate(days) if pico), len(days))
    return list(days[first:])


def at_the_end(spent: int, days: Sequence[int], left_us: int) -> Forecast | None:
    """Spent, plus the mean of the last seven of `days` for all the time that is left.

    `days` are whole days of pico-USD, oldest first, today not among them; None without any.
    The ninth decile adds the spread of the last 28 days, and that a mean of seven is itself
    uncertain.
    """
    recent = days[-MEAN_DAYS:]
    if not recent:
        return None
    p50 = spent + round_half_even(sum(recent) * left_us, len(recent) * DAY_US)
    if len(days) < MEAN_DAYS:
        return Forecast(p50, None)
    left = left_us / DAY_US
    spread = statistics.stdev(days[-SPREAD_DAYS:])
    return Forecast(p50, p50 + round(_Z90 * spread * math.sqrt(left + left**2 / MEAN_DAYS)))
