"""Every count on a span is either read, and said as what, or ignored, and said why."""

from __future__ import annotations

import json
from typing import Any

import pytest

from taximeter_processor.ingest.calls import CallReader
from taximeter_processor.ingest.otlp import JSON, Decoder
from taximeter_processor.ingest.provenance import (
    Provenance,
    provenance,
    stored_provenance,
    with_lines,
)
from taximeter_processor.ingest.raw_usage import raw_usage
from taximeter_processor.model import Call, Span, Usage
from tests.support.otlp import CHAT, NOW_NS, json_body, json_span
from tests.taximeter_processor.ingest.test_calls import PRICED

CONTRIB = "opentelemetry.instrumentation.openai_v2"


def decoded(attributes: dict[str, Any], scope: str = CONTRIB, **fields: Any) -> Span:
    body = json_body(json_span(1, attributes, **fields), scope=scope)
    return Decoder().decode(body, JSON, NOW_NS).spans[0]


def told(attributes: dict[str, Any], **fields: Any) -> Provenance:
    span = decoded(attributes, **fields)
    return provenance(span, raw_usage(span.attributes))


def reasons(found: Provenance) -> dict[str, str]:
    return {ignored.name: ignored.reason for ignored in found.ignored}


@pytest.mark.parametrize("vector", PRICED, ids=lambda vector: vector["id"])
def test_the_ledger_tells_of_a_call_s_counts_what_its_span_tells(vector: dict[str, Any]) -> None:
    body = json_body(
        json_span(1, vector["attributes"], name=vector["span_name"]),
        scope=vector["scope"] or "",
        resource=vector.get("resource"),
    )
    (span,) = Decoder().decode(body, JSON, NOW_NS).spans
    call = CallReader().read(span)
    assert isinstance(call, Call)
    live = provenance(span, raw_usage(span.attributes))
    assert stored_provenance(call.dialect, call.raw_usage, call.usage) == live
    assert {*live.read_as, *(one.name for one in live.ignored)} == set(live.raw)


def test_each_count_says_what_it_is_read_as() -> None:
    assert told(CHAT).read_as == {
        "gen_ai.usage.input_tokens": ("input_tokens",),
        "gen_ai.usage.output_tokens": ("output_tokens",),
        "gen_ai.usage.cache_read.input_tokens": ("cache_read_tokens",),
        "gen_ai.usage.reasoning.output_tokens": ("reasoning_tokens",),
    }


def test_an_older_name_of_a_count_repeats_the_one_that_is_read() -> None:
    found = told({**CHAT, "gen_ai.usage.prompt_tokens": 9})
    (ignored,) = found.ignored
    assert (ignored.name, ignored.value, ignored.reason) == (
        "gen_ai.usage.prompt_tokens", 9, "repeated",
    )  # fmt: skip
    assert ignored.why == "input_tokens is read from gen_ai.usage.input_tokens"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("gen_ai.usage.total_tokens", "total"),
        ("gen_ai.usage.text.input_tokens", "contained"),
        ("gen_ai.request.max_tokens", "limit"),
        ("gen_ai.usage.cost", "reported_cost"),
    ],
)
def test_what_is_no_count_of_its_own_says_what_it_is(name: str, reason: str) -> None:
    assert reasons(told({**CHAT, name: 3})) == {name: reason}


def test_a_count_in_json_is_named_by_its_path() -> None:
    usage = {
        "prompt_tokens": 1312,
        "prompt_tokens_details": {"cached_tokens": 1152, "audio_tokens": 0},
        "total_tokens": 1396,
        "accepted_prediction_tokens": 5,
    }
    attributes = {name: value for name, value in CHAT.items() if "cache_read" not in name} | {
        "gen_ai.usage.raw": json.dumps(usage)
    }
    found = told(attributes)
    assert found.read_as["gen_ai.usage.raw#prompt_tokens_details.cached_tokens"] == (
        "cache_read_tokens",
    )
    assert reasons(found) == {
        "gen_ai.usage.raw#prompt_tokens": "repeated",
        "gen_ai.usage.raw#total_tokens": "total",
        "gen_ai.usage.raw#accepted_prediction_tokens": "not_read",
    }


def test_a_count_may_decide_two_fields() -> None:
    buckets = {"input": 100, "input_cached_tokens": 900, "output": 20, "total": 1020}
    found = told(
        {
            "langfuse.observation.type": "generation",
            "gen_ai.request.model": "gpt-5-mini",
            "langfuse.observation.usage_details": json.dumps(buckets),
        }
    )
    name = "langfuse.observation.usage_details#input_cached_tokens"
    assert found.read_as[name] == ("input_tokens", "cache_read_tokens")


def test_an_attribute_no_dialect_knows_is_shown_as_not_read() -> None:
    known = Decoder(frozenset({"gen_ai.usage.magic_tokens"}))
    span = known.decode(
        json_body(json_span(1, {**CHAT, "gen_ai.usage.magic_tokens": 7})), JSON, NOW_NS
    ).spans[0]
    found = provenance(span, raw_usage(span.attributes, frozenset({"gen_ai.usage.magic_tokens"})))
    assert reasons(found) == {"gen_ai.usage.magic_tokens": "not_read"}


def test_reasoning_without_a_price_of_its_own_is_contained_in_output() -> None:
    found = told(CHAT)
    assert reasons(with_lines(found, frozenset({"input", "output"}))) == {
        "gen_ai.usage.reasoning.output_tokens": "contained"
    }
    apart = frozenset({"input", "output", "output_reasoning"})
    assert with_lines(found, apart).ignored == ()


def test_tokens_the_provider_does_not_bill_are_not_billed() -> None:
    attributes = {**CHAT, "taximeter.usage.billed_input_tokens": 100}
    found = with_lines(told(attributes, scope="taximeter"), frozenset({"input", "output"}))
    assert reasons(found)["gen_ai.usage.input_tokens"] == "not_billed"
    assert "taximeter.usage.billed_input_tokens" not in reasons(found)


def test_our_usual_spans_are_told_from_the_ledger_s_columns() -> None:
    found = stored_provenance("taximeter", None, Usage(1312, 84, 1152, reasoning_tokens=64))
    assert found == told(CHAT, scope="taximeter")


def test_our_rarer_counts_are_kept_as_they_stood() -> None:
    attributes = {**CHAT, "taximeter.usage.web_search_requests": 2}
    call = CallReader().read(decoded(attributes, scope="taximeter"))
    assert isinstance(call, Call)
    assert call.raw_usage is not None
    assert call.raw_usage["taximeter.usage.web_search_requests"] == 2


def test_a_span_that_is_no_call_has_no_account_of_its_counts() -> None:
    found = told({"gen_ai.operation.name": "invoke_agent", "gen_ai.usage.input_tokens": 5})
    assert (found.read_as, found.ignored) == ({}, ())


@pytest.mark.parametrize("value", [float("nan"), float("inf"), True, "many", ["1"]])
def test_what_is_no_number_is_no_count(value: Any) -> None:
    assert raw_usage({"gen_ai.usage.total_tokens": value}) == {}
