"""Each emitter's habit, corrected: what its counts leave out is put back, repeats are not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from taximeter_processor.ingest.decoded import Rejected
from taximeter_processor.model import Call, NotACall, Usage
from tests.taximeter_processor.ingest.reading import read
from tests.taximeter_processor.ingest.reading import usage_of as usage

CHAT = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "anthropic",
    "gen_ai.request.model": "claude-sonnet-4-5",
    "gen_ai.usage.input_tokens": 5000,
    "gen_ai.usage.output_tokens": 20,
}
CACHED = {**CHAT, "gen_ai.usage.cache_read.input_tokens": 1000}
VERCEL = {
    "ai.operationId": "ai.generateText.doGenerate",
    "ai.model.id": "claude-sonnet-4-5",
    "ai.model.provider": "anthropic.messages",
    "ai.usage.inputTokens": 5000,
    "ai.usage.outputTokens": 20,
}
OPENINFERENCE = {
    "openinference.span.kind": "LLM",
    "llm.provider": "aws",
    "llm.model_name": "anthropic.claude-3-5-sonnet-20241022-v2:0",
    "llm.token_count.prompt": 5000,
    "llm.token_count.completion": 20,
    "llm.token_count.prompt_details.cache_read": 1000,
}


@pytest.mark.parametrize("scope", ["", "taximeter", "pydantic-ai", "litellm", "kong"])
def test_input_holds_the_cache_unless_the_emitter_is_known_to_leave_it_out(scope: str) -> None:
    assert usage(CACHED, scope=scope).input_tokens == 5000


def test_envoy_leaves_the_cache_out_of_anthropic_s_input_and_not_of_openai_s() -> None:
    scope = "envoyproxy/ai-gateway"
    assert usage({**CACHED, "gen_ai.provider.name": "gcp.anthropic"}, scope=scope)[0] == 6000
    assert usage({**CACHED, "gen_ai.provider.name": "openai"}, scope=scope)[0] == 5000


@pytest.mark.parametrize("name", ["bedrock.converse", "bedrock.converse_stream"])
def test_bedrock_converse_leaves_the_cache_out(name: str) -> None:
    assert usage({**CACHED, "gen_ai.provider.name": "aws.bedrock"}, name=name).input_tokens == 6000
    assert usage(OPENINFERENCE, name=name).input_tokens == 6000


def test_openinference_s_invoke_model_counts_the_cache_in_unless_the_model_is_nova() -> None:
    nova = {**OPENINFERENCE, "llm.model_name": "amazon.nova-pro-v1:0"}
    assert usage(OPENINFERENCE, name="bedrock.invoke_model").input_tokens == 5000
    assert usage(nova, name="bedrock.invoke_model").input_tokens == 6000


@pytest.mark.parametrize(
    ("model", "total"),
    [
        ("us.anthropic.claude-sonnet-4-20250514-v1:0", 6000),
        ("gpt-4.1", 5000),
        ("gemini-2.5-flash", 5000),
    ],
)
def test_strands_leaves_the_cache_out_only_of_bedrock_s_models(model: str, total: int) -> None:
    attributes = {**CACHED, "gen_ai.provider.name": "strands-agents", "gen_ai.request.model": model}
    assert usage(attributes).input_tokens == total


def test_openlit_leaves_the_cache_out_of_anthropic_s_input_alone() -> None:
    openlit = {**CACHED, "telemetry.sdk.name": "openlit"}
    assert usage(openlit).input_tokens == 6000
    assert usage({**openlit, "gen_ai.provider.name": "openai"}).input_tokens == 5000


@pytest.mark.parametrize(
    ("counted", "total"), [(5000, 6200), (6200, 6200)], ids=["left out", "already inside"]
)
def test_vercel_s_metadata_with_raw_usage_decides_what_its_input_means(
    counted: int, total: int
) -> None:
    raw = {
        "input_tokens": 5000,
        "cache_read_input_tokens": 1000,
        "cache_creation_input_tokens": 200,
        "cache_creation": {"ephemeral_1h_input_tokens": 50},
    }
    attributes = {
        **VERCEL,
        "ai.usage.inputTokens": counted,
        "ai.response.providerMetadata": json.dumps({"anthropic": {"usage": raw}}),
    }
    assert usage(attributes) == Usage(total, 20, 1000, 200, 50)


def test_vercel_4_leaves_the_cache_out_of_anthropic_s_input() -> None:
    metadata = {"anthropic": {"cacheReadInputTokens": 1000, "cacheCreationInputTokens": 0}}
    attributes = {**VERCEL, "ai.response.providerMetadata": json.dumps(metadata)}
    assert usage(attributes)[:4] == (6000, 20, 1000, 0)


def test_vercel_6_tells_the_uncached_part_so_that_the_total_is_exact() -> None:
    details = "ai.usage.inputTokenDetails."
    attributes = {**VERCEL, f"{details}noCacheTokens": 7, f"{details}cacheReadTokens": 4993}
    assert usage(attributes).input_tokens == 5000


def test_langfuse_s_buckets_are_summed_whatever_they_are_called() -> None:
    buckets = {
        "input": 10, "input_audio_tokens": 5, "input_cache_read": 100,
        "input_cache_creation_1h": 7, "output": 3, "output_reasoning": 4, "total": 129,
    }  # fmt: skip
    assert usage(_langfuse(buckets)) == Usage(
        122, 7, 100, 7, 7, reasoning_tokens=4, input_audio_tokens=5
    )


def test_langfuse_given_openai_s_own_usage_object_does_not_sum_its_parts() -> None:
    details = {
        "prompt_tokens": 100, "completion_tokens": 9, "prompt_tokens_details": {"cached_tokens": 64}
    }  # fmt: skip
    assert usage(_langfuse(details))[:3] == (100, 9, 64)


def _langfuse(details: dict[str, Any]) -> dict[str, Any]:
    return {
        "langfuse.observation.type": "generation",
        "langfuse.observation.model.name": "gpt-4o",
        "langfuse.observation.usage_details": json.dumps(details),
    }


def test_logfire_s_raw_anthropic_usage_is_added_to_the_input_it_left_out() -> None:
    raw = {
        "input_tokens": 5000, "cache_read_input_tokens": 1000, "cache_creation_input_tokens": 10,
        "cache_creation": {"ephemeral_1h_input_tokens": 10},
    }  # fmt: skip
    attributes = {**CHAT, "gen_ai.usage.raw": json.dumps(raw)}
    assert usage(attributes) == Usage(6010, 20, 1000, 10, 10)


def test_logfire_s_raw_openai_usage_is_part_of_the_input() -> None:
    raw = {
        "prompt_tokens": 5000, "prompt_tokens_details": {"cached_tokens": 64},
        "completion_tokens_details": {"reasoning_tokens": 3},
    }  # fmt: skip
    attributes = {**CHAT, "gen_ai.provider.name": "openai", "gen_ai.usage.raw": json.dumps(raw)}
    assert usage(attributes) == Usage(5000, 20, 64, reasoning_tokens=3)


def test_adk_s_thoughts_are_added_to_the_candidates_it_counts_as_output() -> None:
    response = {
        "usage_metadata": {
            "candidates_token_count": 20, "thoughts_token_count": 7,
            "cached_content_token_count": 64,
        }
    }  # fmt: skip
    attributes = {
        "gen_ai.system": "gcp.vertex.agent",
        "gen_ai.request.model": "gemini-2.5-flash",
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 20,
        "gcp.vertex.agent.llm_request": "{}",
        "gcp.vertex.agent.llm_response": json.dumps(response),
    }
    assert usage(attributes, name="call_llm") == Usage(100, 27, 64, reasoning_tokens=7)


def test_genkit_s_usage_is_read_out_of_its_output() -> None:
    output = {"message": {}, "usage": {"inputTokens": 10, "outputTokens": 5, "thoughtsTokens": 2}}
    attributes = {
        "genkit:metadata:subtype": "model",
        "genkit:name": "googleai/gemini-2.5-flash",
        "genkit:output": json.dumps(output),
    }
    call = read(attributes)
    assert isinstance(call, Call)
    assert (call.provider, call.usage) == ("gcp.gemini", Usage(10, 5, reasoning_tokens=2))


def test_cached_input_without_any_input_count_is_the_least_that_was_read() -> None:
    attributes = {key: value for key, value in CACHED.items() if "usage.input" not in key}
    assert usage(attributes)[:3] == (1000, 20, 1000)


def test_cached_audio_that_nobody_told_apart_is_what_exceeds_the_input() -> None:
    attributes = {
        **CHAT,
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.audio.input_tokens": 80,
        "gen_ai.usage.cache_read.input_tokens": 50,
    }
    assert usage(attributes).cache_read_audio_tokens == 30


@pytest.mark.parametrize(
    "mark",
    [
        {"litellm.guardrail.name": "pii"},
        {"litellm.service.call_type": "async_log_success_event"},
        {"db.system.name": "redis"},
        {"db.operation.name": "get"},
        {"mcp.method.name": "tools/call"},
    ],
    ids=lambda mark: next(iter(mark)),
)
def test_what_surrounds_a_call_is_no_call_whatever_it_carries(mark: dict[str, str]) -> None:
    assert read({**CHAT, **mark}) == NotACall("not_inference")


def test_usage_under_an_unknown_operation_is_kept_for_a_person_to_judge() -> None:
    found = read({**CHAT, "gen_ai.operation.name": "dream"})
    assert isinstance(found, Rejected)
    assert found.reason == "unclassifiable"


@pytest.mark.parametrize(
    "operation",
    ["execute_tool", "fetch_response", "tokenize", "search_memory", "litellm.moderation"],
)
def test_operations_that_are_never_billed_by_the_token_are_no_calls(operation: str) -> None:
    assert read({**CHAT, "gen_ai.operation.name": operation}) == NotACall("not_inference")


def test_the_tier_served_beats_the_tier_asked_for() -> None:
    asked = {**CHAT, "openai.request.service_tier": "flex"}
    call, other = read(asked), read({**asked, "openai.response.service_tier": "default"})
    assert isinstance(call, Call)
    assert isinstance(other, Call)
    assert (call.tier, other.tier) == ("flex", "standard")
