"""What decoding a body gives, and the checks every span must pass, whatever its encoding."""

from __future__ import annotations

from collections import Counter
from typing import Final, NamedTuple

from taximeter_processor.errors import BadRequest
from taximeter_processor.model import Span
from taximeter_processor.names import OVERFLOW_VALUE

MOST_SPANS: Final = 10_000
MOST_ATTRIBUTES: Final = 10_000
MOST_FUTURE_NS: Final = 3_600_000_000_000
MOST_UNKNOWN_KEYS: Final = 100
"""Distinct usage-like keys counted in one body; more are not told apart from noise."""
MOST_TEXT: Final = 65_536
"""A longer attribute value is left out: nothing that counts tokens is that long."""

WANTED_PREFIXES: Final = ("db.", "litellm.guardrail.", "litellm.service.")
"""Attributes of which it matters that there are some: they are kept under these names."""

_LAST_NS: Final = 2**63 - 1


class Rejected(NamedTuple):
    """A span that will never be accepted: a stable reason, and a sentence for people."""

    reason: str
    message: str


class Decoded(NamedTuple):
    """The good spans of a body, the rejected ones, and usage-like attributes nobody reads."""

    spans: list[Span]
    rejected: list[Rejected]
    unknown_usage_keys: Counter[str]


def refusal(
    trace_id: str, span_id: str, start_ns: int, end_ns: int, now_ns: int
) -> Rejected | None:
    """Why a span with these ids and times cannot be stored, or None."""
    if len(trace_id) != 32 or not trace_id.strip("0"):
        return Rejected("bad_trace_id", f"trace id {trace_id[:40]!r}: expected 16 bytes, not all 0")
    if len(span_id) != 16 or not span_id.strip("0"):
        return Rejected("bad_span_id", f"span id {span_id[:40]!r}: expected 8 bytes, not all 0")
    if not 0 < start_ns <= _LAST_NS or not 0 <= end_ns <= _LAST_NS:
        return Rejected("bad_time", f"start {start_ns}, end {end_ns}: expected ns since 1970")
    if start_ns > now_ns + MOST_FUTURE_NS:
        return Rejected("future", "the span starts more than an hour from now")
    return None


def too_many_attributes(count: int) -> Rejected:
    """The refusal of a span with an absurd number of attributes."""
    return Rejected("too_many_attributes", f"{count} attributes; at most {MOST_ATTRIBUTES}")


def check_span_count(count: int) -> None:
    """Raises `BadRequest` 413 for a body with too many spans."""
    if count > MOST_SPANS:
        raise BadRequest(413, "too_many_spans", f"{count} spans; at most {MOST_SPANS} in a request")


def parent_of(span_id: str) -> str:
    """A parent's id, or empty when it is absent, all 0 or malformed: it is a hint, not a key."""
    return span_id if len(span_id) == 16 and span_id.strip("0") else ""


def begins_as_wanted(key: str) -> str:
    """The name under which an attribute with a wanted beginning is kept, or empty."""
    return next((prefix for prefix in WANTED_PREFIXES if key.startswith(prefix)), "")


def looks_like_usage(key: str) -> bool:
    """An attribute that may count something billable; sums over a whole run are none."""
    return (
        ("usage" in key or "token" in key)
        and len(key) <= 128
        and key.isprintable()
        and not key.startswith("gen_ai.aggregated_usage.")
    )


def count_unknown(key: str, counted: Counter[str]) -> None:
    """Count a usage-like key, under `other` once too many different ones were seen."""
    is_told_apart = key in counted or len(counted) < MOST_UNKNOWN_KEYS
    counted[key if is_told_apart else OVERFLOW_VALUE] += 1
