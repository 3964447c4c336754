"""Stored usage and today's prices, turned into restatements: one slice of the ledger at a time.

A slice is bounded, so that the thread that owns the ledger is never kept from new spans for long;
whoever asks goes on from `next` until there is none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from taximeter_processor.costing import reprice
from taximeter_processor.ledger.record import Record, Restatement
from taximeter_processor.ledger.rows import Stretch, first_slice
from taximeter_processor.ledger.store import LedgerStore
from taximeter_processor.money import format_usd, usd_to_pico
from taximeter_processor.periods import parse_iso
from taximeter_processor.pricing.book import PriceBook
from taximeter_processor.reports.asked import iso

SLICE_CALLS: Final = 2_000
ADDED: Final = "price_added"
CHANGED: Final = "price_changed"


class Question(NamedTuple):
    """What is to be repriced."""

    since: str
    """ISO 8601 with its zone, like `until`."""
    until: str
    provider: str | None = None
    model: str | None = None
    dry_run: bool = False


@dataclass
class Amount:
    """Calls of one model that changed for one reason."""

    calls: int = 0
    old_pico: int = 0
    new_pico: int = 0


def reprice_slice(
    store: LedgerStore, prices: PriceBook, asked: Question, now_us: int
) -> dict[str, Any]:
    """Restate the first calls of a stretch and say what changed; `next` is where to go on."""
    named = {"provider": asked.provider, "model": asked.model}
    filters = {name: value for name, value in named.items() if value is not None}
    stretch = Stretch(parse_iso(asked.since), parse_iso(asked.until), filters)
    found = first_slice(store, stretch, SLICE_CALLS)
    pairs = [(old, reprice(old, prices)) for old in found.records]
    changed = [(old, new) for old, new in pairs if differs(old, new)]
    if changed and not asked.dry_run:
        store.restate([Restatement(new, reason_of(old), now_us) for old, new in changed])
    return {
        "price_version": prices.version,
        "next": iso(found.end_us) if found.end_us < stretch.end_us else None,
        "remaining": found.total,
        "examined": len(found.records),
        "changes": _told(changed),
    }


def differs(old: Record, new: Record) -> bool:
    """By more than names, so that a restatement is due: a new price list alone restates nothing."""
    named = new._replace(
        model=old.model, price_version=old.price_version, price_source=old.price_source
    )
    return named != old


def reason_of(old: Record) -> str:
    """Why a row whose price differs is restated."""
    return ADDED if old.status == "unpriced" else CHANGED


def _told(changed: Sequence[tuple[Record, Record]]) -> list[dict[str, Any]]:
    amounts: defaultdict[tuple[str, str, str], Amount] = defaultdict(Amount)
    for old, new in changed:
        amount = amounts[(new.provider, new.model, reason_of(old))]
        amount.calls += 1
        amount.old_pico += old.cost_usd
        amount.new_pico += new.cost_usd
    return [
        {
            "provider": provider,
            "model": model,
            "reason": reason,
            "calls": amount.calls,
            "old_usd": format_usd(amount.old_pico),
            "new_usd": format_usd(amount.new_pico),
        }
        for (provider, model, reason), amount in sorted(amounts.items())
    ]


def added_up(slices: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The changes of all slices by provider, model and reason, the dearest first."""
    amounts: defaultdict[tuple[str, str, str], Amount] = defaultdict(Amount)
    for change in (change for one in slices for change in one["changes"]):
        amount = amounts[(change["provider"], change["model"], change["reason"])]
        amount.calls += change["calls"]
        amount.old_pico += usd_to_pico(change["old_usd"])
        amount.new_pico += usd_to_pico(change["new_usd"])
    ordered = sorted(amounts.items(), key=lambda item: item[1].old_pico - item[1].new_pico)
    return [
        {
            "provider": provider,
            "model": model,
            "reason": reason,
            "calls": amount.calls,
            "old_usd": format_usd(amount.old_pico),
            "new_usd": format_usd(amount.new_pico),
            "difference_usd": format_usd(amount.new_pico - amount.old_pico),
        }
        for (provider, model, reason), amount in ordered
    ]
