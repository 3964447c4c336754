"""When a price may change: from the moments in a price list to the one period a call fell into."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone
from typing import Final, NamedTuple

from taximeter_processor.model import Unpriced
from taximeter_processor.pricing.rates import NO_TEXT_RATES, CompiledPrice, TextRates

SINCE_EVER_US: Final = -(1 << 63)
FOR_EVER_US: Final = (1 << 63) - 1
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND: Final = timedelta(microseconds=1)
DAY_US: Final = timedelta(days=1) // _MICROSECOND


def moment(start_us: int) -> datetime:
    """Microseconds since 1970 as an aware UTC time, exactly."""
    return _EPOCH + timedelta(microseconds=start_us)


def to_us(at: datetime) -> int:
    """An aware time as microseconds since 1970, exactly."""
    return (at - _EPOCH) // _MICROSECOND


def midnight_us(day: date) -> int:
    """Microseconds from 1970 to the beginning of a day, UTC."""
    return (day - _EPOCH.date()) // _MICROSECOND


def time_us(of_day: time) -> int:
    """Microseconds since midnight UTC; a time without zone is UTC."""
    first_day = datetime.combine(_EPOCH.date(), of_day)
    aware = first_day if first_day.tzinfo else first_day.replace(tzinfo=timezone.utc)
    return to_us(aware) % DAY_US


class Period(NamedTuple):
    """A stretch of time with constant prices: `from_us <= start < until_us`."""

    from_us: int
    until_us: int
    key: tuple[int, int]
    """The same for periods with the same prices, such as every night between two dates."""


class Boundaries(NamedTuple):
    """The moments at which prices may change, sorted."""

    dates_us: tuple[int, ...] = ()
    """Microseconds since 1970."""
    times_us: tuple[int, ...] = ()
    """Microseconds since midnight UTC, every day."""

    def period(self, start_us: int) -> Period:
        """The period around a moment."""
        dates = (SINCE_EVER_US, *self.dates_us, FOR_EVER_US)
        index = bisect_right(self.dates_us, start_us)
        from_us, until_us = dates[index], dates[index + 1]
        if not self.times_us:
            return Period(from_us, until_us, (index, 0))
        time_us = start_us % DAY_US
        midnight = start_us - time_us
        last, first = self.times_us[-1] - DAY_US, self.times_us[0] + DAY_US
        times = (last, *self.times_us, first)
        of_day = bisect_right(self.times_us, time_us)
        return Period(
            max(from_us, midnight + times[of_day]),
            min(until_us, midnight + times[of_day + 1]),
            (index, of_day % len(self.times_us)),
        )


Current = tuple[int, int, CompiledPrice | Unpriced, int, int, int, int, int]


class Timeline:
    """The prices of one model and tier, compiled period by period as they are asked for."""

    __slots__ = ("_boundaries", "_compile", "_periods", "last")

    def __init__(
        self, boundaries: Boundaries, compile_at: Callable[[int], CompiledPrice | Unpriced]
    ) -> None:
        self._boundaries = boundaries
        self._compile = compile_at
        self._periods: dict[tuple[int, int], CompiledPrice | Unpriced] = {}
        self.last: Current = (0, 0, Unpriced("unknown_model"), *NO_TEXT_RATES)
        """What was asked for last: from, until, the price, and its short way."""

    def at(self, start_us: int) -> CompiledPrice | Unpriced:
        """The price at a moment. Calls come roughly in order, so the last period mostly fits."""
        last = self.last  # read and replaced whole: threads share this
        if last[0] <= start_us < last[1]:
            return last[2]
        period = self._boundaries.period(start_us)
        found = self._periods.get(period.key)
        if found is None:
            found = self._periods[period.key] = self._compile(start_us)
        self.last = (period.from_us, period.until_us, found, *text_rates(found))
        return found


def text_rates(price: CompiledPrice | Unpriced) -> TextRates:
    """The short way of a price; no price has none."""
    return NO_TEXT_RATES if isinstance(price, Unpriced) else price.text
