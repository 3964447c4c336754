"""The groq SDK."""

from __future__ import annotations

from typing import Any

import groq

from tests.sdks.scenario import Sdk, left, shown_error, unavailable

SDK = Sdk("groq")
HI = [{"role": "user", "content": "Hi"}]
CHAT = {"model": "openai/gpt-oss-120b", "messages": HI}
STREAM = {"model": "llama-3.3-70b-versatile", "messages": HI, "stream": True}


def sync(url: str, **options: Any) -> Any:
    return groq.Groq(api_key="secret", base_url=url, **options)


def asynchronous(url: str) -> Any:
    return groq.AsyncGroq(api_key="secret", base_url=url)


@SDK.scenario("JSON", "groq-chat-json")
def chat(url: str) -> object:
    with sync(url) as client:
        return client.chat.completions.create(**CHAT)


@SDK.scenario("stream", "groq-chat-stream")
def chat_stream(url: str) -> object:
    with sync(url) as client:
        return list(client.chat.completions.create(**STREAM))


@SDK.scenario("async JSON", "groq-chat-json")
async def chat_async(url: str) -> object:
    async with asynchronous(url) as client:
        return await client.chat.completions.create(**CHAT)


@SDK.scenario("async stream", "groq-chat-stream")
async def chat_stream_async(url: str) -> object:
    async with asynchronous(url) as client:
        return [chunk async for chunk in await client.chat.completions.create(**STREAM)]


@SDK.scenario("retry", unavailable("groq-chat-json"), "groq-chat-json")
def retried(url: str) -> object:
    with sync(url, max_retries=1) as client:
        return client.chat.completions.create(**CHAT)


@SDK.scenario("error", unavailable("groq-chat-json"))
def refused(url: str) -> object:
    with sync(url, max_retries=0) as client:
        return shown_error(lambda: client.chat.completions.create(**CHAT))


@SDK.scenario("left early", left("groq-chat-stream"))
def stream_left(url: str) -> object:
    with sync(url) as client, client.chat.completions.create(**STREAM) as stream:
        return next(iter(stream))


@SDK.scenario("left early", left("groq-chat-stream"))
async def stream_left_async(url: str) -> object:
    async with asynchronous(url) as client:
        async with await client.chat.completions.create(**STREAM) as stream:
            async for chunk in stream:
                break
        return chunk


@SDK.scenario("raw response", "groq-chat-json")
def raw(url: str) -> object:
    with sync(url) as client:
        response = client.chat.completions.with_raw_response.create(**CHAT)
        return response.http_response.content, response.parse()


@SDK.scenario("streaming response", "groq-chat-stream")
def streaming_response(url: str) -> object:
    with sync(url) as client:
        with client.chat.completions.with_streaming_response.create(**STREAM) as response:
            return list(response.iter_lines())
