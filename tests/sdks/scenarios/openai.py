"""The openai SDK: what an application sees of its clients, Azure's among them."""

from __future__ import annotations

from typing import Any

import openai

from tests.sdks.scenario import Sdk, left, shown_error

SDK = Sdk("openai")
HAS_RESPONSES = hasattr(openai.OpenAI, "responses")
CHAT = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "Hi"}]}
STREAM = {
    "model": "gpt-5-mini",
    "messages": [{"role": "user", "content": "Hi"}],
    "stream": True,
    "stream_options": {"include_usage": True},
}


def sync(url: str, **options: Any) -> Any:
    return openai.OpenAI(api_key="secret", base_url=f"{url}/v1", **options)


def asynchronous(url: str) -> Any:
    return openai.AsyncOpenAI(api_key="secret", base_url=f"{url}/v1")


def azure(url: str) -> Any:
    return openai.AzureOpenAI(api_key="secret", azure_endpoint=url, api_version="2024-10-21")


@SDK.scenario("JSON", "openai-chat-json")
def chat(url: str) -> object:
    with sync(url) as client:
        return client.chat.completions.create(**CHAT)


@SDK.scenario("stream", "openai-chat-stream-usage")
def chat_stream(url: str) -> object:
    with sync(url) as client:
        return list(client.chat.completions.create(**STREAM))


@SDK.scenario("async JSON", "openai-chat-json")
async def chat_async(url: str) -> object:
    async with asynchronous(url) as client:
        return await client.chat.completions.create(**CHAT)


@SDK.scenario("async stream", "openai-chat-stream-usage")
async def chat_stream_async(url: str) -> object:
    async with asynchronous(url) as client:
        return [chunk async for chunk in await client.chat.completions.create(**STREAM)]


@SDK.scenario("retry", "openai-chat-error-429", "openai-chat-json")
def retried(url: str) -> object:
    with sync(url, max_retries=1) as client:
        return client.chat.completions.create(**CHAT)


@SDK.scenario("error", "openai-chat-error-429")
def refused(url: str) -> object:
    with sync(url, max_retries=0) as client:
        return shown_error(lambda: client.chat.completions.create(**CHAT))


@SDK.scenario("left early", left("openai-chat-stream-usage"))
def stream_left(url: str) -> object:
    with sync(url) as client:
        with client.chat.completions.create(**STREAM) as stream:
            return next(iter(stream))


@SDK.scenario("left early", left("openai-chat-stream-usage"))
async def stream_left_async(url: str) -> object:
    async with asynchronous(url) as client:
        async with await client.chat.completions.create(**STREAM) as stream:
            async for chunk in stream:
                break
        return chunk


@SDK.scenario("raw response", "openai-chat-json")
def raw(url: str) -> object:
    with sync(url) as client:
        response = client.chat.completions.with_raw_response.create(**CHAT)
        return response.status_code, response.content, response.parse()


@SDK.scenario("streaming response", "openai-chat-stream-usage")
def streaming_response(url: str) -> object:
    with sync(url) as client:
        with client.chat.completions.with_streaming_response.create(**STREAM) as response:
            return list(response.iter_lines())


@SDK.scenario("streaming response", "openai-chat-stream-usage")
async def streaming_response_async(url: str) -> object:
    async with asynchronous(url) as client:
        create = client.chat.completions.with_streaming_response.create
        async with create(**STREAM) as response:
            return [chunk async for chunk in response.iter_bytes(7)]


@SDK.scenario("embeddings", "openai-embeddings")
def embeddings(url: str) -> object:
    with sync(url) as client:
        return client.embeddings.create(
            model="text-embedding-3-small", input="Hello world", encoding_format="float"
        )


@SDK.scenario("images", "openai-images-json")
def images(url: str) -> object:
    with sync(url) as client:
        return client.images.generate(model="gpt-image-1", prompt="Hello")


@SDK.scenario("Responses", "openai-responses-json", exists=HAS_RESPONSES)
def responses(url: str) -> object:
    with sync(url) as client:
        return client.responses.create(model="gpt-5", input="Hi")


@SDK.scenario("Responses", "openai-responses-stream-completed", exists=HAS_RESPONSES)
async def responses_stream_async(url: str) -> object:
    async with asynchronous(url) as client:
        stream = await client.responses.create(model="gpt-5-mini", input="Hi", stream=True)
        return [event async for event in stream]


@SDK.scenario("Azure", "azure-openai-chat-json")
def azure_chat(url: str) -> object:
    with azure(url) as client:
        return client.chat.completions.create(**{**CHAT, "model": "prod-chat"})


@SDK.scenario("Azure", "azure-openai-chat-stream")
def azure_stream(url: str) -> object:
    with azure(url) as client:
        return list(client.chat.completions.create(**{**STREAM, "model": "prod-chat"}))
