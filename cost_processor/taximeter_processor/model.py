"""The values that travel from stage to stage: `Span`, `Call`, `Priced` or `Unpriced`.

They are `NamedTuple`s because one is made for every span: a frozen dataclass of this width costs
three times as much to build. Times are integers of microseconds (`start_us = ns // 1000`) or
nanoseconds, UTC; money is an integer of pico-USD; an absent count is `None`, never 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple, TypeAlias

AttributeValue: TypeAlias = "str | int | float | bool | list[str]"

UsageStatus: TypeAlias = Literal["reported", "missing", "partial", "estimated"]
Status: TypeAlias = Literal["priced", "unpriced", "failed", "cached"]

UNKNOWN_TAG = ""
"""How an absent tag is stored; shown as `unknown`."""


class Span(NamedTuple):
    """One OTLP span, with only the attributes some dialect can use."""

    trace_id: str
    """32 lower-case hex digits."""
    span_id: str
    """16 lower-case hex digits."""
    parent_span_id: str
    """16 lower-case hex digits, or empty."""
    name: str
    start_ns: int
    end_ns: int
    is_error: bool
    """The span's status code is ERROR."""
    attributes: Mapping[str, AttributeValue]
    resource: Mapping[str, AttributeValue]
    scope: str
    """Instrumentation scope name: the emitter."""


class Usage(NamedTuple):
    """What one call read and wrote. The first two are inclusive, the others are parts of them."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    cache_write_1h_tokens: int | None = None
    """A part of `cache_write_tokens`."""
    reasoning_tokens: int | None = None
    input_audio_tokens: int | None = None
    output_audio_tokens: int | None = None
    input_image_tokens: int | None = None
    output_image_tokens: int | None = None
    cache_read_audio_tokens: int | None = None
    """A part of both `cache_read_tokens` and `input_audio_tokens`."""
    cache_read_image_tokens: int | None = None
    """A part of both `cache_read_tokens` and `input_image_tokens`."""
    web_search_requests: int | None = None
    billed_input_tokens: int | None = None
    """What is paid for instead of `input_tokens`, where a provider tells the two apart."""
    billed_output_tokens: int | None = None
    search_units: int | None = None
    pages: int | None = None
    audio_seconds: int | None = None


class Call(NamedTuple):
    """One upstream attempt, in one normal form whatever library told of it."""

    trace_id: str
    span_id: str
    parent_span_id: str
    start_us: int
    end_us: int
    emitter: str
    """Instrumentation scope name; decides whether two spans may tell of the same call."""
    dialect: str
    """Which reader understood it, e.g. `otel`, `openinference`."""
    service: str
    environment: str
    feature: str
    tenant: str
    team: str
    request_type: str
    provider: str
    """Canonical `gen_ai.provider.name`, or empty."""
    request_model: str
    response_model: str
    operation: str
    tier: str
    """`standard`, `flex`, `priority`, `batch` or as the provider spells a rarer one."""
    response_id: str
    usage: Usage
    usage_status: UsageStatus
    is_error: bool
    is_cache_hit: bool
    """Answered by a response cache: the usage is what was avoided."""
    reported_cost_pico: int | None
    """What the emitter or provider said it cost, in pico-USD."""
    called_model: str = ""
    """What a proxy says it really called, behind the name that was asked for."""
    raw_usage: Mapping[str, AttributeValue] | None = None
    """The counts as the emitter wrote them; None for Taximeter's usual spans, which name each count
    in one way."""


class NotACall(NamedTuple):
    """A good span that is no billable call, and why (`aggregate`, `not_genai`, …)."""

    reason: str


class Quantity(NamedTuple):
    """A disjoint billable amount: how much of one meter a call used."""

    meter: str
    quantity: int


class Line(NamedTuple):
    """One priced meter of one call."""

    meter: str
    quantity: int
    rate_usd: str
    """Dollars for one unit, as an exact decimal or `n/d` fraction."""
    cost_pico: int


class Priced(NamedTuple):
    """What a call costs: the sum of its lines, each rounded once to 1 pico-USD."""

    lines: tuple[Line, ...]
    cost_pico: int
    list_pico: int
    """The same usage without cache and tier, at the same prices and time."""
    standard_pico: int
    """The same usage with its cache, at the standard tier: what the tier changed is the rest."""
    model: str
    """The price entry that was used."""
    price_version: str
    price_source: str


class Unpriced(NamedTuple):
    """A call whose cost is not known, and why: shown, counted, never zero."""

    reason: Literal[
        "unknown_model", "no_usage", "no_price_for_meter", "no_price_at_time", "estimated_usage"
    ]
