"""Whether an emitter's input holds the cache: a cache smaller than the input shows who is known."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.taximeter_processor.ingest.reading import usage_of

# 5000 of input and 1200 of cache: as they are where the cache is inside, 6200 where it is not.
PLAIN = {
    "gen_ai.operation.name": "chat",
    "gen_ai.usage.input_tokens": 5000,
    "gen_ai.usage.output_tokens": 20,
    "gen_ai.usage.cache_read.input_tokens": 1000,
    "gen_ai.usage.cache_creation.input_tokens": 200,
}
OPENINFERENCE = {
    "openinference.span.kind": "LLM",
    "llm.token_count.prompt": 5000,
    "llm.token_count.completion": 20,
    "llm.token_count.prompt_details.cache_read": 1000,
    "llm.token_count.prompt_details.cache_write": 200,
}
CLAUDE = "us.anthropic.claude-sonnet-4-20250514-v1:0"
NOVA = "amazon.nova-pro-v1:0"
OI = "openinference.instrumentation."


OPENLIT = {"telemetry.sdk.name": "openlit"}
OPENLIT_COST = {"gen_ai.usage.cost": 0.01}


def by(provider: str, model: str = "m") -> dict[str, Any]:
    return {**PLAIN, "gen_ai.provider.name": provider, "gen_ai.request.model": model}


def seen(provider: str, model: str) -> dict[str, Any]:
    return {**OPENINFERENCE, "llm.provider": provider, "llm.model_name": model}


@pytest.mark.parametrize(
    ("attributes", "name", "scope", "total"),
    [
        (by("openai"), "chat", "", 5000),
        (by("anthropic"), "chat", "", 5000),
        (by("aws.bedrock", CLAUDE), "chat", "", 5000),
        (by("gcp.gemini"), "generate_content", "", 5000),
        (by("anthropic"), "chat", "pydantic-ai", 5000),
        (by("anthropic"), "chat m", "gen_ai", 5000),  # Vercel 7
        (by("anthropic"), "litellm_request", "litellm", 5000),
        (by("anthropic"), "kong.gen_ai", "", 5000),
        (by("anthropic"), "anthropic.chat", "", 5000),  # OpenLLMetry
        (by("openai"), "openai.chat", "", 5000),
        (by("aws.bedrock", CLAUDE), "bedrock.completion", "", 5000),
        (by("aws.bedrock", CLAUDE), "bedrock.converse", "", 6200),
        (by("AWS", CLAUDE), "bedrock.converse", "", 6200),
        (by("aws.bedrock", NOVA), "bedrock.converse_stream", "", 6200),
        (by("anthropic"), "bedrock.converse", "", 5000),  # a name proves no seller
        (seen("openai", "gpt-4o"), "ChatCompletion", OI + "openai", 5000),
        (seen("anthropic", "claude-3-5-sonnet"), "messages.create", OI + "anthropic", 5000),
        (seen("google", "gemini-2.5-pro"), "generate_content", OI + "google_genai", 5000),
        (seen("aws", CLAUDE), "ChatBedrockConverse", OI + "langchain", 5000),
        (seen("aws", NOVA), "ChatBedrockConverse", OI + "langchain", 5000),
        (seen("aws", CLAUDE), "bedrock.invoke_model", OI + "bedrock", 5000),
        (seen("aws", NOVA), "bedrock.invoke_model", OI + "bedrock", 6200),
        (seen("aws", NOVA), "bedrock.invoke_model", "", 6200),
        (seen("aws", CLAUDE), "bedrock.converse", OI + "bedrock", 6200),
        (seen("aws", CLAUDE), "bedrock.converse", "", 6200),
        (seen("anthropic", "claude"), "ChatCompletion", "envoyproxy/ai-gateway", 5000),
        (by("anthropic") | OPENLIT, "chat", "", 6200),
        (by("anthropic") | OPENLIT_COST, "chat", "", 6200),
        (by("anthropic"), "chat", "openlit.otel.tracing", 6200),
        (by("openai") | OPENLIT, "chat", "openlit", 5000),
        (by("aws.bedrock", CLAUDE) | OPENLIT_COST, "chat", "openlit", 5000),
        (by("strands-agents", CLAUDE), "chat", "strands.telemetry.tracer", 6200),
        (by("strands-agents", CLAUDE), "chat", "", 6200),
        (by("aws.bedrock", CLAUDE), "chat", "strands.telemetry.tracer", 6200),
        (by("strands-agents", "gpt-4o"), "chat", "strands.telemetry.tracer", 5000),
        (by("strands-agents", "claude-sonnet-4-5"), "chat", "strands.telemetry.tracer", 5000),
        (by("anthropic"), "chat m", "envoyproxy/ai-gateway", 6200),
        (by("gcp.anthropic"), "chat m", "", 6200),
        (by("aws.anthropic"), "chat m", "", 6200),
        (by("openai"), "chat m", "envoyproxy/ai-gateway", 5000),
        (by("aws.bedrock"), "chat m", "envoyproxy/ai-gateway", 5000),
    ],
)
def test_input_holds_the_cache_unless_emitter_and_seller_are_known_to_leave_it_out(
    attributes: dict[str, Any], name: str, scope: str, total: int
) -> None:
    assert usage_of(attributes, name=name, scope=scope)[:4] == (total, 20, 1000, 200)


def test_openlit_is_known_by_its_resource_as_well() -> None:
    resource = {"telemetry.sdk.name": "openlit"}
    assert usage_of(by("anthropic"), resource=resource).input_tokens == 6200
    resource = {"telemetry.sdk.name": "opentelemetry"}
    assert usage_of(by("anthropic"), resource=resource).input_tokens == 5000


@pytest.mark.parametrize("cached", [{}, dict.fromkeys(list(PLAIN)[-2:], 0)], ids=["none", "zero"])
@pytest.mark.parametrize("name", ["bedrock.converse", "chat"])
def test_without_any_cache_there_is_nothing_to_add(cached: dict[str, int], name: str) -> None:
    attributes = by("strands-agents", CLAUDE)
    uncached = {key: value for key, value in attributes.items() if "cache" not in key}
    assert usage_of({**uncached, **cached}, name=name).input_tokens == 5000


@given(st.integers(0, 9999), st.integers(0, 9999), st.integers(0, 9999))
def test_a_cache_larger_than_the_input_was_left_out_whoever_tells(
    inputs: int, read: int, written: int
) -> None:
    counts = {
        "gen_ai.usage.input_tokens": inputs,
        "gen_ai.usage.cache_read.input_tokens": read,
        "gen_ai.usage.cache_creation.input_tokens": written,
    }
    told = usage_of({**by("openai"), **counts}).input_tokens
    assert told == (inputs if read + written <= inputs else inputs + read + written)
