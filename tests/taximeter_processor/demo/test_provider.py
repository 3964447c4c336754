"""The real openai SDK cannot tell the replay provider from the provider."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx2
import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam

from taximeter_processor.demo.provider import Provider, ProviderServer

QUESTION: list[ChatCompletionMessageParam] = [{"role": "user", "content": "What is a taximeter?"}]


@pytest.fixture
def server() -> Iterator[ProviderServer]:
    with ProviderServer(Provider()) as running:
        yield running


@pytest.fixture
def client(server: ProviderServer) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=server.base_url, api_key="sk-test") as made:
        yield made


def counted(server: ProviderServer) -> tuple[str, int, int]:
    """(response id, input, output) of the only answer, as the provider counted it."""
    (answer,) = server.provider.answers
    return answer.response_id, answer.input_tokens, answer.output_tokens


def test_a_chat_completion_says_what_was_counted(
    server: ProviderServer, client: openai.OpenAI
) -> None:
    answer = client.chat.completions.create(model="gpt-4.1", messages=QUESTION)
    assert answer.usage is not None
    used = (answer.id, answer.usage.prompt_tokens, answer.usage.completion_tokens)
    assert used == counted(server)
    assert answer.model == "gpt-4.1-2025-04-14"


def test_a_stream_ends_with_its_usage_when_asked(
    server: ProviderServer, client: openai.OpenAI
) -> None:
    chunks = list(
        client.chat.completions.create(
            model="gpt-5-mini",
            messages=QUESTION,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    usage = chunks[-1].usage
    assert usage is not None
    assert (chunks[-1].id, usage.prompt_tokens, usage.completion_tokens) == counted(server)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks[:-1])
    assert text.startswith("This answer was replayed")


def test_a_stream_tells_no_usage_unasked(client: openai.OpenAI) -> None:
    chunks = client.chat.completions.create(model="gpt-4.1", messages=QUESTION, stream=True)
    assert [chunk.usage for chunk in chunks if chunk.usage] == []


def test_an_asynchronous_client_gets_the_same(server: ProviderServer) -> None:
    async def ask() -> Any:
        async with openai.AsyncOpenAI(base_url=server.base_url, api_key="sk-test") as client:
            return await client.chat.completions.create(model="gpt-4.1", messages=QUESTION)

    assert asyncio.run(ask()).id == counted(server)[0]


def test_a_response_says_what_was_counted(server: ProviderServer, client: openai.OpenAI) -> None:
    answer = client.responses.create(model="gpt-5", input="What is a taximeter?")
    assert answer.usage is not None
    used = (answer.id, answer.usage.input_tokens, answer.usage.output_tokens)
    assert used == counted(server)
    assert answer.output_text


def test_a_streamed_response_completes_with_its_usage(
    server: ProviderServer, client: openai.OpenAI
) -> None:
    *_, last = client.responses.create(model="gpt-5", input="Hi", stream=True)
    assert last.type == "response.completed"
    assert last.response.usage is not None
    assert last.response.usage.output_tokens == counted(server)[2]


@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_every_text_gets_an_embedding(
    server: ProviderServer, client: openai.OpenAI, encoding: Any
) -> None:
    answer = client.embeddings.create(
        model="text-embedding-3-small", input=["one", "three"], encoding_format=encoding
    )
    assert len(answer.data) == 2
    assert answer.usage.prompt_tokens == counted(server)[1] == 1 + 2


def test_every_third_request_is_turned_away_and_the_sdk_tries_again() -> None:
    with ProviderServer(Provider(fault_every=3)) as server:
        with openai.OpenAI(base_url=server.base_url, api_key="sk-test") as client:
            for _ in range(4):
                client.chat.completions.create(model="gpt-4.1", messages=QUESTION)
        assert len(server.provider.answers) == 4
        assert dict(server.provider.errors) == {429: 1}


def test_it_tells_over_http_what_it_served(server: ProviderServer, client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="gpt-4.1", messages=QUESTION)
    told = httpx2.get(f"http://127.0.0.1:{server.port}/__served").json()
    assert [served["response_id"] for served in told["answers"]] == [answer.id]
    assert told["errors"] == {}
