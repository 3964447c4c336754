"""What changed most between the last 7 closed days and the 7 before, why, and whom to ask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from taximeter_processor.reports.movers import Effects, Mover, movers
from taximeter_processor.web.formats import signed
from taximeter_processor.web.sections.breakdown import owners_of
from taximeter_processor.web.sections.subject import Subject

MOST_MOVERS: Final = 6
LEAST_CHANGE_PICO: Final = 10**10
"""A cent: less is no news."""
_WORDS: Final[dict[str, tuple[str, str]]] = {
    "calls": ("more calls", "fewer calls"),
    "mix": ("dearer models", "cheaper models"),
    "cost_per_call": ("a call costs more", "a call costs less"),
    "models": ("a new model", "a model no longer called"),
}


@dataclass(frozen=True, slots=True)
class Moved:
    """One feature that moved."""

    mover: Mover
    owner: str
    cause: str


def moved(subject: Subject) -> tuple[Moved, ...]:
    """The features that moved most, either way. Raises `LedgerError` at a limit."""
    view = subject.view
    open_days = 1 if view.is_today else 0
    found = movers(
        subject.store,
        view.last("after", 7, open_days),
        view.last("before", 7, open_days + 7),
        subject.where,
        limit=MOST_MOVERS,
    )
    found = [mover for mover in found if abs(mover.change_pico) >= LEAST_CHANGE_PICO]
    owners = owners_of(subject, [mover.feature for mover in found])
    return tuple(
        Moved(mover, owners.get(mover.feature, ""), cause(mover.effects)) for mover in found
    )


def cause(effects: Effects) -> str:
    """The largest effect in words, and the second where it is at least half as large."""
    ranked = sorted(effects._asdict().items(), key=lambda item: -abs(item[1]))
    (_, largest), (_, second) = ranked[:2]
    told = ranked[: 2 if second and 2 * abs(second) >= abs(largest) else 1]
    return ", ".join(f"{_WORDS[name][pico < 0]} ({signed(pico)})" for name, pico in told)
