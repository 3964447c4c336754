"""Spans of every dialect in one normal form: each call once, its counts as they are meant."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taximeter_processor.ingest.calls import CallReader
from taximeter_processor.ingest.decoded import Rejected
from taximeter_processor.ingest.dialects import SPAN_KEYS
from taximeter_processor.ingest.otlp import JSON, Decoder
from taximeter_processor.model import Call, NotACall
from tests.support.otlp import CHAT, NOW_NS, json_body, json_span
from tests.support.vectors import VECTORS, read_vector

PRICED = [vector for vector in VECTORS if vector["expect"]["priced"]]
NOT_PRICED = [vector for vector in VECTORS if not vector["expect"]["priced"]]


def read(attributes: dict[str, Any], **fields: Any) -> Call | NotACall | Rejected:
    decoded = Decoder().decode(json_body(json_span(1, attributes, **fields)), JSON, NOW_NS)
    return CallReader().read(decoded.spans[0])


def call_of(attributes: dict[str, Any], **fields: Any) -> Call:
    found = read(attributes, **fields)
    assert isinstance(found, Call), found
    return found


@pytest.mark.parametrize("vector", PRICED, ids=lambda vector: vector["id"])
def test_a_call_of_each_dialect_is_read_as_its_source_says(vector: dict[str, Any]) -> None:
    call, expect = read_vector(vector), vector["expect"]
    assert isinstance(call, Call)
    cost = None if call.reported_cost_pico is None else call.reported_cost_pico / 1e12
    assert {
        "provider": call.provider,
        "request_model": call.request_model or None,
        "response_model": call.response_model or None,
        "operation": call.operation,
        "input_tokens": call.usage.input_tokens,
        "cached_read_tokens": call.usage.cache_read_tokens,
        "cache_write_tokens": call.usage.cache_write_tokens,
        "output_tokens": call.usage.output_tokens,
        "reasoning_tokens": call.usage.reasoning_tokens,
        "reported_cost_usd": cost,
    }.items() <= expect.items()
    assert (call.usage_status == "estimated") == expect.get("estimated", False)


@pytest.mark.parametrize("vector", NOT_PRICED, ids=lambda vector: vector["id"])
def test_a_span_that_is_no_paid_call_is_not_one(vector: dict[str, Any]) -> None:
    found = read_vector(vector)
    if vector["expect"].get("reason") == "no_usage":
        assert isinstance(found, Call)
        assert found.usage_status == "missing"
    else:
        assert isinstance(found, NotACall)


@pytest.mark.parametrize(
    "vector", [v for v in PRICED if v["expect"].get("tags")], ids=lambda vector: vector["id"]
)
def test_tags_are_found_where_each_emitter_puts_them(vector: dict[str, Any]) -> None:
    call, tags = read_vector(vector), vector["expect"]["tags"]
    assert isinstance(call, Call)
    expected = {name: tags[name] for name in ("feature", "tenant", "team") if name in tags}
    if "feature_fallback" in tags:
        expected["feature"] = tags["feature_fallback"]
    assert expected.items() <= call._asdict().items()


@pytest.mark.parametrize(
    ("value", "tokens"), [(84, 84), (84.0, 84), ("84", 84), ("84.0", 84), (0, 0), (10**12, 10**12)]
)
def test_a_count_may_arrive_as_integer_double_or_text(value: object, tokens: int) -> None:
    call = call_of({**CHAT, "gen_ai.usage.output_tokens": value})
    assert call.usage.output_tokens == tokens


@pytest.mark.parametrize(
    "value", [-1, 1.5, float("nan"), float("inf"), "many", "", "1e999", 10**12 + 1, 2**63 - 1, True]
)
def test_a_count_that_cannot_be_one_refuses_the_span(value: object) -> None:
    found = read({**CHAT, "gen_ai.usage.output_tokens": value})
    assert isinstance(found, Rejected)
    assert found.reason == "bad_count"


def test_a_cache_larger_than_its_input_must_have_been_left_out() -> None:
    call = call_of(
        {**CHAT, "gen_ai.usage.input_tokens": 10, "gen_ai.usage.cache_read.input_tokens": 1152}
    )
    assert call.usage.input_tokens == 1162


def test_the_new_name_of_cache_writes_wins_and_they_are_not_added() -> None:
    call = call_of(
        {
            **CHAT,
            "gen_ai.usage.cache_write.input_tokens": 100,
            "gen_ai.usage.cache_creation.input_tokens": 100,
        }
    )
    assert call.usage.cache_write_tokens == 100


@pytest.mark.parametrize(
    ("told", "tier"),
    [("default", "standard"), ("auto", "standard"), ("FLEX", "flex"), ("priority", "priority")],
)
def test_the_tier_is_what_the_response_says(told: str, tier: str) -> None:
    call = call_of({**CHAT, "openai.response.service_tier": told})
    assert call.tier == tier


def test_a_failed_call_without_usage_is_an_error_with_missing_usage() -> None:
    attributes = {key: value for key, value in CHAT.items() if "usage" not in key}
    call = call_of({**attributes, "error.type": "rate_limit_exceeded"})
    assert (call.is_error, call.usage_status) == (True, "missing")


def test_an_aborted_stream_s_usage_is_partial() -> None:
    assert call_of({**CHAT, "taximeter.usage_status": "partial"}).usage_status == "partial"


@pytest.mark.parametrize("value", ["x" * 129, "a\nb", "tab\t", "\x00", "\u202eevil", 5.5], ids=repr)
def test_a_tag_value_that_is_no_short_printable_text_is_dropped_and_counted(value: object) -> None:
    decoded = Decoder().decode(
        json_body(json_span(1, {**CHAT, "taximeter.feature": value})), JSON, NOW_NS
    )
    reader = CallReader()
    call = reader.read(decoded.spans[0])
    assert isinstance(call, Call)
    assert call.feature == ""
    assert reader.tags.take_invalid() == {"feature": 1}


@pytest.mark.parametrize("value", ["'; drop table calls; --", '"', "</script>", "=1+1", "ünï 🚕"])
def test_a_hostile_but_printable_tag_is_kept_as_data(value: str) -> None:
    assert call_of({**CHAT, "taximeter.feature": value}).feature == value


def test_tags_are_inherited_from_the_nearest_ancestor_of_the_batch() -> None:
    untagged = {key: value for key, value in CHAT.items() if not key.startswith("taximeter.")}
    grandparent = json_span(1, {"taximeter.feature": "far", "taximeter.team": "growth"})
    parent = json_span(
        2, {"taximeter.feature": "near"}, traceId=f"{1:032x}", parentSpanId=f"{1:016x}"
    )
    child = json_span(3, untagged, traceId=f"{1:032x}", parentSpanId=f"{2:016x}")
    decoded = Decoder().decode(json_body(child, parent, grandparent), JSON, NOW_NS)
    call = next(CallReader().read_all(decoded.spans))
    assert isinstance(call, Call)
    assert (call.feature, call.team, call.tenant) == ("near", "growth", "")


def test_spans_that_are_each_other_s_parents_do_not_hang() -> None:
    untagged = {key: value for key, value in CHAT.items() if not key.startswith("taximeter.")}
    one = json_span(1, untagged, parentSpanId=f"{2:016x}")
    two = json_span(2, untagged, traceId=f"{1:032x}", parentSpanId=f"{1:016x}")
    decoded = Decoder().decode(json_body(one, two), JSON, NOW_NS)
    assert len(list(CallReader().read_all(decoded.spans))) == 2


def test_a_configured_alias_is_read_before_other_libraries_names() -> None:
    attributes = {**CHAT, "customer.id": "globex", "tenant.id": "other"}
    del attributes["taximeter.tenant"]
    decoder = Decoder(frozenset({"customer.id"}))
    decoded = decoder.decode(json_body(json_span(1, attributes)), JSON, NOW_NS)
    call = CallReader({"tenant": ["customer.id"]}).read(decoded.spans[0])
    assert isinstance(call, Call)
    assert call.tenant == "globex"


def test_the_resource_s_tags_are_the_last_resort() -> None:
    attributes = {**CHAT}
    del attributes["taximeter.team"]
    body = json_body(json_span(1, attributes), resource={"taximeter.team": "from-resource"})
    call = CallReader().read(Decoder().decode(body, JSON, NOW_NS).spans[0])
    assert isinstance(call, Call)
    assert (call.team, call.feature) == ("from-resource", "search")


_ANY_VALUE = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.booleans(),
    st.text(max_size=20),
    st.lists(st.text(max_size=5), max_size=3),
    st.sampled_from(['{"usage": {"inputTokens": "x"}}', "{'audio': None}", "[]", "[[[[", "{}"]),
)


@given(
    st.dictionaries(st.sampled_from(sorted(SPAN_KEYS)), _ANY_VALUE, max_size=12),
    st.sampled_from(["taximeter", "ai", "openlit", ""]),
)
@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_kinds_of_values_arrive_a_span_is_read_or_refused(
    attributes: dict[str, Any], scope: str
) -> None:
    body = json_body(json_span(1, attributes), scope=scope)
    for span in Decoder().decode(body, JSON, NOW_NS).spans:
        found = CallReader().read(span)
        assert isinstance(found, (Call, NotACall, Rejected))


def test_an_integer_id_is_a_good_tag() -> None:
    attributes = {**CHAT, "metadata": '{"tenant_id": 42}'}
    del attributes["taximeter.tenant"]
    assert call_of(attributes).tenant == "42"


@pytest.mark.parametrize(
    ("fee", "upstream", "pico"),
    [
        ("0.000036", "0.0012", 1_236_000_000),
        (None, "0.0012", 1_200_000_000),
        ("0.000036", "odd", 36_000_000),
    ],
)
def test_what_is_owed_to_the_provider_comes_on_top_of_a_gateway_s_fee(
    fee: str | None, upstream: str, pico: int
) -> None:
    costs = {"taximeter.reported_cost_usd": fee, "taximeter.upstream_cost_usd": upstream}
    own = {**CHAT, **{name: value for name, value in costs.items() if value is not None}}
    assert call_of(own).reported_cost_pico == pico
