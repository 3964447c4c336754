"""Which host and path is which endpoint."""

from __future__ import annotations

import pytest

from taximeter import providers
from taximeter.providers.anthropic import MessagesReader
from taximeter.providers.base import Reader
from taximeter.providers.bedrock import ConverseReader, InvokeReader
from taximeter.providers.gemini import CompatibleReader, GenerateReader
from taximeter.providers.ollama import OllamaReader
from taximeter.providers.openai import (
    ChatReader,
    ResponsesReader,
    TranscriptionReader,
    UsageLastReader,
)

GENERATE = ("generate_content", GenerateReader)
MESSAGES = ("chat", MessagesReader)
CHAT = ("chat", ChatReader)
NOTHING = ("generate_content", Reader)


@pytest.mark.parametrize(
    ("host", "provider"),
    [
        ("api.openai.com", "openai"),
        ("eu.api.openai.com", "openai"),
        ("my-resource.openai.azure.com", "azure.ai.openai"),
        ("api.groq.com", "groq"),
        ("api.openai.com.evil.example", None),
        ("evilapi.openai.com.example", None),
        ("notapi.openai.com", None),
        ("localhost", None),
        ("api.anthropic.com", "anthropic"),
        ("claude.googleapis.com", "anthropic"),
        ("aws-external-anthropic.us-east-1.api.aws", "anthropic"),
        ("bedrock-mantle.us-east-1.api.aws", "aws.bedrock"),
        ("bedrock-runtime.eu-west-1.amazonaws.com", "aws.bedrock"),
        ("bedrock-runtime-fips.us-gov-west-1.amazonaws.com", "aws.bedrock"),
        ("bedrock-runtime.cn-north-1.amazonaws.com.cn", "aws.bedrock"),
        ("s3.us-east-1.amazonaws.com", None),
        ("generativelanguage.googleapis.com", "gcp.gemini"),
        ("aiplatform.googleapis.com", "gcp.vertex_ai"),
        ("us-central1-aiplatform.googleapis.com", "gcp.vertex_ai"),
        ("aiplatform.eu.rep.googleapis.com", "gcp.vertex_ai"),
        ("oauth2.googleapis.com", None),
        ("api.mistral.ai", "mistral_ai"),
        ("api.cohere.com", "cohere"),
    ],
)
def test_a_host_is_a_provider_s_or_nobody_s(host: str, provider: str | None) -> None:
    assert providers.provider_of(host) == provider


@pytest.mark.parametrize(
    ("path", "operation", "reader"),
    [
        ("/v1/chat/completions", "chat", ChatReader),
        ("/gateway/team-a/v1/chat/completions", "chat", ChatReader),
        ("/v1/responses", "chat", ResponsesReader),
        ("/v1/responses/compact", "chat", ResponsesReader),
        ("/v1/embeddings", "embeddings", ChatReader),
        ("/v1/completions", "text_completion", ChatReader),
        ("/v1/images/generations", "generate_content", UsageLastReader),
        ("/v1/audio/transcriptions", "generate_content", TranscriptionReader),
        ("/v1/audio/speech", "generate_content", Reader),
    ],
)
def test_a_path_s_tail_names_operation_and_format(
    path: str, operation: str, reader: type[Reader]
) -> None:
    assert providers.route("openai", path) == ("openai", operation, reader, None)


@pytest.mark.parametrize(
    "path",
    ["/v1/files", "/v1/responses/resp_1", "/v1/batches", "/v1/models", "/oauth/token", "/api/show"],
)
def test_a_path_without_inference_has_no_route(path: str) -> None:
    assert providers.route("openai", path) is None


def test_a_deployment_in_the_path_stands_for_the_model() -> None:
    found = providers.route("azure.ai.openai", "/openai/deployments/prod-chat/chat/completions")
    assert found is not None
    assert found.path_model == "prod-chat"


VERTEX = "/v1/projects/p/locations/us-east5"


@pytest.mark.parametrize(
    ("provider", "path", "operation", "reader", "model"),
    [
        ("gcp.gemini", "/v1beta/models/gemini-3-pro:generateContent", *GENERATE, "gemini-3-pro"),
        ("gcp.gemini", "/v1beta/openai/chat/completions", "chat", CompatibleReader, None),
        (
            "gcp.vertex_ai",
            VERTEX + "/publishers/google/models/g%2D3:generateContent",
            *GENERATE,
            "g-3",
        ),
        ("gcp.vertex_ai", VERTEX + "/publishers/anthropic/models/c@1:rawPredict", *MESSAGES, "c@1"),
        ("gcp.vertex_ai", VERTEX + "/publishers/mistralai/models/m:rawPredict", *CHAT, "m"),
        (
            "gcp.vertex_ai",
            VERTEX + "/endpoints/openapi/chat/completions",
            "chat",
            CompatibleReader,
            None,
        ),
        (
            "gcp.vertex_ai",
            VERTEX + "/publishers/openai/v1/responses",
            "chat",
            ResponsesReader,
            None,
        ),
        (
            "gcp.vertex_ai",
            VERTEX + "/publishers/google/models/veo:predictLongRunning",
            *NOTHING,
            "veo",
        ),
        (
            "aws.bedrock",
            "/model/us.anthropic.c-v1%3A0/converse",
            "chat",
            ConverseReader,
            "us.anthropic.c-v1:0",
        ),
        (
            "aws.bedrock",
            "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fus.x/invoke",
            "chat",
            InvokeReader,
            "arn:aws:bedrock:us-east-1:1:inference-profile/us.x",
        ),
        (
            "aws.bedrock",
            "/model/cohere.embed-v4/invoke",
            "embeddings",
            InvokeReader,
            "cohere.embed-v4",
        ),
        ("aws.bedrock", "/anthropic/v1/messages", *MESSAGES, None),
        ("deepseek", "/anthropic/v1/messages", *MESSAGES, None),
        ("openrouter", "/api/v1/messages", *MESSAGES, None),
        ("mistral_ai", "/v1/agents/completions", *CHAT, None),
        ("mistral_ai", "/v1/fim/completions", "text_completion", ChatReader, None),
        ("my_gateway", "/proxy/api/chat", "chat", OllamaReader, None),
        ("my_gateway", "/x/v1beta/models/g:generateContent", *GENERATE, "g"),
        ("openai", "/v1/videos", *NOTHING, None),
        ("openai", "/v1/threads/t/runs", *NOTHING, None),
        ("azure.ai.openai", "/openai/deployments/d/audio/speech", *NOTHING, "d"),
    ],
)
def test_an_endpoint_has_its_reader_and_its_path_s_model(
    provider: str, path: str, operation: str, reader: type[Reader], model: str | None
) -> None:
    assert providers.route(provider, path) == (provider, operation, reader, model)


def test_anthropic_s_door_at_azure_is_anthropic() -> None:
    found = providers.route("azure.ai.openai", "/anthropic/v1/messages")
    assert found == ("anthropic", "chat", MessagesReader, None)


@pytest.mark.parametrize(
    ("provider", "path"),
    [
        ("anthropic", "/v1/messages/count_tokens"),
        ("anthropic", "/v1/messages/batches"),
        ("gcp.gemini", "/v1beta/models/g:countTokens"),
        ("gcp.gemini", "/v1beta/cachedContents"),
        ("gcp.gemini", "/upload/v1beta/files"),
        ("gcp.vertex_ai", VERTEX + "/publishers/anthropic/models/count-tokens:rawPredict"),
        ("gcp.vertex_ai", VERTEX + "/batchPredictionJobs"),
        ("gcp.vertex_ai", VERTEX + "/reasoningEngines"),
        ("aws.bedrock", "/guardrail/g/version/1/apply"),
        ("azure.ai.openai", "/vision/v3.2/analyze"),
        ("openai", "/v1/threads"),
        ("openai", "/v1/threads/t/messages"),
        ("openai", "/v1/responses/r/cancel"),
        ("openai", "/v1/moderations"),
        ("openai", "/v1/fine_tuning/jobs"),
        ("cohere", "/v1/tokenize"),
        ("ollama", "/api/pull"),
        ("ollama", "/api/blobs/sha256:1"),
        ("openai", "/"),
    ],
)
def test_what_is_administered_is_no_call(provider: str, path: str) -> None:
    assert providers.route(provider, path) is None
