"""A date or an age, turned into calls that go: one slice of the ledger at a time.

A slice is bounded, so that the thread that owns the ledger is never kept from new spans for long;
whoever asks goes on until it is `done`.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone
from typing import Any, Final, NamedTuple

from taximeter_processor.ledger.prune import Going, prune_slice, would_go
from taximeter_processor.ledger.store import LedgerStore
from taximeter_processor.metrics.counters import BUCKETS_PICO
from taximeter_processor.money import format_usd
from taximeter_processor.periods import from_us, midnight
from taximeter_processor.reports.asked import iso
from taximeter_processor.settings import LEAST_KEPT_DAYS

_DAYS: Final = re.compile(r"(\d{1,5})d")


class Question(NamedTuple):
    """What is to be pruned."""

    before: str
    """A date such as 2026-01-01: calls that began before its midnight, UTC, go."""
    dry_run: bool = False


def before_of_age(text: str, now: datetime) -> str:
    """`400d` as the date before which calls are older than that. Raises `ValueError`."""
    found = _DAYS.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} is no age: expected days such as 400d")
    return _date(now - timedelta(days=int(found[1])))


def prune(store: LedgerStore, asked: Question, now_us: int) -> dict[str, Any]:
    """Prune the oldest calls and say what went; or all that would go. Raises `ValueError`."""
    until_us = _moment(asked.before, now_us)
    if asked.dry_run:
        return _told(would_go(store, until_us), until_us)
    return _told(prune_slice(store, until_us, BUCKETS_PICO, now_us), until_us)


def _moment(before: str, now_us: int) -> int:
    try:
        until_us = midnight(date.fromisoformat(before), timezone.utc)
    except ValueError as error:
        raise ValueError(f"{before!r} is no date: expected one such as 2026-01-01") from error
    latest = from_us(now_us) - timedelta(days=LEAST_KEPT_DAYS)
    if from_us(until_us) > latest:
        raise ValueError(
            f"{before} is too late: expected {_date(latest)} or earlier, since this month's and "
            f"last month's numbers need calls of {LEAST_KEPT_DAYS} days"
        )
    return until_us


def _told(going: Going, until_us: int) -> dict[str, Any]:
    return {
        "done": going.horizon_us >= until_us,
        "horizon": iso(going.horizon_us),
        "removed": going.removed,
        "cost_usd": format_usd(going.cost_pico),
    }


def _date(moment: datetime) -> str:
    return moment.astimezone(timezone.utc).date().isoformat()
