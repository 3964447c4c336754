"""The anthropic SDK: Anthropic's own API, and Claude on Vertex AI and on Bedrock."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import anthropic

from tests.sdks.scenario import Sdk, left, shown_error

SDK = Sdk("anthropic")
HAS_AWS = find_spec("boto3") is not None
HI = [{"role": "user", "content": "Hi"}]
MESSAGE = {"model": "claude-sonnet-4-5", "max_tokens": 256, "messages": HI}
STREAM = {"model": "claude-haiku-4-5", "max_tokens": 256, "messages": HI, "stream": True}


def sync(url: str, **options: Any) -> Any:
    return anthropic.Anthropic(api_key="secret", base_url=url, **options)


def asynchronous(url: str) -> Any:
    return anthropic.AsyncAnthropic(api_key="secret", base_url=url)


def vertex(url: str) -> Any:
    return anthropic.AnthropicVertex(
        base_url=f"{url}/v1",
        region="us-east5",
        project_id="example-project",
        access_token="secret",
    )


def bedrock(url: str) -> Any:
    return anthropic.AnthropicBedrock(
        base_url=url, aws_region="us-east-1", aws_access_key="key", aws_secret_key="secret"
    )


@SDK.scenario("JSON", "anthropic-messages-json")
def message(url: str) -> object:
    with sync(url) as client:
        return client.messages.create(**MESSAGE)


@SDK.scenario("stream", "anthropic-messages-stream")
def message_stream(url: str) -> object:
    with sync(url) as client:
        return list(client.messages.create(**STREAM))


@SDK.scenario("stream", "anthropic-cache-read-stream")
def stream_helper(url: str) -> object:
    with sync(url) as client:
        with client.messages.stream(**{**MESSAGE, "model": "claude-sonnet-4-6"}) as stream:
            return list(stream.text_stream), stream.get_final_message()


@SDK.scenario("async JSON", "anthropic-messages-json")
async def message_async(url: str) -> object:
    async with asynchronous(url) as client:
        return await client.messages.create(**MESSAGE)


@SDK.scenario("async stream", "anthropic-messages-stream")
async def message_stream_async(url: str) -> object:
    async with asynchronous(url) as client:
        return [event async for event in await client.messages.create(**STREAM)]


@SDK.scenario("retry", "anthropic-error-529", "anthropic-messages-json")
def retried(url: str) -> object:
    with sync(url, max_retries=1) as client:
        return client.messages.create(**MESSAGE)


@SDK.scenario("error", "anthropic-error-529")
def refused(url: str) -> object:
    with sync(url, max_retries=0) as client:
        return shown_error(lambda: client.messages.create(**MESSAGE))


@SDK.scenario("error", "anthropic-error-mid-stream")
def failed_in_the_stream(url: str) -> object:
    with sync(url) as client:
        return shown_error(lambda: list(client.messages.create(**STREAM)))


@SDK.scenario("left early", left("anthropic-messages-stream"))
def stream_left(url: str) -> object:
    with sync(url) as client, client.messages.create(**STREAM) as stream:
        return next(iter(stream))


@SDK.scenario("left early", left("anthropic-messages-stream"))
async def stream_left_async(url: str) -> object:
    async with asynchronous(url) as client, await client.messages.create(**STREAM) as stream:
        async for event in stream:
            break
        return event


@SDK.scenario("raw response", "anthropic-messages-json")
def raw(url: str) -> object:
    with sync(url) as client:
        response = client.messages.with_raw_response.create(**MESSAGE)
        return response.http_response.content, response.parse()


@SDK.scenario("streaming response", "anthropic-messages-stream")
def streaming_response(url: str) -> object:
    with sync(url) as client:
        with client.messages.with_streaming_response.create(**STREAM) as response:
            return list(response.iter_lines())


@SDK.scenario("prompt cache", "anthropic-cache-write-5m-1h")
def cache_written(url: str) -> object:
    with sync(url) as client:
        return client.messages.create(**{**MESSAGE, "model": "claude-opus-4-8"})


@SDK.scenario("server tools", "anthropic-web-search-json")
def web_search(url: str) -> object:
    with sync(url) as client:
        return client.messages.create(**{**MESSAGE, "model": "claude-opus-4-8"})


@SDK.scenario("Vertex AI", "vertex-claude-json")
def vertex_message(url: str) -> object:
    with vertex(url) as client:
        return client.messages.create(**{**MESSAGE, "model": "claude-sonnet-4-5@20250929"})


@SDK.scenario("Vertex AI", "vertex-claude-stream")
def vertex_stream(url: str) -> object:
    with vertex(url) as client:
        return list(client.messages.create(**{**STREAM, "model": "claude-haiku-4-5@20251001"}))


@SDK.scenario("Bedrock", "bedrock-invoke-anthropic", exists=HAS_AWS)
def bedrock_message(url: str) -> object:
    model = "anthropic.claude-sonnet-4-5-20250929-v1:0"
    with bedrock(url) as client:
        return client.messages.create(**{**MESSAGE, "model": model})


@SDK.scenario("Bedrock", "bedrock-invoke-stream-anthropic", exists=HAS_AWS)
def bedrock_stream(url: str) -> object:
    model = "anthropic.claude-haiku-4-5-20251001-v1:0"
    with bedrock(url) as client:
        return list(client.messages.create(**{**STREAM, "model": model}))
