"""Turns a span into an account of itself: is it a call, what did it use, what does that cost, why.

The keys are a contract, documented in `docs/explain.md`.
"""

from __future__ import annotations

from typing import Any

from taximeter_processor.costing import Costed, cost
from taximeter_processor.ingest.otlp import Rejected
from taximeter_processor.model import Call, NotACall, Priced, Span, Unpriced, Usage
from taximeter_processor.money import format_usd
from taximeter_processor.pricing.book import PriceBook
from taximeter_processor.tagging import TagRules


def explain(
    span: Span, found: Call | NotACall | Rejected, book: PriceBook, rules: TagRules
) -> dict[str, Any]:
    """The account of one span, given what it was read as."""
    if isinstance(found, Call):
        call, _ = rules.book(found)
        try:
            return _of_call(cost(call, book))
        except ValueError as error:
            found = Rejected("bad_count", str(error))
    return _of_no_call(span.trace_id, span.span_id, found)


def explain_rejected(rejected: Rejected) -> dict[str, Any]:
    """The account of a span that could not even be decoded."""
    return _of_no_call(None, None, rejected)


def _of_call(costed: Costed) -> dict[str, Any]:
    call, _, status, outcome = costed
    priced = outcome if isinstance(outcome, Priced) else None
    reported = call.reported_cost_pico
    return {
        "trace_id": call.trace_id,
        "span_id": call.span_id,
        "is_call": True,
        "reason": outcome.reason if isinstance(outcome, Unpriced) else None,
        "provider": call.provider or None,
        "request_model": call.request_model or None,
        "response_model": call.response_model or None,
        "operation": call.operation or None,
        "usage": _usage(call.usage),
        "reported_cost_usd": None if reported is None else format_usd(reported),
        "meters": [
            {
                "meter": line.meter,
                "quantity": line.quantity,
                "rate_usd": line.rate_usd,
                "cost_usd": format_usd(line.cost_pico),
            }
            for line in (priced.lines if priced else ())
        ],
        "cost_usd": _cost(costed),
        "price_version": priced.price_version if priced else None,
        "tags": {
            "feature": call.feature or None,
            "tenant": call.tenant or None,
            "team": call.team or None,
            "request_type": call.request_type or None,
        },
        "status": status,
    }


def _cost(costed: Costed) -> str | None:
    """A cached answer cost nothing, whatever its usage would have."""
    if costed.status == "cached":
        return format_usd(0)
    return format_usd(costed.outcome.cost_pico) if isinstance(costed.outcome, Priced) else None


def _of_no_call(
    trace_id: str | None, span_id: str | None, found: NotACall | Rejected
) -> dict[str, Any]:
    message = {"message": found.message} if isinstance(found, Rejected) else {}
    return {
        "trace_id": trace_id,
        "span_id": span_id,
        "is_call": False,
        "reason": found.reason,
        **message,
        "provider": None,
        "request_model": None,
        "response_model": None,
        "operation": None,
        "usage": _usage(Usage()),
        "reported_cost_usd": None,
        "meters": [],
        "cost_usd": None,
        "price_version": None,
        "tags": {"feature": None, "tenant": None, "team": None, "request_type": None},
        "status": None,
    }


def _usage(usage: Usage) -> dict[str, int | None]:
    return {
        "input_tokens": usage.input_tokens,
        "cached_read_tokens": usage.cache_read_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "output_tokens": usage.output_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
    }
