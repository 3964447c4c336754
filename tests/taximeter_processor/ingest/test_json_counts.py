"""Dialects that tell counts inside JSON: Langfuse, LangSmith, logfire, ADK and Genkit."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taximeter_processor.model import Call, Usage
from tests.taximeter_processor.ingest.reading import call_of, read, reason_of, usage_of


def langfuse(details: object, **more: Any) -> dict[str, Any]:
    return {
        "langfuse.observation.type": "generation",
        "langfuse.observation.model.name": "claude-sonnet-4-5",
        "langfuse.observation.usage_details": json.dumps(details),
        **more,
    }


def langsmith(inputs: object, outputs: object = None, **more: Any) -> dict[str, Any]:
    return {
        "langsmith.span.kind": "llm",
        "gen_ai.system": "openai",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.usage.input_tokens": 200,
        "gen_ai.usage.output_tokens": 25,
        "gen_ai.usage.input_token_details": str(inputs),
        "gen_ai.usage.output_token_details": str(outputs),
        **more,
    }


def logfire(raw: object, provider: str = "openai", **counts: int) -> dict[str, Any]:
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": provider,
        "gen_ai.request.model": "m",
        "gen_ai.usage.raw": json.dumps(raw),
        **{f"gen_ai.usage.{name}": count for name, count in counts.items()},
    }


def usage(**counts: int | None) -> Usage:
    return Usage(**counts)


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        ({"input": 100, "output": 20}, usage(input_tokens=100, output_tokens=20)),
        ({"input": "100", "output": "20"}, usage(input_tokens=100, output_tokens=20)),
        ({"input": 100.0, "output": 20, "total": 120}, usage(input_tokens=100, output_tokens=20)),
        ({"input": 7, "total": 7}, usage(input_tokens=7)),
        (
            {"input": 100, "output": 20, "input_cached_tokens": 900, "total": 1020},
            usage(input_tokens=1000, output_tokens=20, cache_read_tokens=900),
        ),
        (
            {"input": 100, "output": 20, "input_cached_tokens": 0},
            usage(input_tokens=100, output_tokens=20, cache_read_tokens=0),
        ),
        # A total of input and output alone: their parts are inside.
        (
            {"input": 1000, "output": 20, "input_cached_tokens": 900, "total": 1020},
            usage(input_tokens=1000, output_tokens=20, cache_read_tokens=900),
        ),
        # Three names of one bucket.
        (
            {"input": 1, "input_cached_tokens": 9, "cache_read_input_tokens": 9,
             "input_cache_read": 9},
            usage(input_tokens=10, cache_read_tokens=9),
        ),
        (
            {"input": 7, "input_cache_creation": 200, "output": 5},
            usage(input_tokens=207, output_tokens=5, cache_write_tokens=200),
        ),
        (
            {"input": 7, "input_cache_creation_5m": 150, "output": 5},
            usage(input_tokens=157, output_tokens=5, cache_write_tokens=150),
        ),
        (
            {"input": 7, "input_cache_creation_1h": 50, "output": 5},
            usage(input_tokens=57, output_tokens=5, cache_write_tokens=50,
                  cache_write_1h_tokens=50),
        ),
        # The rest beside its two lifetimes, as Langfuse subtracts them: 10 + 150 + 50.
        (
            {"input": 7, "input_cache_creation": 10, "input_cache_creation_5m": 150,
             "input_cache_creation_1h": 50, "output": 5},
            usage(input_tokens=217, output_tokens=5, cache_write_tokens=210,
                  cache_write_1h_tokens=50),
        ),
        # The whole, which is what its two lifetimes make.
        (
            {"input": 7, "input_cache_creation": 200, "input_cache_creation_5m": 150,
             "input_cache_creation_1h": 50, "output": 5},
            usage(input_tokens=207, output_tokens=5, cache_write_tokens=200,
                  cache_write_1h_tokens=50),
        ),
        (
            {"input": 9, "output": 245, "output_reasoning_tokens": 200},
            usage(input_tokens=9, output_tokens=445, reasoning_tokens=200),
        ),
        (
            {"input": 9, "output": 245, "output_reasoning": 200},
            usage(input_tokens=9, output_tokens=445, reasoning_tokens=200),
        ),
        # What a provider says, passed on: Anthropic's buckets are as disjoint as Langfuse's,
        (
            {"input_tokens": 7, "output_tokens": 445, "cache_read_input_tokens": 16399,
             "cache_creation_input_tokens": 2089},
            usage(input_tokens=18495, output_tokens=445, cache_read_tokens=16399,
                  cache_write_tokens=2089),
        ),
        # OpenAI's two APIs count parts in their wholes,
        (
            {"input_tokens": 100, "output_tokens": 9, "total_tokens": 109,
             "input_tokens_details": {"cached_tokens": 64},
             "output_tokens_details": {"reasoning_tokens": 4}},
            usage(input_tokens=100, output_tokens=9, cache_read_tokens=64, reasoning_tokens=4),
        ),
        # and Gemini counts thoughts beside its candidates.
        (
            {"prompt_token_count": 210, "candidates_token_count": 40, "thoughts_token_count": 25,
             "cached_content_token_count": 128, "total_token_count": 275},
            usage(input_tokens=210, output_tokens=65, cache_read_tokens=128, reasoning_tokens=25),
        ),
    ],
)  # fmt: skip
def test_langfuse_s_buckets_do_not_overlap_unless_a_provider_s_do(
    details: dict[str, Any], expected: Usage
) -> None:
    assert usage_of(langfuse(details)) == expected


def test_langfuse_s_embedding_has_no_output() -> None:
    attributes = langfuse({"input": 7, "total": 7}) | {"langfuse.observation.type": "embedding"}
    call = call_of(attributes)
    assert (call.operation, call.usage[:2]) == ("embeddings", (7, 0))


def test_langfuse_without_its_own_counts_is_read_by_the_conventions() -> None:
    plain = {"gen_ai.usage.input_tokens": 9, "gen_ai.usage.output_tokens": 4}
    assert usage_of({**langfuse({}), **plain}) == Usage(9, 4)


@pytest.mark.parametrize(
    ("attributes", "pico"),
    [
        ({"langfuse.observation.cost_details": '{"total": 0.00157}'}, 1_570_000_000),
        ({"langfuse.observation.cost_details": '{"total": "0.00157"}'}, 1_570_000_000),
        ({"langfuse.observation.cost_details": '{"input": 0.1}'}, None),
        ({"langfuse.observation.cost_details": "none"}, None),
        ({"langfuse.observation.cost_details": '{"total": -1}'}, None),
        (
            {"langfuse.observation.cost_details": '{"total": 9}', "gen_ai.usage.cost": 0.00157},
            1_570_000_000,
        ),
    ],
)
def test_langfuse_s_cost_is_the_last_name_of_the_reported_cost(
    attributes: dict[str, Any], pico: int | None
) -> None:
    assert call_of(langfuse({"input": 1}, **attributes)).reported_cost_pico == pico


@pytest.mark.parametrize("value", [-1, "-1", 1.5, "x", True, {}, [1]])
def test_a_bucket_that_is_no_count_refuses_the_span(value: object) -> None:
    assert reason_of(langfuse({"input": 1, "input_cached_tokens": value})) == "bad_count"


@pytest.mark.parametrize(
    ("inputs", "outputs", "expected"),
    [
        ({"audio": 0, "cache_read": 128}, {"audio": 0, "reasoning": 0},
         usage(cache_read_tokens=128, reasoning_tokens=0, input_audio_tokens=0,
               output_audio_tokens=0)),
        ({"cache_read": 0}, {}, usage(cache_read_tokens=0)),
        ({"cache_read": None}, None, usage()),
        ({"cache_creation": 50}, {"reasoning": 9},
         usage(cache_write_tokens=50, reasoning_tokens=9)),
        ({"cache_creation": 0, "ephemeral_5m_input_tokens": 30, "ephemeral_1h_input_tokens": 20},
         {}, usage(cache_write_tokens=50, cache_write_1h_tokens=20)),
    ],
)  # fmt: skip
def test_langsmith_s_details_are_a_python_mapping_as_text(
    inputs: object, outputs: object, expected: Usage
) -> None:
    whole = expected._replace(input_tokens=200, output_tokens=25)
    assert usage_of(langsmith(inputs, outputs)) == whole


def test_langsmith_s_details_may_be_json_as_well() -> None:
    details = {"gen_ai.usage.input_token_details": '{"cache_read": 128, "audio": null}'}
    assert usage_of(langsmith({}, **details)).cache_read_tokens == 128


@pytest.mark.parametrize(
    ("provider", "metadata", "canonical"),
    [
        ("langchain", {"langsmith.metadata.ls_provider": "anthropic"}, "anthropic"),
        ("langchain", {"langsmith.metadata.ls_provider": "amazon_bedrock"}, "aws.bedrock"),
        ("langchain", {"langsmith.metadata.ls_provider": "google_genai"}, "gcp.gemini"),
        ("langchain", {"langsmith.metadata.ls_provider": "google_vertexai"}, "gcp.vertex_ai"),
        ("langchain", {}, "openai"),
        # What LangSmith guesses from the name of the model gives way,
        ("anthropic", {"langsmith.metadata.ls_provider": "amazon_bedrock"}, "aws.bedrock"),
        ("openai", {"langsmith.metadata.ls_provider": "azure"}, "azure.ai.openai"),
        # but not to a word that nobody knows.
        ("openai", {"langsmith.metadata.ls_provider": "acmechatmodel"}, "openai"),
    ],
)
def test_langsmith_s_provider_is_langchain_s_where_it_names_only_itself(
    provider: str, metadata: dict[str, str], canonical: str
) -> None:
    attributes = langsmith({}, **metadata) | {"gen_ai.system": provider}
    assert call_of(attributes).provider == canonical


ANTHROPIC_RAW = {
    "input_tokens": 5000,
    "cache_read_input_tokens": 1000,
    "cache_creation_input_tokens": 200,
    "output_tokens": 20,
}


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        (logfire(ANTHROPIC_RAW, "anthropic", input_tokens=5000, output_tokens=20),
         (6200, 20, 1000, 200)),
        (logfire(ANTHROPIC_RAW, "anthropic", input_tokens=6200, output_tokens=20),
         (6200, 20, 1000, 200)),
        (logfire(ANTHROPIC_RAW, "anthropic"), (6200, 20, 1000, 200)),
        (logfire({**ANTHROPIC_RAW, "cache_read_input_tokens": None}, "anthropic"),
         (5200, 20, None, 200)),
        (logfire({"input_tokens": 9, "output_tokens": 4}, "anthropic"), (9, 4)),
        (logfire({"prompt_tokens": 9, "completion_tokens": 4}), (9, 4)),
        (logfire({"input_tokens": 90, "output_tokens": 40,
                  "input_tokens_details": {"cached_tokens": 64},
                  "output_tokens_details": {"reasoning_tokens": 32}}),
         (90, 40, 64, None, None, 32)),
        (logfire({"prompt_tokens": 90, "prompt_tokens_details": None}, output_tokens=1), (90, 1)),
        (logfire("no object", input_tokens=9), (9,)),
    ],
)  # fmt: skip
def test_logfire_s_raw_usage_completes_the_counts(
    attributes: dict[str, Any], expected: tuple[int | None, ...]
) -> None:
    assert usage_of(attributes) == (*expected, *Usage()[len(expected) :])


def test_logfire_s_raw_usage_makes_a_call_without_any_other_count_or_operation() -> None:
    attributes = logfire({"prompt_tokens": 9, "completion_tokens": 4})
    del attributes["gen_ai.operation.name"]
    assert call_of(attributes).usage[:2] == (9, 4)


@pytest.mark.parametrize(
    ("raw", "tier"),
    [
        ({"service_tier": "flex"}, "flex"),
        ({"service_tier": "standard", "speed": "fast"}, "fast"),
        ({"service_tier": None}, "standard"),
    ],
)
def test_logfire_s_raw_usage_tells_the_tier(raw: dict[str, Any], tier: str) -> None:
    assert call_of(logfire({**ANTHROPIC_RAW, **raw}, "anthropic")).tier == tier


def adk(response: object, **counts: int) -> dict[str, Any]:
    return {
        "gen_ai.system": "gcp.vertex.agent",
        "gen_ai.request.model": "gemini-2.5-flash",
        "gcp.vertex.agent.llm_request": "{}",
        "gcp.vertex.agent.llm_response": json.dumps(response),
        **{f"gen_ai.usage.{name}": count for name, count in counts.items()},
    }


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        (adk({}, input_tokens=210, output_tokens=40), usage(input_tokens=210, output_tokens=40)),
        (
            adk({"usage_metadata": {"candidates_token_count": 40, "thoughts_token_count": 25}},
                input_tokens=210, output_tokens=40),
            usage(input_tokens=210, output_tokens=65, reasoning_tokens=25),
        ),
        # A newer version's output holds the thoughts already.
        (
            adk({"usage_metadata": {"candidates_token_count": 40, "thoughts_token_count": 25}},
                input_tokens=210, output_tokens=65),
            usage(input_tokens=210, output_tokens=65, reasoning_tokens=25),
        ),
        (
            adk({"usage_metadata": {"prompt_token_count": 210, "candidates_token_count": 40}}),
            usage(input_tokens=210, output_tokens=40),
        ),
        (
            adk({"usage_metadata": {"cached_content_token_count": 128}}, input_tokens=210,
                output_tokens=40),
            usage(input_tokens=210, output_tokens=40, cache_read_tokens=128),
        ),
        (adk({"usage_metadata": None}, input_tokens=1), usage(input_tokens=1)),
        (adk({"usage_metadata": [5]}, input_tokens=1), usage(input_tokens=1)),
    ],
)  # fmt: skip
def test_adk_s_response_completes_the_counts(attributes: dict[str, Any], expected: Usage) -> None:
    assert usage_of(attributes, name="call_llm", scope="gcp.vertex.agent") == expected


def test_adk_s_tools_hold_an_empty_request_too_and_are_no_calls() -> None:
    attributes = {**adk({}), "gen_ai.operation.name": "execute_tool"}
    assert reason_of(attributes, name="execute_tool f") == "not_inference"


@pytest.mark.parametrize(
    ("name", "provider"),
    [
        ("googleai/gemini-2.5-flash", "gcp.gemini"),
        ("vertexai/gemini-2.5-flash", "gcp.vertex_ai"),
        ("openai/gpt-4o", "openai"),
        ("anthropic/claude-sonnet-4-5", "anthropic"),
        ("gemini-2.5-flash", "gcp.gemini"),
        ("ollama/llama3", "ollama"),
    ],
)
@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ({"usage": {"inputTokens": 10, "outputTokens": 5}}, (10, 5)),
        ({"usage": {"inputTokens": 10.0, "outputTokens": "5"}}, (10, 5)),
        ({"usage": {"inputTokens": 10, "outputTokens": 5, "thoughtsTokens": 2, "totalTokens": 15}},
         (10, 5, None, None, None, 2)),
        ({"usage": None}, ()),
        ({"usage": [1]}, ()),
        ([], ()),
    ],
)  # fmt: skip
def test_genkit_names_seller_and_model_in_one_and_counts_in_its_output(
    name: str, provider: str, output: object, expected: tuple[int | None, ...]
) -> None:
    attributes = {
        "genkit:metadata:subtype": "model",
        "genkit:name": name,
        "genkit:output": json.dumps(output),
    }
    call = call_of(attributes, scope="genkit-tracer")
    assert (call.provider, call.request_model) == (provider, name)
    assert call.usage == (*expected, *Usage()[len(expected) :])


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=20,
)
_NAMES = st.sampled_from(
    ["input", "output", "total", "usage", "usage_metadata", "prompt_tokens", "input_tokens"]
    + ["prompt_tokens_details", "cache_read", "cache_creation", "anthropic", "inputTokens"]
)


@given(st.dictionaries(_NAMES, _JSON, max_size=5), st.booleans())
def test_whatever_stands_in_the_json_a_span_is_a_call_or_is_refused(
    found: dict[str, Any], as_python: bool
) -> None:
    text = str(found) if as_python else json.dumps(found)
    for attributes in (
        langfuse({}, **{"langfuse.observation.usage_details": text}),
        langsmith({}, **{"gen_ai.usage.input_token_details": text}),
        {**logfire({}), "gen_ai.usage.raw": text},
        {**adk({}), "gcp.vertex.agent.llm_response": text},
        {"genkit:metadata:subtype": "model", "genkit:name": "m", "genkit:output": text},
        {"ai.operationId": "ai.embed.doEmbed", "ai.response.providerMetadata": text},
    ):
        read_as = read(attributes, name="call_llm")
        if isinstance(read_as, Call):
            assert all(count is None or count >= 0 for count in read_as.usage)
        else:
            assert read_as.reason == "bad_count"
