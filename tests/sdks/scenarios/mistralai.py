"""The mistralai SDK, whose package moved from one major to the next."""

from __future__ import annotations

from typing import Any

from tests.sdks.scenario import Sdk, first, left, shown_error, unavailable

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
    with client(url) as mistral:
        return mistral.chat.complete(**CHAT)


@SDK.scenario("stream", "mistral-chat-stream")
def chat_stream(url: str) -> object:
    with client(url) as mistral:
        return list(mistral.chat.stream(**STREAM))


@SDK.scenario("async JSON", "mistral-chat-json")
async def chat_async(url: str) -> object:
    async with client(url) as mistral:
        return await mistral.chat.complete_async(**CHAT)


@SDK.scenario("async stream", "mistral-chat-stream")
async def chat_stream_async(url: str) -> object:
    async with client(url) as mistral:
        return [event async for event in await mistral.chat.stream_async(**STREAM)]


@SDK.scenario("retry", unavailable("mistral-chat-json"), "mistral-chat-json")
def retried(url: str) -> object:
    config = RetryConfig("backoff", BackoffStrategy(1, 1, 1.0, 2000), retry_connection_errors=False)
    with client(url, retry_config=config) as mistral:
        return mistral.chat.complete(**CHAT)


@SDK.scenario("error", unavailable("mistral-chat-json"))
def refused(url: str) -> object:
    with client(url) as mistral:
        return shown_error(lambda: mistral.chat.complete(**CHAT))


@SDK.scenario("left early", left("mistral-chat-stream"))
def stream_left(url: str) -> object:
    with client(url) as mistral, mistral.chat.stream(**STREAM) as stream:
        return next(iter(stream))


@SDK.scenario("left early", left("mistral-chat-stream"))
async def stream_left_async(url: str) -> object:
    async with client(url) as mistral, await mistral.chat.stream_async(**STREAM) as stream:
        return await first(stream)
