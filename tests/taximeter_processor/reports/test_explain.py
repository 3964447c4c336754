"""A file's spans, each an account of itself: lines that add up, sources, and what was ignored."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taximeter_processor.errors import BadRequest
from taximeter_processor.ingest.dialects import SPAN_KEYS
from taximeter_processor.pricing.book import PriceBook
from taximeter_processor.reports.account import Account
from taximeter_processor.reports.explain import explain
from taximeter_processor.settings import Settings, parse
from tests.support.otlp import CHAT, NOW_NS, json_body, json_span
from tests.taximeter_processor.ingest.test_hostile import VALUES

SETTINGS = Settings()
BOOK = PriceBook.of(SETTINGS)
CONTRIB = "opentelemetry.instrumentation.openai_v2"


def accounts(body: bytes, configuration: str = "{}") -> list[Account]:
    configured = parse(configuration, Path("taximeter.yaml"))
    return explain(body, configured, PriceBook.of(configured), NOW_NS)


def account(
    attributes: dict[str, Any] = CHAT,
    configuration: str = "{}",
    scope: str = "taximeter",
    **fields: Any,
) -> Account:
    (found,) = accounts(json_body(json_span(1, attributes, **fields), scope=scope), configuration)
    return found


def test_lines_are_quantity_times_rate_and_add_up_to_the_cost() -> None:
    found = account()
    # 160 x $0.25, 1152 x $0.025 and 84 x $2 a million tokens.
    assert [
        (line["meter"], line["quantity"], line["rate_per_usd"], line["per"], line["cost_usd"])
        for line in found["meters"]
    ] == [
        ("input", 160, "0.25", 1_000_000, "0.00004"),
        ("cache_read", 1152, "0.025", 1_000_000, "0.0000288"),
        ("output", 84, "2", 1_000_000, "0.000168"),
    ]
    costs = [Decimal(line["cost_usd"] or "") for line in found["meters"]]
    assert sum(costs) == Decimal(found["cost_usd"] or "") == Decimal("0.0002368")


def test_a_rate_of_the_catalogue_names_its_entry() -> None:
    line = account()["meters"][0]
    assert (line["source"], line["source_detail"]) == (
        "catalogue",
        "genai-prices:openai/gpt-5-mini",
    )
    assert (line["fallback"], line["override"]) == (None, None)


def test_a_rate_of_an_override_names_its_line_days_and_reason() -> None:
    configuration = (
        "prices:\n"
        "  - {model: other, percent: 5}\n"
        "  - provider: openai\n"
        "    model: gpt-5*\n"
        "    percent: -10\n"
        "    from: 2026-10-01\n"
        "    note: contract 4711\n"
    )
    found = account(configuration=configuration)
    line = found["meters"][0]
    assert line["source"] == "override"
    assert line["override"] == {
        "name": "openai/gpt-5*@2026-10-01",
        "line": 3,
        "note": "contract 4711",
        "since": "2026-10-01",
        "until": None,
    }
    assert (line["rate_per_usd"], line["valid_from"]) == ("0.225", "2026-10-01T00:00:00Z")
    # 160 x $0.225, 1152 x $0.0225 and 84 x $1.8 a million tokens.
    assert found["cost_usd"] == "0.00021312"


def test_a_meter_without_a_rate_of_its_own_says_whose_it_pays() -> None:
    written = {**CHAT, "gen_ai.usage.cache_creation.input_tokens": 100}
    lines = {line["meter"]: line for line in account(written)["meters"]}
    assert (lines["cache_write"]["source"], lines["cache_write"]["pays_as"]) == (
        "fallback",
        "input",
    )
    assert lines["cache_write"]["fallback"] == (
        "cache_write has no rate of its own: it pays that of input"
    )


def test_a_tier_without_rates_says_that_the_standard_ones_are_used() -> None:
    found = account({**CHAT, "taximeter.service_tier": "reserved"})
    assert {line["source"] for line in found["meters"]} == {"fallback"}
    assert found["meters"][0]["fallback"] == (
        "tier reserved has no rates: the standard ones are used"
    )


def test_a_rate_that_a_tier_leaves_as_it_is_says_so() -> None:
    batch = {
        **CHAT,
        "taximeter.service_tier": "batch",
        "gen_ai.request.model": "gpt-4.1",
        "gen_ai.response.model": "gpt-4.1-2025-04-14",
    }
    lines = {line["meter"]: line for line in account(batch)["meters"]}
    # Half of $2; batch tables name no rate for cached input, so that stays at $0.50.
    assert (lines["input"]["rate_per_usd"], lines["input"]["source"]) == ("1", "catalogue")
    assert (lines["cache_read"]["rate_per_usd"], lines["cache_read"]["source"]) == (
        "0.5", "fallback",
    )  # fmt: skip
    assert lines["cache_read"]["fallback"] == (
        "tier batch has no rate of its own for cache_read: the standard one is used"
    )


def test_another_seller_s_list_is_a_fallback() -> None:
    line = account({**CHAT, "gen_ai.provider.name": "azure.ai.openai"})["meters"][0]
    assert (line["source"], line["source_detail"]) == ("fallback", "genai-prices:openai/gpt-5-mini")
    assert line["fallback"] == "azure.ai.openai lists no price: that of openai is used"


def test_an_override_s_own_rate_is_borrowed_from_nobody() -> None:
    configuration = "prices: [{provider: azure.ai.openai, model: gpt-5*, rates: {input: 1}}]"
    lines = account({**CHAT, "gen_ai.provider.name": "azure.ai.openai"}, configuration)["meters"]
    assert {line["meter"]: line["source"] for line in lines} == {
        "input": "override",
        "cache_read": "fallback",
        "output": "fallback",
    }


def test_a_large_request_pays_the_rate_above_the_threshold() -> None:
    long = {
        **CHAT,
        "gen_ai.provider.name": "ollama",
        "gen_ai.request.model": "long",
        "gen_ai.response.model": "long",
        "gen_ai.usage.cache_read.input_tokens": 0,
    }
    configuration = (
        "prices: [{provider: ollama, model: long, rates: {input: 1, output: 1},"
        " above: {%d: {input: 3}}}]"
    )
    above = account(long, configuration % 1311)["meters"][0]
    exactly = account(long, configuration % 1312)["meters"][0]
    assert (above["rate_per_usd"], exactly["rate_per_usd"]) == ("3", "1")
    assert (above["rate_usd"], exactly["rate_usd"]) == ("0.000003", "0.000001")


def test_list_price_less_savings_plus_extra_is_the_cost() -> None:
    found = account()
    # All 1312 input tokens at $0.25 and 84 output tokens at $2 a million.
    assert found["list_cost_usd"] == "0.000496"
    assert (found["saved_usd"], found["extra_usd"]) == ({"prompt_cache": "0.0002592"}, {})


def test_a_premium_tier_is_extra() -> None:
    found = account({**CHAT, "taximeter.service_tier": "priority"})
    assert set(found["extra_usd"] or {}) == {"tier"}
    parts = [
        Decimal(found["list_cost_usd"] or ""),
        -sum(map(Decimal, (found["saved_usd"] or {}).values())),
        sum(map(Decimal, (found["extra_usd"] or {}).values())),
    ]
    assert sum(parts) == Decimal(found["cost_usd"] or "")


def test_an_answer_of_a_response_cache_costs_nothing_and_saved_its_lines() -> None:
    found = account({**CHAT, "taximeter.cache_hit": True})
    assert (found["status"], found["cost_usd"], found["list_cost_usd"]) == (
        "cached", "0.0", "0.0002368",
    )  # fmt: skip
    assert found["saved_usd"] == {"response_cache": "0.0002368"}


def test_an_unknown_model_has_quantities_and_no_amount() -> None:
    found = account({**CHAT, "gen_ai.request.model": "x", "gen_ai.response.model": "x"})
    assert (found["status"], found["reason"], found["cost_usd"]) == (
        "unpriced", "unknown_model", None,
    )  # fmt: skip
    assert (found["meters"], found["list_cost_usd"], found["saved_usd"]) == ([], None, None)
    assert found["quantities"] == {"input": 160, "cache_read": 1152, "output": 84}


def test_counts_stand_under_the_emitter_s_names_with_what_became_of_them() -> None:
    attributes = {**CHAT, "gen_ai.usage.total_tokens": 1396, "gen_ai.usage.magic_tokens": 7}
    found = account(attributes)
    assert found["raw_usage"]["gen_ai.usage.total_tokens"] == 1396
    assert {one["name"]: one["reason"] for one in found["ignored"]} == {
        "gen_ai.usage.total_tokens": "total",
        "gen_ai.usage.magic_tokens": "not_read",
        "gen_ai.usage.reasoning.output_tokens": "contained",
    }


def test_cached_input_that_the_emitter_leaves_out_is_added_and_said() -> None:
    found = account({**CHAT, "gen_ai.provider.name": "gcp.anthropic"}, scope="envoy")
    assert found["usage"]["input_tokens"] == 1312 + 1152
    assert found["corrected"] == [
        {
            "field": "input_tokens",
            "told": 1312,
            "counted": 2464,
            "why": "this emitter leaves cached input out of its count: it is added",
        }
    ]
    assert account()["corrected"] == []


@given(st.dictionaries(st.sampled_from(sorted(SPAN_KEYS)), VALUES, max_size=8))
@settings(max_examples=200)
def test_whatever_a_span_holds_it_is_explained_in_plain_json(attributes: dict[str, Any]) -> None:
    spans = json_body(json_span(1, {**CHAT, **attributes}), json_span(2, attributes))
    for body in (spans, spans.replace(b'"name": "taximeter"', b'"name": "other"')):
        found = explain(body, SETTINGS, BOOK, NOW_NS)
        assert len(found) == 2
        assert json.loads(json.dumps(found, allow_nan=False)) == found


def told_twice() -> list[Account]:
    ours = json_span(1, traceId="a" * 32, parentSpanId=f"{2:016x}")
    theirs = json_span(2, traceId="a" * 32, startTimeUnixNano=str(NOW_NS - 2_000_001_000))
    bodies = [json_body(ours), json_body(theirs, scope=CONTRIB)]
    groups = [body[len(b'{"resourceSpans": [') : -2] for body in bodies]
    return accounts(b'{"resourceSpans": [' + b", ".join(groups) + b"]}")


def test_another_telling_in_the_file_is_named_on_both_sides() -> None:
    ours, theirs = told_twice()
    (other,) = ours["duplicates"]
    assert (other["span_id"], other["emitter"], other["reason"], other["cost_usd"]) == (
        f"{2:016x}", CONTRIB, "told_twice", "0.0002368",
    )  # fmt: skip
    assert ours["duplicate_of"] is None
    assert theirs["duplicate_of"] is not None
    assert theirs["duplicate_of"]["of"]["span_id"] == f"{1:016x}"
    assert theirs["duplicates"] == []


def test_the_same_span_once_more_is_repeated() -> None:
    first, second = accounts(json_body(json_span(1), json_span(1)))
    assert first["duplicate_of"] is None
    assert second["duplicate_of"] is not None
    assert second["duplicate_of"]["reason"] == "repeated"


def test_a_span_that_is_no_call_says_why_and_what_it_carried() -> None:
    found = account({"gen_ai.operation.name": "invoke_agent", "gen_ai.usage.input_tokens": 9})
    assert (found["is_call"], found["reason"], found["cost_usd"]) == (False, "aggregate", None)
    assert found["raw_usage"] == {"gen_ai.usage.input_tokens": 9}


def test_a_refused_span_says_what_is_wrong_with_it() -> None:
    found = account({**CHAT, "gen_ai.usage.audio.output_tokens": 85})
    assert (found["reason"], "exceed" in found["message"]) == ("bad_count", True)
    assert account(spanId="")["reason"] == "bad_span_id"


def test_what_is_no_export_is_refused() -> None:
    with pytest.raises(BadRequest, match="no OTLP/JSON"):
        accounts(b"{")
