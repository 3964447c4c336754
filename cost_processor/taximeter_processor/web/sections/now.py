"""The first row: the day and its month against other days, the budget and what is not known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from taximeter_processor.budgets import owner_of, scope_of
from taximeter_processor.ledger import slices
from taximeter_processor.money import usd_to_pico
from taximeter_processor.reports.trend import month_end
from taximeter_processor.settings import Budget
from taximeter_processor.web.sections.breakdown import owners_of
from taximeter_processor.web.sections.subject import (
    Coverage,
    Subject,
    coverage,
    midnights,
    month_ends,
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One sum against an earlier one."""

    name: str
    before_pico: int
    change_pico: int


@dataclass(frozen=True, slots=True)
class Now:
    """All amounts are pico-USD."""

    today: Coverage
    month: Coverage
    comparisons: tuple[Comparison, ...]
    """The day against the same hours of others."""
    yesterday_pico: int
    week_before: Comparison
    """The day before against the same weekday a week earlier."""
    last_month_pico: int
    month_ends: date
    month_end_pico: int | None
    """Where the month ends at the pace of the last 7 closed days; None before one is closed."""
    budget_pico: int | None
    """Of the month, for exactly what the filters select; None without one."""
    budget_owner: str
    owner: str
    """Whom to ask about the feature that is filtered by; empty without such a filter."""


def now(subject: Subject) -> Now:
    """Small reads, so that the page begins at once. Raises `LedgerError` at a limit."""
    view = subject.view
    bounds = midnights(view, min(view.month.start_us, view.last("", 9, 0).start_us))
    sums = slices.by_stretch(subject.store, bounds, subject.where)
    today, yesterday, week_before = sums[-1], sums[-2].cost_pico, sums[-9].cost_pico
    month = coverage(
        day for start, day in zip(bounds, sums, strict=False) if start >= view.month.start_us
    )
    recent_days = subject.recent_days
    recent = sum(day.cost_pico for day in sums[:-1][-recent_days:]) if recent_days else 0
    budget = _budget(subject)
    return Now(
        today=coverage([today]),
        month=month,
        comparisons=_comparisons(subject, today.cost_pico),
        yesterday_pico=yesterday,
        week_before=Comparison("a week before", week_before, yesterday - week_before),
        last_month_pico=slices.total(subject.store, view.last_month, subject.where),
        month_ends=month_ends(view.day),
        month_end_pico=month_end(month.cost_pico, recent, recent_days, subject.left_us),
        budget_pico=usd_to_pico(budget.usd) if budget else None,
        budget_owner=owner_of(budget, subject.owners) if budget else "",
        owner=_owner(subject),
    )


def _comparisons(subject: Subject, today_pico: int) -> tuple[Comparison, ...]:
    view = subject.view
    names = (
        ("this time last week", "this time yesterday")
        if view.is_today
        else ("the same day a week before", "the day before")
    )
    yesterday, last_week = view.same_time
    before = [
        slices.total(subject.store, window, subject.where) for window in (last_week, yesterday)
    ]
    return tuple(
        Comparison(name, pico, today_pico - pico) for name, pico in zip(names, before, strict=True)
    )


def _budget(subject: Subject) -> Budget | None:
    """The first budget of a month for exactly what is shown; without filters, for everything."""
    for budget in subject.settings.budgets:
        if budget.period == "month" and scope_of(budget) == subject.view.where:
            return budget
    return None


def _owner(subject: Subject) -> str:
    feature = subject.view.where.get("feature")
    return owners_of(subject, [feature]).get(feature, "") if feature else ""
