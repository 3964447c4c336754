"""The cohere SDK, its second API; its async client uses httpx-aiohttp where that is installed."""

from __future__ import annotations

from typing import Any

import cohere

from tests.sdks.scenario import Sdk, left, shown_error, unavailable

SDK = Sdk("cohere")
CAN_BE_LEFT = not cohere.__version__.startswith("5.")
"""A stream of version 5 reads on to its end when it is closed, and says so with an error."""
CHAT = {"model": "command-a-03-2025", "messages": [{"role": "user", "content": "Hi"}]}


def sync(url: str) -> Any:
    return cohere.ClientV2(api_key="secret", base_url=url)


def asynchronous(url: str) -> Any:
    return cohere.AsyncClientV2(api_key="secret", base_url=url)


@SDK.scenario("JSON", "cohere-chat-json")
def chat(url: str) -> object:
    return sync(url).chat(**CHAT)


@SDK.scenario("stream", "cohere-chat-stream")
def chat_stream(url: str) -> object:
    return list(sync(url).chat_stream(**CHAT))


@SDK.scenario("async JSON", "cohere-chat-json")
async def chat_async(url: str) -> object:
    async with asynchronous(url) as client:
        return await client.chat(**CHAT)


@SDK.scenario("async stream", "cohere-chat-stream")
async def chat_stream_async(url: str) -> object:
    async with asynchronous(url) as client:
        return [event async for event in client.chat_stream(**CHAT)]


@SDK.scenario("retry", unavailable("cohere-chat-json"), "cohere-chat-json")
def retried(url: str) -> object:
    return sync(url).chat(**CHAT, request_options={"max_retries": 1})


@SDK.scenario("error", unavailable("cohere-chat-json"))
def refused(url: str) -> object:
    options = {"max_retries": 0}
    return shown_error(lambda: sync(url).chat(**CHAT, request_options=options))


@SDK.scenario("left early", left("cohere-chat-stream"), exists=CAN_BE_LEFT)
def stream_left(url: str) -> object:
    stream = sync(url).chat_stream(**CHAT)
    first = next(stream)
    stream.close()
    return first


@SDK.scenario("left early", left("cohere-chat-stream"), exists=CAN_BE_LEFT)
async def stream_left_async(url: str) -> object:
    async with asynchronous(url) as client:
        stream = client.chat_stream(**CHAT)
        first = await anext(stream)
        await stream.aclose()
        return first


@SDK.scenario("embeddings", "cohere-embed")
def embeddings(url: str) -> object:
    return sync(url).embed(
        model="embed-v4.0",
        input_type="search_document",
        embedding_types=["float"],
        texts=["Hello"],
    )
