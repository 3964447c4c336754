"""Cost by day of the dearest values, with the band in which such a day normally is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from taximeter_processor.ledger import slices
from taximeter_processor.periods import from_us
from taximeter_processor.reports.trend import WEEKS, Band, normal_band
from taximeter_processor.web.charts import MOST_SERIES, OTHERS, Chart, stacked_bars
from taximeter_processor.web.sections.subject import (
    Coverage,
    Subject,
    coverage,
    midnights,
)


@dataclass(frozen=True, slots=True)
class TrendDay:
    """One day."""

    day: date
    pico: int
    band: Band | None

    @property
    def is_high(self) -> bool:
        """More than is normal on such a day."""
        return self.band is not None and self.pico > self.band.high


@dataclass(frozen=True, slots=True)
class Trend:
    """The drawing and its numbers."""

    chart: Chart
    days: tuple[TrendDay, ...]
    """Newest first."""
    total: Coverage


def trend(subject: Subject) -> Trend:
    """The days of the view's period. Raises `LedgerError` at a limit."""
    view = subject.view
    bounds = midnights(view, view.period.start_us)
    period = slices.by_stretch(subject.store, bounds, subject.where)
    bands = _bands(subject, [day.cost_pico for day in period])
    dates = [from_us(us).astimezone(view.zone).date() for us in bounds[:-1]]
    return Trend(
        chart=stacked_bars(dates, _series(subject, bounds), bands),
        days=tuple(
            TrendDay(day, total.cost_pico, band)
            for day, total, band in zip(dates, period, bands, strict=True)
        )[::-1],
        total=coverage(period),
    )


def _bands(subject: Subject, costs: list[int]) -> list[Band | None]:
    """What is normal on each day shown, from those and the weeks before."""
    view = subject.view
    history = midnights(view, view.last("", view.days + 7 * WEEKS, 0).start_us)[: 7 * WEEKS + 1]
    before = slices.series(subject.store, view.by, [], history, subject.where)
    days = [*before.get(None, [0] * 7 * WEEKS), *costs]
    unused = next((index for index, pico in enumerate(days) if pico), len(days))
    return [
        normal_band(days[unused:], index - unused) if index >= unused else None
        for index in range(7 * WEEKS, len(days))
    ]


def _series(subject: Subject, bounds: list[int]) -> list[tuple[str, list[int]]]:
    """The dearest values by name, and the rest."""
    view = subject.view
    top = slices.ranked(
        subject.store, view.by, [view.period], subject.where, limit=MOST_SERIES
    ).rows
    values = [row.value for row in top]
    found = slices.series(subject.store, view.by, values, bounds, subject.where)
    return [(OTHERS if name is None else name, days) for name, days in found.items()]
