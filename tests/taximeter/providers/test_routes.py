"""Which host and path is which endpoint."""

from __future__ import annotations

import pytest

from taximeter import providers
from taximeter.providers.base import Reader
from taximeter.providers.openai import ChatReader, ImagesReader, ResponsesReader


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
        ("/v1/images/generations", "generate_content", ImagesReader),
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
