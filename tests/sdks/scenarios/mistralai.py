"""The mistralai SDK, whose package moved from one major to the next."""

from __future__ import annotations

from typing import Any

from tests.sdks.scenario import Sdk, left, shown_error, unavailable

try:
    from mistralai.client import Mistral
    from mistralai.client.utils import BackoffStrategy, RetryConfig
except ImportError:
    from mistralai import Mistral
    from mistralai.utils import BackoffStrategy, RetryConfig

SDK = Sdk("mistralai")
HI = [{"role": "user", "content": "Hi"}]
CHAT = {"model": "mistral-large-latest", "messages": HI}
STREAM = {"model": "mistral-small-latest", "messages": HI}


def client(url: str, **options: Any) -> Any:
    return Mistral(api_key="secret", server_url=url, **options)


@SDK.scenario("JSON", "mistral-chat-json")
def chat(url: str) -> object:
    return client(url).chat.complete(**CHAT)


@SDK.scenario("stream", "mistral-chat-stream")
def chat_stream(url: str) -> object:
    return list(client(url).chat.stream(**STREAM))


@SDK.scenario("async JSON", "mistral-chat-json")
async def chat_async(url: str) -> object:
    return await client(url).chat.complete_async(**CHAT)


@SDK.scenario("async stream", "mistral-chat-stream")
async def chat_stream_async(url: str) -> object:
    stream = await client(url).chat.stream_async(**STREAM)
    return [event async for event in stream]


@SDK.scenario("retry", unavailable("mistral-chat-json"), "mistral-chat-json")
def retried(url: str) -> object:
    config = RetryConfig("backoff", BackoffStrategy(1, 1, 1.0, 2000), retry_connection_errors=False)
    return client(url, retry_config=config).chat.complete(**CHAT)


@SDK.scenario("error", unavailable("mistral-chat-json"))
def refused(url: str) -> object:
    return shown_error(lambda: client(url).chat.complete(**CHAT))


@SDK.scenario("left early", left("mistral-chat-stream"))
def stream_left(url: str) -> object:
    with client(url).chat.stream(**STREAM) as stream:
        return next(iter(stream))


@SDK.scenario("left early", left("mistral-chat-stream"))
async def stream_left_async(url: str) -> object:
    async with await client(url).chat.stream_async(**STREAM) as stream:
        async for event in stream:
            break
        return event
