"""Whether two rows tell of one call: the rules, as plain questions about two records.

Several libraries, or a library and a gateway, may each write a span for one call. They are one call
when they name the same response, or when one lies inside the other and says the same.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from taximeter_processor.ledger.record import Record

MOST_APART_US: Final = 600_000_000
"""Two tellings of one call start within ten minutes of each other."""
LONGEST_US: Final = 86_400_000_000
"""What lies below a sum that took longer is looked for in its first day."""

BRIDGES: Final = frozenset({"litellm"})
"""Emitters that tell twice of a call they pass from one API to another."""

_TOLERANCE: Final = 100
"""Counts agree when they differ by less than one part in this many."""
_VENDOR: Final = re.compile(
    r"^((us|eu|apac|ap|jp|au|ca|sa|global|us-gov)\.)?"
    r"(anthropic|amazon|meta|mistral|cohere|ai21|deepseek|qwen|openai)\.(?=[a-z])"
)


def emitters_of(record: Record) -> frozenset[str]:
    """Everyone who told of this call so far."""
    return frozenset((record.emitter, *filter(None, record.also_told_by.split(","))))


def tell_of_one_call(one: Record, other: Record) -> bool:
    """The two are tellings of the same call by different emitters."""
    if abs(one.start_time - other.start_time) > MOST_APART_US:
        return False
    shared = emitters_of(one) & emitters_of(other)
    if shared and not (shared <= BRIDGES and _is_bridged(one, other)):
        return False  # one emitter tells of each call once
    if one.response_id and other.response_id:
        is_same = one.response_id == other.response_id
        return is_same and (one.trace_id == other.trace_id or _agree(one, other))
    return one.trace_id == other.trace_id and _is_retold(one, other)


def restates(parent: Record, children: list[Record]) -> bool:
    """The parent's usage is that of the calls below it, or it has none of its own."""
    if not has_usage(parent):
        return any(map(has_usage, children))
    is_sum = parent.dialect == "otel_unnamed" or all(
        parent.emitter != child.emitter for child in children
    )
    return (
        is_sum
        and all(_is_same_model(parent, child) for child in children)
        and _is_close(parent.input_tokens, sum(child.input_tokens or 0 for child in children))
        and _is_close(parent.output_tokens, sum(child.output_tokens or 0 for child in children))
    )


def has_usage(record: Record) -> bool:
    """Some count was told."""
    return record.usage_status != "missing"


def richness(record: Record) -> tuple[object, ...]:
    """Which of two tellings is believed: the larger."""
    details = (
        record.cache_read_tokens,
        record.cache_write_tokens,
        record.reasoning_tokens,
        record.other_meters,
    )
    return (
        ("missing", "estimated", "partial", "reported").index(record.usage_status),
        record.dialect == "taximeter",
        sum(detail is not None for detail in details),
        record.status == "priced",
        # The later one is deeper, and closer to the wire.
        record.start_time,
        record.reported_cost_usd is not None,
        record.span_id,
    )


def _agree(one: Record, other: Record) -> bool:
    """Provider and model are the same as far as both are known."""
    providers = {one.provider, other.provider} - {""}
    return len(providers) < 2 and _is_same_model(one, other)


def _is_bridged(one: Record, other: Record) -> bool:
    """Both name one response, and one lies inside the other and says the same."""
    return one.response_id == other.response_id != "" and _is_retold(one, other)


def _is_retold(one: Record, other: Record) -> bool:
    """One lies inside the other and says the same, or one of them says nothing."""
    outer, inner = sorted((one, other), key=lambda r: (r.start_time, -r.end_time))
    if inner.end_time > outer.end_time or not _is_same_model(outer, inner):
        return False
    if not has_usage(outer) or not has_usage(inner):
        # A failed attempt inside a call that went well is a call of its own.
        return inner.status != "failed" or outer.status == "failed"
    return _is_close(outer.input_tokens, inner.input_tokens) and _is_close(
        outer.output_tokens, inner.output_tokens
    )


def _is_close(one: int | None, other: int | None) -> bool:
    one, other = one or 0, other or 0
    return abs(one - other) * _TOLERANCE <= max(one, other)


def _is_same_model(one: Record, other: Record) -> bool:
    """Some name of the one is some name of the other, with or without its date."""
    ours, theirs = _names(one), _names(other)
    return (
        not ours
        or not theirs
        or any(a.startswith(b) or b.startswith(a) for a in ours for b in theirs)
    )


def _names(record: Record) -> frozenset[str]:
    return _plain_names(record.request_model, record.response_model, record.model)


@lru_cache(maxsize=4096)
def _plain_names(*models: str) -> frozenset[str]:
    """Models without the seller before them."""
    plain = (model.lower().rpartition("/")[2] for model in models)
    return frozenset(_VENDOR.sub("", name) for name in plain if name)
