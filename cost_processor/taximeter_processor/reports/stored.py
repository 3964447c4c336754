"""Turns the calls of one trace, as the ledger keeps them, into accounts of themselves.

What is stored is what is told: costs and rates as they were priced, and beside them whether the
price book of now would price the call otherwise.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import tzinfo
from typing import Final, NamedTuple

from typing_extensions import TypedDict

from taximeter_processor.costing import cost_again, reprice
from taximeter_processor.ingest.provenance import Raw, stored_provenance, with_lines
from taximeter_processor.ledger.identity import Duplicate
from taximeter_processor.ledger.record import COMMON_METERS, Key, Record, key_of
from taximeter_processor.ledger.store import LedgerStore
from taximeter_processor.ledger.traces import MOST_CALLS, CostChange, Trace, trace
from taximeter_processor.model import Line, Priced, Usage
from taximeter_processor.money import format_usd, usd_to_pico
from taximeter_processor.periods import from_us
from taximeter_processor.pricing.book import PriceBook
from taximeter_processor.pricing.show import Descriptions
from taximeter_processor.reports.account import (
    Account,
    ChangeTold,
    LineTold,
    TodayTold,
    blank,
    cost_of,
    line_told,
    other_told,
    past_line,
    savings,
    tags_told,
    tell_counts,
    usage_told,
)
from taximeter_processor.reports.asked import iso
from taximeter_processor.reports.reprice import differs, reason_of
from taximeter_processor.usage import METERS

_TRACE_ID: Final = re.compile(r"[0-9a-f]{32}")
_SPAN_ID: Final = re.compile(r"[0-9a-f]{16}")


class TraceAccount(TypedDict):
    """One trace, or one span of it."""

    trace_id: str
    total_calls: int
    cost_usd: str
    calls: list[Account]
    not_counted: list[Account]
    """Spans that tell of a call which is counted by another one: of this trace or elsewhere."""
    limit: int
    truncated: bool


class _Book(NamedTuple):
    """The price book of now, and what it says of each model and period."""

    prices: PriceBook
    described: Descriptions


class Amount(NamedTuple):
    """How much of a meter a row was billed for."""

    quantity: int
    cost_pico: int


def asked_for(trace_id: str, span_id: str) -> tuple[str, str]:
    """The two ids as the ledger writes them; an empty span id is every span.

    Raises `ValueError` for what is no id.
    """
    trace_id, span_id = trace_id.lower(), span_id.lower()
    if not is_trace_id(trace_id):
        raise ValueError(f"{trace_id[:40]!r} is no trace id: expected 32 hex digits")
    if span_id and not _SPAN_ID.fullmatch(span_id):
        raise ValueError(f"{span_id[:40]!r} is no span id: expected 16 hex digits")
    return trace_id, span_id


def is_trace_id(text: str) -> bool:
    """Whether a text can be one."""
    return bool(_TRACE_ID.fullmatch(text.lower()))


def not_found(trace_id: str, span_id: str) -> str:
    """What to say when the ledger knows nothing of a trace or span."""
    span = f" span {span_id} of" if span_id else ""
    return f"the ledger holds no call of{span} trace {trace_id}"


def explain_trace(
    store: LedgerStore, prices: PriceBook, zone: tzinfo, trace_id: str, span_id: str = ""
) -> TraceAccount | None:
    """The account of a trace or of one of its spans; None when the ledger knows nothing of it.

    Times are told in UTC and in the zone.
    Raises `LedgerError` when it cannot be read.
    """
    found = trace(store, trace_id, span_id)
    if not found.calls and not found.duplicates:
        return None
    others: dict[Key, list[Duplicate]] = {}
    for duplicate in found.duplicates:
        others.setdefault(duplicate.of, []).append(duplicate)
    book = _Book(prices, Descriptions(prices))
    calls = []
    for record in found.calls:
        account = _account(record, book, found, zone)
        account["duplicates"] = [other_told(one) for one in others.get(key_of(record), ())]
        account["today"] = _today(record, prices)
        calls.append(account)
    not_counted = []
    for duplicate in found.duplicates:
        record = duplicate.record
        if record.trace_id == trace_id and span_id in ("", record.span_id):
            account = _account(record, book, found, zone)
            account["duplicate_of"] = other_told(duplicate)
            not_counted.append(account)
    return {
        "trace_id": trace_id,
        "total_calls": found.total_calls,
        "cost_usd": format_usd(found.cost_pico),
        "calls": calls,
        "not_counted": not_counted,
        "limit": MOST_CALLS,
        "truncated": found.is_truncated,
    }


def _account(record: Record, book: _Book, found: Trace, zone: tzinfo) -> Account:
    amounts = _amounts(record)
    account = blank(record.trace_id, record.span_id, record.start_time, zone)
    usage = _usage(record)
    account.update(
        {
            "is_call": True,
            "reason": record.unpriced_reason or None,
            "provider": record.provider or None,
            "request_model": record.request_model or None,
            "response_model": record.response_model or None,
            "operation": record.operation or None,
            "usage": usage_told(usage),
            "cost_usd": cost_of(record),
            "tags": tags_told(record.feature, record.tenant, record.team, record.request_type),
            "environment": record.environment or None,
            "service_name": record.service_name or None,
            "status": record.status,
            "service_tier": record.service_tier,
            "emitter": record.emitter,
            "dialect": record.dialect,
            "usage_status": record.usage_status,
            "quantities": {meter: amount.quantity for meter, amount in amounts.items()},
            "first_cost_usd": format_usd(record.first_cost_usd),
            "restatements": [_change_told(one) for one in found.changes.get(key_of(record), ())],
        }
    )
    if record.reported_cost_usd is not None:
        account["reported_cost_usd"] = format_usd(record.reported_cost_usd)
    if record.price_source:
        _tell_price(account, record, amounts, book)
    raw: Raw | None = json.loads(record.raw_usage) if record.raw_usage else None
    meters = frozenset(line["meter"] for line in account["meters"])
    counts = stored_provenance(record.dialect, raw, usage)
    tell_counts(account, with_lines(counts, meters))
    return account


def _tell_price(
    account: Account, record: Record, amounts: Mapping[str, Amount], book: _Book
) -> None:
    """Say what a row cost, line by line, as it was priced."""
    is_cached = record.status == "cached"
    listed, paid = record.list_cost_usd, record.cost_usd
    saved, extra = savings(listed, paid, record.tier_saved_usd, is_cached=is_cached)
    account.update(
        {
            "meters": _lines(record, amounts, book),
            "price_version": record.price_version,
            "price_entry": record.model,
            "price_source": record.price_source,
            "list_cost_usd": format_usd(listed),
            "saved_usd": saved,
            "extra_usd": extra,
        }
    )


def _usage(record: Record) -> Usage:
    return Usage(
        record.input_tokens,
        record.output_tokens,
        record.cache_read_tokens,
        record.cache_write_tokens,
        reasoning_tokens=record.reasoning_tokens,
    )


def _amounts(record: Record) -> dict[str, Amount]:
    """What a row was billed for, in the order of the table of meters."""
    found = {
        meter: Amount(getattr(record, f"{meter}_quantity"), getattr(record, f"{meter}_cost_usd"))
        for meter in COMMON_METERS
    }
    rarer: Mapping[str, tuple[int, str]] = json.loads(record.other_meters or "{}")
    found |= {meter: Amount(count, usd_to_pico(usd)) for meter, (count, usd) in rarer.items()}
    order = [*METERS, *sorted(found.keys() - METERS.keys())]
    return {meter: found[meter] for meter in order if meter in found and found[meter].quantity}


def _lines(record: Record, amounts: Mapping[str, Amount], book: _Book) -> list[LineTold]:
    """The stored lines; a rate and its source are the book's where it still says the same."""
    outcome = cost_again(record, book.prices).outcome
    now: dict[str, Line] = {}
    if isinstance(outcome, Priced) and outcome.price_source == record.price_source:
        now = {line.meter: line for line in outcome.lines}
    if record.status == "cached":
        # The row has no cost for its lines: they are told as what was avoided.
        if isinstance(outcome, Priced) and outcome.cost_pico == record.list_cost_usd:
            amounts = {meter: _amount(line) for meter, line in now.items()}
        else:
            return []
    price = book.described.at(
        record.provider, record.response_model, record.request_model, record.service_tier,
        from_us(record.start_time),
    )  # fmt: skip
    size = record.input_tokens or 0
    return [
        line_told(now[meter], price, size)
        if meter in now and _amount(now[meter]) == amount
        else past_line(meter, *amount, record.price_source)
        for meter, amount in amounts.items()
    ]


def _amount(line: Line) -> Amount:
    return Amount(line.quantity, line.cost_pico)


def _change_told(change: CostChange) -> ChangeTold:
    return {
        "restated_at": iso(change.restated_at),
        "reason": change.reason,
        "old_cost_usd": format_usd(change.old_cost),
        "new_cost_usd": format_usd(change.new_cost),
        "writer": change.writer,
    }


def _today(record: Record, prices: PriceBook) -> TodayTold:
    new = reprice(record, prices)
    is_pending = differs(record, new)
    return {
        "price_version": prices.version,
        "cost_usd": cost_of(new),
        "reprice_pending": is_pending,
        "reason": reason_of(record) if is_pending else None,
    }
