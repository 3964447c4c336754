"""Turns a budget and the ledger into how much of it is spent, and by whose leave."""

from __future__ import annotations

from datetime import datetime, tzinfo

from taximeter_processor.ledger import queries
from taximeter_processor.ledger.store import LedgerStore
from taximeter_processor.owners import Owners
from taximeter_processor.periods import period_start, windows
from taximeter_processor.settings import Budget


def scope_of(budget: Budget) -> dict[str, str]:
    """The tags a budget is for; empty for everything."""
    tags = {"feature": budget.feature, "team": budget.team}
    return {name: value for name, value in tags.items() if value is not None}


def spent_pico(store: LedgerStore, budget: Budget, now: datetime, zone: tzinfo) -> int:
    """What was spent in the budget's current period, up to the end of today."""
    start = period_start(budget.period, now, zone)
    today = windows(now, zone)[0]
    found = queries.spend(store, (), start, today.end_us, scope_of(budget))
    return sum(spend.cost_pico for spend in found)


def owner_of(budget: Budget, owners: Owners) -> str:
    """The budget's own owner, else that of its feature or team."""
    return budget.owner or owners.owner_of(budget.feature or "", budget.team or "")
