"""The LiteLLM SDK: one function for every provider, through the openai SDK or clients of its own."""

from __future__ import annotations

import re
from typing import Any

import litellm

from tests.sdks.scenario import Sdk, left, shown_error

SDK = Sdk("litellm")
HI = [{"role": "user", "content": "Hi"}]
_VARYING = re.compile(r"chatcmpl-[0-9a-f-]{36}|created=\d+|'created': \d+")
"""Ids and times that LiteLLM makes up itself."""


def openai(url: str, model: str = "gpt-4.1", **options: Any) -> dict[str, Any]:
    address = {"api_base": f"{url}/v1", "api_key": "secret"}
    return {"model": f"openai/{model}", "messages": HI, "max_retries": 0, **address, **options}


def anthropic(url: str, model: str, **options: Any) -> dict[str, Any]:
    address = {"api_base": url, "api_key": "secret"}
    return {"model": f"anthropic/{model}", "messages": HI, "max_tokens": 256, **address, **options}


def steady(value: object) -> str:
    return _VARYING.sub("", repr(value))


@SDK.scenario("JSON", "openai-chat-json")
def chat(url: str) -> object:
    return steady(litellm.completion(**openai(url)))


@SDK.scenario("stream", "openai-chat-stream-usage")
def chat_stream(url: str) -> object:
    asked = openai(url, "gpt-5-mini", stream=True, stream_options={"include_usage": True})
    return [steady(chunk) for chunk in litellm.completion(**asked)]


@SDK.scenario("async JSON", "openai-chat-json")
async def chat_async(url: str) -> object:
    return steady(await litellm.acompletion(**openai(url)))


@SDK.scenario("async stream", "openai-chat-stream-usage")
async def chat_stream_async(url: str) -> object:
    asked = openai(url, "gpt-5-mini", stream=True, stream_options={"include_usage": True})
    return [steady(chunk) async for chunk in await litellm.acompletion(**asked)]


@SDK.scenario("error", "openai-chat-error-429")
def refused(url: str) -> object:
    return shown_error(lambda: litellm.completion(**openai(url)))


@SDK.scenario("retry", "openai-chat-error-429", "openai-chat-json")
def retried(url: str) -> object:
    return steady(litellm.completion(**openai(url, max_retries=1)))


@SDK.scenario("left early", left("openai-chat-stream-usage"))
def stream_left(url: str) -> object:
    return steady(next(iter(litellm.completion(**openai(url, "gpt-5-mini", stream=True)))))


@SDK.scenario("embeddings", "openai-embeddings")
def embeddings(url: str) -> object:
    return steady(
        litellm.embedding(
            model="openai/text-embedding-3-small",
            input=["Hello world"],
            api_base=f"{url}/v1",
            api_key="secret",
        )
    )


@SDK.scenario("Anthropic", "anthropic-messages-json")
def anthropic_chat(url: str) -> object:
    return steady(litellm.completion(**anthropic(url, "claude-sonnet-4-5")))


@SDK.scenario("Anthropic", "anthropic-messages-json")
async def anthropic_chat_async(url: str) -> object:
    return steady(await litellm.acompletion(**anthropic(url, "claude-sonnet-4-5")))


@SDK.scenario("Anthropic", "anthropic-messages-stream")
async def anthropic_stream_async(url: str) -> object:
    asked = anthropic(url, "claude-haiku-4-5", stream=True)
    return [steady(chunk) async for chunk in await litellm.acompletion(**asked)]


@SDK.scenario("Gemini", "gemini-generate-json")
async def gemini_async(url: str) -> object:
    model = "gemini-2.5-flash-lite"
    answer = await litellm.acompletion(
        model=f"gemini/{model}",
        messages=HI,
        api_base=f"{url}/v1beta/models/{model}",
        api_key="secret",
    )
    return steady(answer)


@SDK.scenario("Bedrock", "bedrock-converse-json")
def bedrock(url: str) -> object:
    answer = litellm.completion(
        model="bedrock/converse/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        messages=HI,
        aws_bedrock_runtime_endpoint=url,
        aws_region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
    )
    return steady(answer)
