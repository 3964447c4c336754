"""What changed most between the last 7 closed days and the 7 before, why, and whom to ask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from taximeter_processor.analysis.variance import DRIVERS, rounded
from taximeter_processor.reports.causes import CENT_PICO, sentence, to_cents
from taximeter_processor.reports.movers import Mover, Pair, movers
from taximeter_processor.web.sections.breakdown import owners_named
from taximeter_processor.web.sections.subject import Subject

DAYS: Final = 7
MOST_MOVERS: Final = 6


@dataclass(frozen=True, slots=True)
class Amount:
    """A difference, pico-USD."""

    exact: int
    shown: int
    """In whole cents, which add up in a table."""


@dataclass(frozen=True, slots=True)
class Moved:
    """One feature that moved."""

    mover: Mover
    owner: str
    change: Amount
    causes: Mapping[str, Amount]
    """By driver: they add up to the change, the shown ones to the shown one."""
    sentence: str


@dataclass(frozen=True, slots=True)
class WhatMoved:
    """The features that moved most, the others as one, and all together."""

    rows: tuple[Moved, ...]
    rest_pico: int
    """What the other features cost after; 0 where there are none."""
    rest: Amount
    total_pico: int
    total: Amount
    drivers: tuple[str, ...]
    """Those that any of the rows has."""
    unpriced: Pair
    """Calls of all features without a price, before and after."""
    days: int
    """How many days up to the one shown hold both stretches."""


def moved(subject: Subject) -> WhatMoved:
    """The features that moved by a cent or more, most first. Raises `LedgerError` at a limit."""
    view = subject.view
    open_days = 1 if view.is_today else 0
    found = movers(
        subject.store,
        view.last("before", DAYS, open_days + DAYS),
        view.last("after", DAYS, open_days),
        subject.where,
        limit=MOST_MOVERS,
        least_pico=CENT_PICO,
    )
    before, after = found.total
    total = Amount(after - before, to_cents(after - before))
    changes: dict[str | None, int] = {mover.feature: mover.change_pico for mover in found.rows}
    changes[None] = total.exact - sum(changes.values())
    shown = rounded(changes, CENT_PICO, total.shown)
    rows = tuple(_moved(subject, mover, shown[mover.feature]) for mover in found.rows)
    return WhatMoved(
        rows,
        after - sum(row.mover.pico[1] for row in rows),
        Amount(changes[None], shown[None]),
        after,
        total,
        tuple(name for name in DRIVERS if any(row.causes[name].exact for row in rows)),
        found.unpriced,
        2 * DAYS + open_days,
    )


def _moved(subject: Subject, mover: Mover, shown: int) -> Moved:
    in_cents = rounded(mover.drivers, CENT_PICO, shown)
    return Moved(
        mover,
        owners_named(subject, mover.feature, mover.teams),
        Amount(mover.change_pico, shown),
        {name: Amount(pico, in_cents[name]) for name, pico in mover.drivers.items()},
        sentence(in_cents),
    )
