"""Ledger rows for tests: one priced gpt-5-mini call, changed field by field."""

from __future__ import annotations

from taximeter_processor.ledger.record import Record

NOON_US = 1_795_003_200_000_000
"""2026-11-18 12:00:00 UTC."""

# 160 input at $0.25, 1152 cached at $0.025, 84 output at $2 a million tokens.
CALL = Record(
    trace_id="0af7651916cd43dd8448eb211c80319c",
    span_id="b7ad6b7169203331",
    start_time=NOON_US,
    end_time=NOON_US + 900_000,
    ingested_at=NOON_US + 2_000_000,
    parent_span_id="",
    response_id="chatcmpl-1",
    writer="main",
    emitter="taximeter",
    dialect="otel",
    feature="search",
    tenant="acme",
    team="growth",
    request_type="interactive",
    environment="prod",
    service_name="api",
    provider="openai",
    request_model="gpt-5-mini",
    response_model="gpt-5-mini-2025-08-07",
    model="gpt-5-mini",
    operation="chat",
    service_tier="standard",
    status="priced",
    unpriced_reason="",
    usage_status="reported",
    input_tokens=1312,
    output_tokens=84,
    cache_read_tokens=1152,
    cache_write_tokens=None,
    reasoning_tokens=64,
    input_quantity=160,
    cache_read_quantity=1152,
    cache_write_quantity=0,
    output_quantity=84,
    input_cost_usd=40_000_000,
    cache_read_cost_usd=28_800_000,
    cache_write_cost_usd=0,
    output_cost_usd=168_000_000,
    other_meters=None,
    cost_usd=236_800_000,
    first_cost_usd=236_800_000,
    list_cost_usd=496_000_000,
    tier_saved_usd=0,
    reported_cost_usd=None,
    price_version="genai-prices/0.2.3",
    price_source="catalogue",
    is_backfill=False,
)


def call(number: int = 0, **changes: object) -> Record:
    """The call with a span id of its own and the given fields changed."""
    return CALL._replace(span_id=f"{number + 1:016x}", **changes)  # type: ignore[arg-type]


def calls(count: int, **changes: object) -> list[Record]:
    """Calls that differ by span id alone."""
    return [call(number, **changes) for number in range(count)]
