"""What a section is about: a ledger, its configuration and a view of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Final

from taximeter_processor.ledger import slices
from taximeter_processor.ledger.filters import Where
from taximeter_processor.ledger.slices import DaySum
from taximeter_processor.ledger.store import LedgerStore
from taximeter_processor.owners import Owners
from taximeter_processor.periods import from_us, midnight, to_us
from taximeter_processor.settings import Settings
from taximeter_processor.web.view import View

RECENT_DAYS: Final = 7


@dataclass(frozen=True)
class Subject:
    """Handed to every section."""

    store: LedgerStore
    settings: Settings
    view: View

    @cached_property
    def owners(self) -> Owners:
        """Who answers for what."""
        return Owners(self.settings.owners)

    @property
    def where(self) -> Where:
        """The view's filters, as the ledger was when the page was asked for: its parts agree."""
        return Where(self.view.where, to_us(self.view.now))

    @property
    def everything(self) -> Where:
        """The same moment without filters."""
        return Where(known_at_us=to_us(self.view.now))

    @cached_property
    def first_day(self) -> date | None:
        """The day of the ledger's earliest call; None while it is empty."""
        first = slices.first_start(self.store)
        return None if first is None else from_us(first).astimezone(self.view.zone).date()

    @property
    def recent_days(self) -> int:
        """Closed days before the one shown that tell of the pace: 7, or as many as there are."""
        first = self.first_day
        return 0 if first is None else max(0, min(RECENT_DAYS, (self.view.day - first).days))

    @property
    def left_us(self) -> int:
        """Time from now, or from the end of a day that is over, to the end of its month."""
        view = self.view
        end = midnight(month_ends(view.day) + timedelta(days=1), view.zone)
        return end - (to_us(view.now) if view.is_today else view.today.end_us)


@dataclass(frozen=True, slots=True)
class Coverage:
    """A sum and how much of it is known: what to say beside every total."""

    cost_pico: int
    calls: int
    unpriced: int
    untagged_pico: int


def coverage(sums: Iterable[DaySum]) -> Coverage:
    """The days together."""
    cost, calls, unpriced, untagged = 0, 0, 0, 0
    for day in sums:
        cost += day.cost_pico
        calls += day.calls
        unpriced += day.unpriced
        untagged += day.untagged_pico
    return Coverage(cost, calls, unpriced, untagged)


def midnights(view: View, start_us: int) -> list[int]:
    """Every midnight from one to the end of the day shown."""
    first = from_us(start_us).astimezone(view.zone).date()
    count = (view.day - first).days + 1
    return [midnight(first + timedelta(days=index), view.zone) for index in range(count + 1)]


def month_ends(day: date) -> date:
    """The last day of a day's month."""
    following = (day.replace(day=1) + timedelta(days=31)).replace(day=1)
    return following - timedelta(days=1)
