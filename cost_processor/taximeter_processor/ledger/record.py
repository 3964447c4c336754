"""One row of the ledger, exactly as stored, and the kinds its columns have.

The order of `Record`'s fields is the order of the columns; `COLUMNS` gives each its kind, from
which the engines derive their DDL and their fastest way in.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import Final, Literal, NamedTuple, cast

Kind = Literal["text", "time", "count", "money", "flag", "json"]


class Record(NamedTuple):
    """A call as the ledger keeps it. Times are µs UTC, money is pico-USD, None is NULL."""

    trace_id: str
    span_id: str
    start_time: int
    end_time: int
    ingested_at: int
    parent_span_id: str
    response_id: str
    writer: str
    emitter: str
    dialect: str
    feature: str
    tenant: str
    team: str
    request_type: str
    environment: str
    service_name: str
    provider: str
    request_model: str
    response_model: str
    model: str
    """The priced model, or the response or request model of an unpriced call."""
    operation: str
    service_tier: str
    status: str
    """`priced`, `unpriced`, `failed` or `cached`."""
    unpriced_reason: str
    usage_status: str
    input_tokens: int | None
    output_tokens: int | None
    cache_read_tokens: int | None
    cache_write_tokens: int | None
    reasoning_tokens: int | None
    input_quantity: int
    cache_read_quantity: int
    cache_write_quantity: int
    output_quantity: int
    input_cost_usd: int
    cache_read_cost_usd: int
    cache_write_cost_usd: int
    output_cost_usd: int
    other_meters: str | None
    """JSON `{meter: [quantity, "cost_usd"]}` of the rarer meters."""
    cost_usd: int
    first_cost_usd: int
    list_cost_usd: int
    """What the same usage costs without cache and tier."""
    tier_saved_usd: int
    """The part of `list_cost_usd - cost_usd` that is due to the tier; negative for premium."""
    reported_cost_usd: int | None
    price_version: str
    price_source: str
    is_backfill: bool
    """More than an hour old at arrival: in the ledger and the gauges, not in today's counters."""
    raw_usage: str | None = None
    """JSON `{attribute: count}` as the emitter wrote them; NULL for Taximeter's usual spans."""
    also_told_by: str = ""
    """Other emitters that told of this call, joined by commas."""


_KINDS: Final[dict[Kind, tuple[str, ...]]] = {
    "time": ("start_time", "end_time", "ingested_at"),
    "count": tuple(name for name in Record._fields if name.endswith(("_tokens", "_quantity"))),
    "money": tuple(name for name in Record._fields if name.endswith("_usd")),
    "json": ("other_meters", "raw_usage"),
    "flag": ("is_backfill",),
}
_KIND_OF: Final = {name: kind for kind, names in _KINDS.items() for name in names}

COLUMNS: Final[tuple[tuple[str, Kind], ...]] = tuple(
    (name, _KIND_OF.get(name, "text")) for name in Record._fields
)
NULLABLE: Final = frozenset(
    {
        "input_tokens",
        "output_tokens",
        "cache_read_tokens",
        "cache_write_tokens",
        "reasoning_tokens",
        "other_meters",
        "reported_cost_usd",
        "raw_usage",
    }
)
KEY: Final = ("trace_id", "span_id", "start_time")
FIXED: Final = frozenset({*KEY, "writer", "ingested_at", "first_cost_usd", "is_backfill"})
"""Columns that no restatement touches: whose the row is, and what the counters counted."""
COMMON_METERS: Final = ("input", "cache_read", "cache_write", "output")
COST_COLUMNS: Final = ("feature", "team", "request_type", "provider", "model", "environment")
"""The labels of a cost counter."""
DIMENSIONS: Final = (
    *COST_COLUMNS,
    "tenant",
    "service_name",
    "operation",
    "service_tier",
    "status",
    "writer",
    "emitter",
)
"""What calls are grouped and filtered by."""


Key = tuple[str, str, int]
key_of = cast(Callable[[Record], Key], itemgetter(0, 1, 2))


class Restatement(NamedTuple):
    """A row that is to be replaced, found by its key; columns in `FIXED` stay as they are."""

    record: Record
    reason: str
    restated_at: int
    """µs, UTC."""


class Change(NamedTuple):
    """What a restatement did to the cost of one row."""

    reason: str
    old_cost: int
    """Pico-USD, like `new_cost`."""
    new_cost: int
    labels: tuple[str, ...]
    """feature, team, request_type, provider, model, environment of the row as it is now."""


class DeadLetter(NamedTuple):
    """Something refused for good: what is known of it without any of its content."""

    received_at: int
    """µs, UTC."""
    reason: str
    detail: str
    peer: str
    size_bytes: int
    sha256: str
