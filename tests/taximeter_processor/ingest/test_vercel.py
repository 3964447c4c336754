"""Vercel's AI SDK: what versions 4, 5 and 6 count, for each provider that they call."""

from __future__ import annotations

import json
from typing import Any

import pytest

from taximeter_processor.model import Usage
from tests.taximeter_processor.ingest.reading import call_of, usage_of

DETAILS = "ai.usage.inputTokenDetails."
RAW = {"input_tokens": 5000, "cache_read_input_tokens": 1000, "cache_creation_input_tokens": 200}


def v4(
    provider: str, prompt: object, completion: object, metadata: object = None
) -> dict[str, Any]:
    return _call(
        provider,
        {"ai.usage.promptTokens": prompt, "ai.usage.completionTokens": completion},
        metadata,
    )


def v5(
    provider: str, inputs: object, outputs: object, metadata: object = None, **more: object
) -> dict[str, Any]:
    counts = {"ai.usage.inputTokens": inputs, "ai.usage.outputTokens": outputs}
    return _call(
        provider, counts | {f"ai.usage.{key}": count for key, count in more.items()}, metadata
    )


def _call(provider: str, counts: dict[str, Any], metadata: object) -> dict[str, Any]:
    told = {} if metadata is None else {"ai.response.providerMetadata": json.dumps(metadata)}
    return {
        "ai.operationId": "ai.generateText.doGenerate",
        "ai.model.id": "m",
        "ai.model.provider": provider,
        **counts,
        **told,
    }


@pytest.mark.parametrize(
    ("attributes", "usage"),
    [
        (v4("openai.chat", 120, 30), Usage(120, 30)),
        (v4("openai.chat", "120", "30"), Usage(120, 30)),
        (v4("openai.chat", 2000, 300, {"openai": {"cachedPromptTokens": 1024}}), (2000, 300, 1024)),
        (v4("openai.chat", 2000, 300, {"openai": {"cachedPromptTokens": 0}}), (2000, 300, 0)),
        (v4("openai.chat", 2000, 300, {"openai": {"cachedPromptTokens": "64"}}), (2000, 300, 64)),
        (v4("openai.chat", 2000, 300, {"openai": {"cachedPromptTokens": None}}), (2000, 300)),
        (v4("openai.chat", 2000, 300, {"openai": {}}), (2000, 300)),
        (v4("azure-openai.chat", 50, 9, {"openai": {"cachedPromptTokens": 32}}), (50, 9, 32)),
        (v4("xai.chat", 32036, 1222, {"xai": {"cachedPromptTokens": 2545}}), (32036, 1222, 2545)),
        (v4("deepseek.chat", 90, 9, {"deepseek": {"promptCacheHitTokens": 64}}), (90, 9, 64)),
        # Anthropic's and Bedrock's own input leaves the cache out: 5000 + 1000 + 200.
        (
            v4(
                "anthropic.messages",
                5000,
                20,
                {"anthropic": {"cacheReadInputTokens": 1000, "cacheCreationInputTokens": 200}},
            ),
            (6200, 20, 1000, 200),
        ),
        (
            v4(
                "google.vertex.anthropic.messages",
                5000,
                20,
                {"anthropic": {"cacheReadInputTokens": 1000, "cacheCreationInputTokens": 0}},
            ),
            (6000, 20, 1000, 0),
        ),
        (
            v4(
                "amazon-bedrock",
                5000,
                20,
                {"bedrock": {"usage": {"cacheReadInputTokens": 1000,
                                       "cacheWriteInputTokens": 200}}},
            ),
            (6200, 20, 1000, 200),
        ),
        (v4("anthropic.messages", 5000, 20), (5000, 20)),
        (v4("google.generative-ai", 25, 64), (25, 64)),
        (v5("openai.responses", 2000, 700, cachedInputTokens=1536, reasoningTokens=512),
         Usage(2000, 700, 1536, reasoning_tokens=512)),
        (v5("openai.responses", "2000", "700", cachedInputTokens="1536"), (2000, 700, 1536)),
        (v5("anthropic.messages", 5000, 20, cachedInputTokens=1000), (6000, 20, 1000)),
        (v5("anthropic.messages", 5000, 20, cachedInputTokens=0), (5000, 20, 0)),
        (v5("anthropic.messages", 5000, 20, {"anthropic": {"usage": RAW}}), (6200, 20, 1000, 200)),
        (v5("anthropic.messages", 6200, 20, {"anthropic": {"usage": RAW}}), (6200, 20, 1000, 200)),
        (v5("anthropic.messages", 5000, 20, {"anthropic": {"usage": RAW}}, cachedInputTokens=1000),
         (6200, 20, 1000, 200)),
        # A gateway names itself as the provider; the raw usage beside it tells.
        (v5("gateway", 5000, 20, {"gateway": {"routing": {}}, "anthropic": {"usage": RAW}}),
         (6200, 20, 1000, 200)),
        (v5("amazon-bedrock", 5000, 20, cachedInputTokens=1000), (6000, 20, 1000)),
        (v5("google.generative-ai", 2500, 320, cachedInputTokens=2048), (2500, 320, 2048)),
        (v5("google.vertex.chat", 2500, 320,
            {"google": {"usageMetadata": {"cachedContentTokenCount": 2048}}}), (2500, 320, 2048)),
        # The total of 2820 = 2500 + 120 + 200 shows thoughts beside the output, 2620 inside it.
        (v5("google.generative-ai", 2500, 120, reasoningTokens=200, totalTokens=2820),
         Usage(2500, 320, reasoning_tokens=200)),
        (v5("google.generative-ai", 2500, 120, reasoningTokens=100, totalTokens=2620),
         Usage(2500, 120, reasoning_tokens=100)),
        (v5("openai.responses", 2500, 320, reasoningTokens=200, totalTokens=2820),
         Usage(2500, 320, reasoning_tokens=200)),
        (v5("mistral.chat", 9, 4, totalTokens=13), (9, 4)),
    ],
)  # fmt: skip
def test_versions_4_and_5(attributes: dict[str, Any], usage: tuple[int | None, ...]) -> None:
    assert usage_of(attributes, scope="ai") == (*usage, *Usage()[len(usage) :])


@pytest.mark.parametrize("provider", ["anthropic.messages", "amazon-bedrock", "openai.responses"])
@pytest.mark.parametrize(
    ("told", "usage"),
    [
        ({"noCacheTokens": 7, "cacheReadTokens": 16399, "cacheWriteTokens": 2089},
         (18495, 445, 16399, 2089)),
        ({"noCacheTokens": 18495}, (18495, 445)),
        ({"noCacheTokens": 18495, "cacheReadTokens": 0, "cacheWriteTokens": 0},
         (18495, 445, 0, 0)),
        # Without the uncached part the total still holds all of its parts.
        ({"cacheReadTokens": 1000}, (18495, 445, 1000)),
        ({"cacheWriteTokens": 1000}, (18495, 445, None, 1000)),
        ({"noCacheTokens": "7", "cacheReadTokens": "18488"}, (18495, 445, 18488)),
    ],
)  # fmt: skip
def test_version_6_tells_the_parts_of_its_input(
    provider: str, told: dict[str, object], usage: tuple[int | None, ...]
) -> None:
    attributes = v5(provider, 18495, 445) | {DETAILS + key: count for key, count in told.items()}
    assert usage_of(attributes, scope="ai") == (*usage, *Usage()[len(usage) :])


def test_version_6_tells_reasoning_as_a_part_of_its_output() -> None:
    attributes = v5("openai.responses", 90, 40) | {
        "ai.usage.outputTokenDetails.textTokens": 8,
        "ai.usage.outputTokenDetails.reasoningTokens": 32,
        "ai.usage.reasoningTokens": 32,
        "ai.usage.totalTokens": 130,
    }
    assert usage_of(attributes, scope="ai") == Usage(90, 40, reasoning_tokens=32)


def test_an_hour_s_writes_and_searches_are_in_the_raw_usage_alone() -> None:
    raw = {
        **RAW,
        "cache_creation": {"ephemeral_5m_input_tokens": 150, "ephemeral_1h_input_tokens": 50},
        "server_tool_use": {"web_search_requests": 3},
    }
    attributes = v5("anthropic.messages", 5000, 20, {"anthropic": {"usage": raw}})
    assert usage_of(attributes, scope="ai") == Usage(6200, 20, 1000, 200, 50, web_search_requests=3)


@pytest.mark.parametrize(
    ("provider", "metadata", "tier"),
    [
        ("openai.responses", {"openai": {"serviceTier": "flex"}}, "flex"),
        ("openai.responses", {"openai": {"serviceTier": "default"}}, "standard"),
        ("azure.responses", {"azure": {"serviceTier": "priority"}}, "priority"),
        ("anthropic.messages", {"anthropic": {"usage": {"service_tier": "batch"}}}, "batch"),
        (
            "anthropic.messages",
            {"anthropic": {"usage": {"service_tier": "standard", "speed": "fast"}}},
            "fast",
        ),
        ("anthropic.messages", {"anthropic": {"usage": {"service_tier": 5}}}, "standard"),
        ("anthropic.messages", {}, "standard"),
    ],
)
def test_the_tier_is_told_by_the_provider_s_metadata(
    provider: str, metadata: object, tier: str
) -> None:
    assert call_of(v5(provider, 9, 4, metadata), scope="ai").tier == tier


@pytest.mark.parametrize(
    "metadata",
    [
        "", "null", "[]", "{", "7", '"text"', "{'openai': {'cachedPromptTokens': 1",
        '{"openai": 5}', '{"openai": [1]}', '{"openai": {"usage": "x"}}',
        "[" * 20_000, '{"a":' * 5_000, '{"openai": {"cachedPromptTokens": {}}', "x" * 70_000,
    ],
    ids=lambda text: text[:20],
)  # fmt: skip
def test_metadata_that_is_no_metadata_tells_nothing(metadata: str) -> None:
    attributes = {**v5("openai.chat", 9, 4), "ai.response.providerMetadata": metadata}
    assert usage_of(attributes, scope="ai") == Usage(9, 4)


def test_only_some_of_very_many_providers_are_looked_at() -> None:
    many: dict[str, Any] = {f"p{number}": {} for number in range(5000)}
    attributes = v5("openai.chat", 9, 4, {**many, "openai": {"cachedPromptTokens": 1}})
    assert usage_of(attributes, scope="ai") == Usage(9, 4)


@pytest.mark.parametrize(
    ("provider", "canonical"),
    [
        ("openai.chat", "openai"),
        ("openai.responses", "openai"),
        ("openai.completion", "openai"),
        ("openai.embedding", "openai"),
        ("anthropic.messages", "anthropic"),
        ("azure-openai.chat", "azure.ai.openai"),
        ("azure-openai.responses", "azure.ai.openai"),
        ("amazon-bedrock", "aws.bedrock"),
        ("bedrock.anthropic.messages", "aws.bedrock"),
        ("google.generative-ai", "gcp.gemini"),
        ("google.vertex.chat", "gcp.vertex_ai"),
        ("google-vertex", "gcp.vertex_ai"),
        ("vertex.anthropic.messages", "gcp.vertex_ai"),
        ("mistral.chat", "mistral_ai"),
        ("xai.chat", "x_ai"),
        ("cohere.chat", "cohere"),
        ("groq.chat", "groq"),
        ("deepseek.chat", "deepseek"),
        ("perplexity", "perplexity"),
        ("togetherai.chat", "together_ai"),
        ("fireworks.chat", "fireworks_ai"),
        ("openrouter", "openrouter"),
    ],
)
def test_the_seller_is_the_first_part_of_the_provider_s_name(provider: str, canonical: str) -> None:
    assert call_of(v5(provider, 9, 4), scope="ai").provider == canonical
