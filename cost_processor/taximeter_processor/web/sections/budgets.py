"""Budgets on the day shown: how far they are used, and where a month will end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from taximeter_processor.budgets import owner_of, scope_of
from taximeter_processor.ledger import slices
from taximeter_processor.money import usd_to_pico
from taximeter_processor.reports.trend import month_end
from taximeter_processor.settings import Budget
from taximeter_processor.web.sections.subject import RECENT_DAYS, Subject


@dataclass(frozen=True, slots=True)
class BudgetLine:
    """One budget, pico-USD."""

    name: str
    scope: str
    owner: str
    period: str
    spent_pico: int
    limit_pico: int
    end_pico: int | None = None
    """Where a month ends at the pace of the last 7 closed days."""

    @property
    def is_over(self) -> bool:
        """More is spent than was planned."""
        return self.spent_pico > self.limit_pico

    @property
    def will_be_over(self) -> bool:
        """At this pace more will be."""
        return self.end_pico is not None and self.end_pico > self.limit_pico


def budgets(subject: Subject) -> tuple[BudgetLine, ...]:
    """Every budget, whatever the filters. Raises `LedgerError` at a limit."""
    if not subject.settings.budgets:
        return ()
    view = subject.view
    week = view.last("week", view.day.weekday() + 1, 0)
    windows = [view.today, week, view.month, view.last("recent", RECENT_DAYS, 1)]
    spent = slices.by_scope(subject.store, windows, subject.everything)
    return tuple(_budget(subject, budget, spent) for budget in subject.settings.budgets)


def _budget(
    subject: Subject, budget: Budget, spent: Mapping[tuple[str, str], Mapping[str, int]]
) -> BudgetLine:
    scope = scope_of(budget)
    sums: dict[str, int] = {}
    for (feature, team), windows in spent.items():
        if scope.get("feature", feature) == feature and scope.get("team", team) == team:
            for name, pico in windows.items():
                sums[name] = sums.get(name, 0) + pico
    return BudgetLine(
        name=budget.name,
        scope=", ".join(f"{tag} {value}" for tag, value in scope.items()) or "everything",
        owner=owner_of(budget, subject.owners),
        period=budget.period,
        spent_pico=sums.get("today" if budget.period == "day" else budget.period, 0),
        limit_pico=usd_to_pico(budget.usd),
        end_pico=_end(subject, sums) if budget.period == "month" else None,
    )


def _end(subject: Subject, sums: Mapping[str, int]) -> int | None:
    spent, recent = sums.get("month", 0), sums.get("recent", 0)
    return month_end(spent, recent, subject.recent_days, subject.left_us)
