"""Failures of other tools that read an answer wrongly, each named after what went wrong.

Recorded bytes of a provider go through the instrumentation and the pipeline into the ledger.
"""

from __future__ import annotations

from typing import Any

import httpx

from tests.field_failures.price_calls import PICO_PER_MICRO
from tests.field_failures.wire import Wire
from tests.taximeter.replay import answer, recording


def with_usage(name: str, told: bytes, instead: bytes) -> Any:
    """A recorded JSON answer that says something else in one place."""
    body = recording(name).body
    assert body.count(told) == 1
    return answer(name, chunks=[body.replace(told, instead)])


def leave(response: httpx.Response) -> None:
    """Read one chunk, then go away, as a user who closes the page."""
    next(response.iter_raw())


def test_gemini_s_cache_hits_were_charged_twice(wire: Wire) -> None:
    wire.call("gemini-interactions-json")
    # 1240 input, of which 1024 cached: 216 x $0.50 + 1024 x $0.05 + 60 x $3.
    assert wire.row().cost_usd == 339_200_000
    assert (wire.row().input_tokens, wire.row().cache_read_tokens) == (1240, 1024)


def test_cached_and_reasoning_tokens_were_added_to_what_contains_them(wire: Wire) -> None:
    wire.call("openai-chat-cached-reasoning")
    # 2006 input with 1920 cached, 1300 output with 1216 of reasoning:
    # 86 x $1.10 + 1920 x $0.275 + 1300 x $4.40.
    assert wire.row().cost_usd == 6_342_600_000


def test_cached_tokens_were_never_recorded(wire: Wire) -> None:
    wire.call("openai-chat-stream-usage")
    assert wire.row().cache_read_tokens == 1152
    ((read, cost),) = wire.service.store.read(
        "select cache_read_quantity, cache_read_cost_usd from calls"
    )
    assert (read, str(cost)) == (1152, "0.000028800000")


def test_one_hour_cache_writes_came_off_the_wire_as_five_minute_ones(wire: Wire) -> None:
    wire.call("anthropic-cache-write-5m-1h")
    # 9 x $5 + 1000 x $6.25 + 2000 x $10 + 210 x $25.
    assert wire.row().cost_usd == (45 + 6_250 + 20_000 + 5_250) * PICO_PER_MICRO


def test_flex_came_off_the_wire_as_standard(wire: Wire) -> None:
    wire.call("openai-chat-flex")
    # Half of 300 x $1.25 + 210 x $10.
    assert wire.row().cost_usd == 1_237_500_000


def test_a_streamed_call_was_recorded_at_0(wire: Wire) -> None:
    wire.call("openai-chat-stream-usage")
    # 160 x $0.25 + 1152 x $0.025 + 84 x $2.
    assert wire.row().cost_usd == 236_800_000


def test_a_stream_without_usage_was_recorded_at_0(wire: Wire) -> None:
    wire.call("openai-chat-stream-no-usage")
    assert wire.row()[:3] == ("unpriced", "no_usage", "missing")
    assert wire.row().input_tokens is None


def test_a_cancelled_stream_was_not_billed(wire: Wire) -> None:
    wire.call("anthropic-messages-stream", read=leave)
    # The first event tells 25 input tokens and 1 output token: 25 x $1 + 1 x $5.
    assert wire.row().usage_status == "partial"
    assert wire.row().cost_usd == 30 * PICO_PER_MICRO


def test_an_explicit_0_was_replaced_by_an_estimate(wire: Wire) -> None:
    told = b'"completion_tokens": 10'
    wire.call("openai-chat-json", with_usage("openai-chat-json", told, b'"completion_tokens": 0'))
    assert (wire.row().output_tokens, wire.row().usage_status) == (0, "reported")
    # 19 x $2, and nothing for output.
    assert wire.row().cost_usd == 38 * PICO_PER_MICRO


def test_rows_without_a_response_id_were_dropped_but_one(wire: Wire) -> None:
    nameless = with_usage("openai-chat-json", b'"id": "chatcmpl-TX0001"', b'"id": null')
    for _ in range(3):
        wire.call("openai-chat-json", nameless)
    assert [row.cost_usd for row in wire.rows()] == [118_000_000] * 3
