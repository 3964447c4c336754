"""Turns the spans of one export into accounts of themselves: is it a call, what did it use, what
does that cost and why, and what else in the export tells of the same call.

The keys are a contract, documented in `docs/explain.md`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import NamedTuple

from taximeter_processor.costing import Costed, book, cost
from taximeter_processor.ingest.calls import CallReader
from taximeter_processor.ingest.otlp import JSON, Decoder, Rejected
from taximeter_processor.ingest.provenance import provenance, with_lines
from taximeter_processor.ingest.raw_usage import raw_usage
from taximeter_processor.ingest.tags import alias_keys
from taximeter_processor.ledger.identity import Duplicate, decide
from taximeter_processor.ledger.record import Key, Record, key_of
from taximeter_processor.model import Call, NotACall, Priced, Span, Unpriced
from taximeter_processor.money import format_usd
from taximeter_processor.periods import from_us
from taximeter_processor.pricing.book import PriceBook
from taximeter_processor.pricing.show import Descriptions
from taximeter_processor.reports.account import (
    REPEATED,
    Account,
    blank,
    line_told,
    other_told,
    savings,
    tags_told,
    tell_counts,
    usage_told,
)
from taximeter_processor.settings import Settings
from taximeter_processor.tagging import TagRules


class _Call(NamedTuple):
    """A span that is a call, what it costs, and the row it would be."""

    span: Span
    costed: Costed
    record: Record


class _NoCall(NamedTuple):
    """A span that is none, or None where it could not even be decoded."""

    span: Span | None
    found: NotACall | Rejected


def explain(body: bytes, settings: Settings, prices: PriceBook, now_ns: int) -> list[Account]:
    """The account of each span of an OTLP/JSON export, in their order, the undecodable ones last.

    Raises `BadRequest` for what is no export.
    """
    aliases = settings.tags.aliases
    known = alias_keys(aliases)
    # Read twice: what looks like usage and no dialect knows is shown where it stands.
    unknown = frozenset(Decoder(known).decode(body, JSON, now_ns).unknown_usage_keys)
    decoded = Decoder(known | unknown).decode(body, JSON, now_ns)
    rules = TagRules(settings.tags)
    found = CallReader(aliases).read_all(decoded.spans)
    read = [_read(span, one, prices, rules) for span, one in zip(decoded.spans, found, strict=True)]
    read += [_NoCall(None, rejected) for rejected in decoded.rejected]
    others, of = _told_again(read)
    described = Descriptions(prices)
    zone = settings.zone
    return [
        _of_call(one, described, unknown, others, of.get(number), zone)
        if isinstance(one, _Call)
        else _of_no_call(one, unknown, zone)
        for number, one in enumerate(read)
    ]


def _read(
    span: Span, found: Call | NotACall | Rejected, prices: PriceBook, rules: TagRules
) -> _Call | _NoCall:
    if not isinstance(found, Call):
        return _NoCall(span, found)
    call, _ = rules.book(found)
    try:
        record = book(call, prices, writer="", now_us=0, backfill_before_us=0)
        return _Call(span, cost(call, prices), record)
    except ValueError as error:
        return _NoCall(span, Rejected("bad_count", str(error)))


def _told_again(
    read: Sequence[_Call | _NoCall],
) -> tuple[Mapping[Key, Sequence[Duplicate]], Mapping[int, Duplicate]]:
    """As the ledger would decide: by call its other tellings, and by place whose a telling is."""
    links = {
        (one.span.trace_id, one.span.span_id): one.span.parent_span_id
        for one in read
        if isinstance(one, _NoCall) and one.span and isinstance(one.found, NotACall)
    }
    calls = {n: one.record for n, one in enumerate(read) if isinstance(one, _Call)}
    first: dict[Key, Record] = {}
    of: dict[int, Duplicate] = {}
    for number, record in calls.items():
        if first.setdefault(key_of(record), record) is not record:
            of[number] = Duplicate(record, REPEATED, key_of(record))
    others: dict[Key, list[Duplicate]] = {}
    decided = {}
    for duplicate in decide(list(first.values()), [], links, 0).duplicates:
        others.setdefault(duplicate.of, []).append(duplicate)
        decided[key_of(duplicate.record)] = duplicate
    for number, record in calls.items():
        if key_of(record) in decided:
            of.setdefault(number, decided[key_of(record)])
    return others, of


def _of_call(
    read: _Call,
    described: Descriptions,
    unknown: frozenset[str],
    others: Mapping[Key, Sequence[Duplicate]],
    of: Duplicate | None,
    zone: tzinfo,
) -> Account:
    span, costed, record = read
    call, quantities, status, outcome = costed
    account = blank(span.trace_id, span.span_id, call.start_us, zone)
    account.update(
        {
            "is_call": True,
            "reason": outcome.reason if isinstance(outcome, Unpriced) else None,
            "provider": call.provider or None,
            "request_model": call.request_model or None,
            "response_model": call.response_model or None,
            "operation": call.operation or None,
            "usage": usage_told(call.usage),
            "cost_usd": _cost(costed),
            "tags": tags_told(call.feature, call.tenant, call.team, call.request_type),
            "environment": call.environment or None,
            "service_name": call.service or None,
            "status": status,
            "service_tier": call.tier,
            "emitter": call.emitter,
            "dialect": call.dialect,
            "usage_status": call.usage_status,
            "quantities": {q.meter: q.quantity for q in quantities},
            "duplicates": [other_told(other) for other in others.get(key_of(record), ())],
            "duplicate_of": other_told(of) if of else None,
        }
    )
    if call.reported_cost_pico is not None:
        account["reported_cost_usd"] = format_usd(call.reported_cost_pico)
    if isinstance(outcome, Priced):
        _tell_price(account, costed, outcome, described)
    raw = raw_usage(span.attributes, unknown)
    meters = frozenset(line["meter"] for line in account["meters"])
    tell_counts(account, with_lines(provenance(span, raw), meters))
    return account


def _tell_price(account: Account, costed: Costed, priced: Priced, described: Descriptions) -> None:
    """Say what a call costs, line by line, and what it would cost without cache and tier."""
    call, _, status, _ = costed
    price = described.at(
        call.provider, call.response_model, call.request_model, call.tier, from_us(call.start_us)
    )
    is_cached = status == "cached"
    listed, paid = (priced.cost_pico, 0) if is_cached else (priced.list_pico, priced.cost_pico)
    saved, extra = savings(listed, paid, priced.standard_pico - paid, is_cached=is_cached)
    size = call.usage.input_tokens or 0
    account.update(
        {
            "meters": [line_told(line, price, size) for line in priced.lines],
            "price_version": priced.price_version,
            "price_entry": priced.model,
            "price_source": priced.price_source,
            "list_cost_usd": format_usd(listed),
            "saved_usd": saved,
            "extra_usd": extra,
            "quantities": {line.meter: line.quantity for line in priced.lines},
        }
    )


def _cost(costed: Costed) -> str | None:
    """A cached answer cost nothing, whatever its usage would have."""
    if costed.status == "cached":
        return format_usd(0)
    return format_usd(costed.outcome.cost_pico) if isinstance(costed.outcome, Priced) else None


def _of_no_call(read: _NoCall, unknown: frozenset[str], zone: tzinfo) -> Account:
    span, found = read
    account = blank(None, None, None, zone)
    if span is not None:
        account = blank(span.trace_id, span.span_id, span.start_ns // 1000, zone)
        account["emitter"] = span.scope or None
        account["raw_usage"] = raw_usage(span.attributes, unknown)
    if isinstance(found, Rejected):
        account["message"] = found.message
    account["reason"] = found.reason
    return account
