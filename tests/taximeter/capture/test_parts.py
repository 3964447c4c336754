"""One answer of several models: each is billed at its own price, so each has a span."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest
from opentelemetry.sdk.trace import ReadableSpan

import taximeter
from tests.taximeter.conftest import Spans

ANSWER = {
    "id": "msg_1",
    "type": "message",
    "model": "claude-sonnet-4-5",
    "stop_reason": "end_turn",
    "usage": {
        "input_tokens": 100,
        "output_tokens": 20,
        "service_tier": "standard",
        "iterations": [
            {"type": "message", "input_tokens": 100, "output_tokens": 20},
            {
                "type": "advisor_message",
                "model": "claude-opus-4-5",
                "input_tokens": 300,
                "output_tokens": 40,
            },
        ],
    },
}


def call() -> None:
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, content=json.dumps(ANSWER)))
    with httpx2.Client(transport=transport) as client, taximeter.tags(feature="search"):
        client.post("https://api.anthropic.com/v1/messages", json={"model": "claude-sonnet-4-5"})


def told(span: ReadableSpan) -> dict[str, Any]:
    attributes = span.attributes or {}
    return {
        name: attributes.get(f"gen_ai.{name}")
        for name in ("response.model", "response.id", "usage.input_tokens", "usage.output_tokens")
    }


@pytest.fixture
def spans_of_a_call(spans: Spans) -> tuple[ReadableSpan, ReadableSpan, ReadableSpan]:
    """The part's, the answer's own, and the application's around them."""
    taximeter.instrument(tracer_provider=spans.provider)
    with spans.provider.get_tracer("app").start_as_current_span("request"):
        call()
    taximeter.uninstrument()
    part, whole, request = spans.all()
    return part, whole, request


def test_each_model_has_a_span_with_what_is_billed_at_its_price(
    spans_of_a_call: tuple[ReadableSpan, ReadableSpan, ReadableSpan],
) -> None:
    part, whole, _ = spans_of_a_call
    assert told(whole) == {
        "response.model": "claude-sonnet-4-5",
        "response.id": "msg_1",
        "usage.input_tokens": 100,
        "usage.output_tokens": 20,
    }
    assert told(part) == {
        "response.model": "claude-opus-4-5",
        "response.id": "msg_1",
        "usage.input_tokens": 300,
        "usage.output_tokens": 40,
    }


def test_the_part_stands_beside_the_answer_began_with_it_and_has_its_tags(
    spans_of_a_call: tuple[ReadableSpan, ReadableSpan, ReadableSpan],
) -> None:
    part, whole, request = spans_of_a_call
    assert part.parent == whole.parent == request.get_span_context()
    assert part.start_time == whole.start_time
    assert [link.context for link in part.links] == [whole.get_span_context()]
    assert (part.attributes or {})["taximeter.feature"] == "search"
    assert part.name == "chat claude-opus-4-5"


def test_both_are_numbered(
    spans_of_a_call: tuple[ReadableSpan, ReadableSpan, ReadableSpan],
) -> None:
    numbers = [(span.attributes or {}).get("taximeter.sequence") for span in spans_of_a_call[:2]]
    assert numbers[0] != numbers[1]
    assert None not in numbers
