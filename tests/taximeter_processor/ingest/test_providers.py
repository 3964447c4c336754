"""However an emitter names who sold a call, it is one well-known name; frameworks sell nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taximeter_processor.ingest.providers import WELL_KNOWN, canonical_provider
from tests.taximeter_processor.ingest.reading import call_of

CALL = {
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": "m",
    "gen_ai.usage.input_tokens": 9,
    "gen_ai.usage.output_tokens": 4,
}


@pytest.mark.parametrize("name", sorted(WELL_KNOWN))
def test_a_well_known_name_is_kept_whatever_its_letters(name: str) -> None:
    assert canonical_provider(name, "", "") == name
    assert canonical_provider(name.upper(), "", "") == name


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("az.ai.openai", "azure.ai.openai"),
        ("azure.openai", "azure.ai.openai"),
        ("azure", "azure.ai.openai"),
        ("azure-openai", "azure.ai.openai"),
        ("azure-openai.chat", "azure.ai.openai"),
        ("az.ai.inference", "azure.ai.inference"),
        ("azure_ai", "azure.ai.inference"),
        ("azure.chat", "azure.ai.inference"),
        ("aws", "aws.bedrock"),
        ("AWS", "aws.bedrock"),
        ("amazon", "aws.bedrock"),
        ("amazon-bedrock", "aws.bedrock"),
        ("bedrock", "aws.bedrock"),
        ("bedrock_converse", "aws.bedrock"),
        ("aws.anthropic", "aws.bedrock"),
        ("vertex_ai", "gcp.vertex_ai"),
        ("vertex_ai_beta", "gcp.vertex_ai"),
        ("vertexai", "gcp.vertex_ai"),
        ("google.vertex", "gcp.vertex_ai"),
        ("google-vertex.chat", "gcp.vertex_ai"),
        ("gcp.anthropic", "gcp.vertex_ai"),
        ("gemini", "gcp.gemini"),
        ("google", "gcp.gemini"),
        ("Google", "gcp.gemini"),
        ("google.generative-ai", "gcp.gemini"),
        ("googleai", "gcp.gemini"),
        ("google-gla", "gcp.gemini"),
        ("gcp.gen_ai", "gcp.gen_ai"),
        ("xai", "x_ai"),
        ("mistral", "mistral_ai"),
        ("mistralai", "mistral_ai"),
        ("MistralAI", "mistral_ai"),
        ("moonshot", "moonshot_ai"),
        ("openai.chat", "openai"),
        ("anthropic.messages", "anthropic"),
        ("cohere.embedding", "cohere"),
        ("groq.completion", "groq"),
        ("OpenAI", "openai"),
        (" openai ", "openai"),
        ("openrouter", "openrouter"),
        ("google.ai.studio", "gcp.gemini"),
        ("ibm.watson.ai", "ibm.watsonx.ai"),
        ("text-completion-openai", "openai"),
        ("cohere_chat", "cohere"),
        ("ollama_chat", "ollama"),
        # A seller nobody knows stays itself: it has prices of its own.
        ("acme-cloud", "acme-cloud"),
    ],
)
def test_every_spelling_of_a_seller_is_one_name(name: str, canonical: str) -> None:
    assert call_of({**CALL, "gen_ai.system": name}).provider == canonical


@pytest.mark.parametrize("model", ["gpt-4o", "GPT-4o", "o3", "o4-mini", "ft:gpt-4o:acme"])
def test_openai_s_models_at_azure_are_azure_openai_s(model: str) -> None:
    assert canonical_provider("azure.chat", "", model) == "azure.ai.openai"
    assert canonical_provider("azure.ai.inference", "", model) == "azure.ai.inference"


FRAMEWORKS = [
    "strands-agents", "gcp.vertex.agent", "langchain", "LangChain", "langgraph", "crewai",
    "litellm", "Unknown", "_OTHER", "",
]  # fmt: skip


@pytest.mark.parametrize(
    ("host", "model", "canonical"),
    [
        # The host that was called decides,
        ("api.openai.com", "claude-sonnet-4-5", "openai"),
        ("contoso.openai.azure.com", "gpt-4o", "azure.ai.openai"),
        ("bedrock-runtime.eu-west-1.amazonaws.com", "gpt-4o", "aws.bedrock"),
        ("bedrock-runtime-fips.us-east-1.amazonaws.com", "m", "aws.bedrock"),
        ("us-central1-aiplatform.googleapis.com", "claude-sonnet-4-5", "gcp.vertex_ai"),
        ("aiplatform.googleapis.com", "gemini-2.5-pro", "gcp.vertex_ai"),
        ("generativelanguage.googleapis.com", "m", "gcp.gemini"),
        ("API.Anthropic.com", "gpt-4o", "anthropic"),
        ("https://api.anthropic.com/v1/messages", "m", "anthropic"),
        ("api.anthropic.com:443", "m", "anthropic"),
        ("openrouter.ai", "anthropic/claude-sonnet-4-5", "openrouter"),
        # then the shape of the model's id,
        ("", "us.anthropic.claude-sonnet-4-20250514-v1:0", "aws.bedrock"),
        ("", "eu.anthropic.claude-3-haiku-20240307-v1:0", "aws.bedrock"),
        ("", "apac.amazon.nova-pro-v1:0", "aws.bedrock"),
        ("", "global.anthropic.claude-sonnet-4-5-20250929-v1:0", "aws.bedrock"),
        ("", "anthropic.claude-3-5-sonnet-20241022-v2:0", "aws.bedrock"),
        ("", "arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.x", "aws.bedrock"),
        ("", "arn:aws-us-gov:bedrock:us-gov-west-1:1:provisioned-model/x", "aws.bedrock"),
        ("", "publishers/google/models/gemini-2.5-pro", "gcp.vertex_ai"),
        ("", "projects/p/locations/l/publishers/anthropic/models/claude", "gcp.vertex_ai"),
        ("", "anthropic/claude-sonnet-4-5", "anthropic"),
        ("", "bedrock/anthropic.claude-3-5-sonnet-20241022-v2:0", "aws.bedrock"),
        ("", "bedrock/claude", "aws.bedrock"),
        ("", "azure/gpt-4o", "azure.ai.openai"),
        ("", "vertex_ai/gemini-2.5-pro", "gcp.vertex_ai"),
        ("", "googleai/gemini-2.5-pro", "gcp.gemini"),
        ("", "xai/grok-4", "x_ai"),
        ("", "models/gemini-2.5-pro", "gcp.gemini"),
        # then its family.
        ("", "gpt-4o", "openai"),
        ("", "o3-mini", "openai"),
        ("", "o1", "openai"),
        ("", "text-embedding-3-small", "openai"),
        ("", "ft:gpt-4o-2024-08-06:acme::x", "openai"),
        ("", "claude-sonnet-4-5", "anthropic"),
        ("", "Claude-Sonnet-4-5", "anthropic"),
        ("", "gemini-2.5-pro", "gcp.gemini"),
        ("proxy.internal", "claude-sonnet-4-5", "anthropic"),
        ("", "olmo-7b", ""),
        ("", "llama-3", ""),
        ("", "", ""),
    ],
)
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_behind_a_framework_host_then_shape_then_family_tell_the_seller(
    framework: str, host: str, model: str, canonical: str
) -> None:
    assert canonical_provider(framework, host, model) == canonical


@pytest.mark.parametrize(
    ("host", "canonical"),
    [
        ("", "gcp.gemini"),
        ("generativelanguage.googleapis.com", "gcp.gemini"),
        ("us-central1-aiplatform.googleapis.com", "gcp.vertex_ai"),
        ("proxy.internal", "gcp.gemini"),
    ],
)
def test_google_is_the_service_that_was_called(host: str, canonical: str) -> None:
    assert canonical_provider("google", host, "gemini-2.5-pro") == canonical


def test_a_seller_s_name_beats_the_host_that_was_called() -> None:
    call = call_of({**CALL, "gen_ai.system": "groq", "server.address": "api.openai.com"})
    assert call.provider == "groq"


def test_the_model_that_answered_tells_more_than_the_one_that_was_asked_for() -> None:
    models = {"gen_ai.request.model": "smart", "gen_ai.response.model": "claude-sonnet-4-5"}
    assert call_of({**CALL, **models}).provider == "anthropic"


def test_a_framework_s_name_gives_way_to_a_seller_s_under_a_later_name() -> None:
    told = {"gen_ai.system": "langchain", "llm.provider": "azure", "llm.system": "openai"}
    assert call_of({**CALL, **told, "openinference.span.kind": "LLM"}).provider == "azure.ai.openai"


@given(st.text(max_size=90), st.text(max_size=40), st.text(max_size=40))
def test_any_three_texts_make_a_name_that_fits_a_label(name: str, host: str, model: str) -> None:
    found = canonical_provider(name, host, model)
    assert len(found) <= 64
    assert found.isprintable()


TIERS = [
    "openai.response.service_tier",
    "gen_ai.openai.response.service_tier",
    "gen_ai.response.service_tier",
    "openai.request.service_tier",
    "gen_ai.openai.request.service_tier",
    "gen_ai.request.service_tier",
]


@pytest.mark.parametrize("key", TIERS)
@pytest.mark.parametrize(
    ("told", "tier"),
    [
        ("flex", "flex"), ("priority", "priority"), ("batch", "batch"), ("scale", "scale"),
        ("default", "standard"), ("auto", "standard"), ("Flex", "flex"), ("", "standard"),
    ],
)  # fmt: skip
def test_every_key_of_the_tier_is_read(key: str, told: str, tier: str) -> None:
    assert call_of({**CALL, "gen_ai.system": "openai", key: told}).tier == tier


@pytest.mark.parametrize("asked", TIERS[3:])
@pytest.mark.parametrize("served", TIERS[:3])
def test_the_tier_that_served_beats_the_one_asked_for(asked: str, served: str) -> None:
    assert call_of({**CALL, asked: "flex", served: "default"}).tier == "standard"


@pytest.mark.parametrize("key", TIERS)
@pytest.mark.parametrize(
    ("provider", "tier"),
    [
        ("openai", "priority"), ("azure", "priority"), ("azure_ai", "priority"),
        ("anthropic", "fast"), ("aws.bedrock", "fast"), ("groq", "fast"), ("acme", "fast"),
    ],
)  # fmt: skip
def test_fast_is_priority_where_openai_s_api_is_sold(key: str, provider: str, tier: str) -> None:
    assert call_of({**CALL, "gen_ai.provider.name": provider, key: "fast"}).tier == tier


@pytest.mark.parametrize("scope", ["taximeter", ""])
def test_taximeter_s_own_tier_is_what_it_says(scope: str) -> None:
    told = {"gen_ai.system": "openai", "taximeter.service_tier": "fast", TIERS[0]: "flex"}
    assert call_of({**CALL, **told}, scope=scope).tier == "fast"


@pytest.mark.parametrize(
    ("told", "request_type"),
    [
        ({"gen_ai.request.stream": True}, "interactive"),
        ({"gen_ai.request.stream": False}, ""),
        ({"openai.response.service_tier": "batch"}, "batch"),
        ({"openai.response.service_tier": "batch", "gen_ai.request.stream": True}, "batch"),
        ({"taximeter.request_type": "agent", "gen_ai.request.stream": True}, "agent"),
        ({}, ""),
    ],
)
def test_the_kind_of_request_follows_from_tier_and_stream_unless_it_is_told(
    told: dict[str, Any], request_type: str
) -> None:
    assert call_of({**CALL, **told}).request_type == request_type
