"""LlamaIndex on the openai SDK."""

from __future__ import annotations

from typing import Any

from llama_index.core.llms import ChatMessage
from llama_index.llms.openai import OpenAI

from tests.sdks.scenario import Sdk

SDK = Sdk("llama-index-llms-openai")
HI = [ChatMessage(role="user", content="Hi")]


def model(url: str) -> Any:
    return OpenAI(model="gpt-4.1", api_key="secret", api_base=f"{url}/v1", max_retries=0)


@SDK.scenario("JSON", "openai-chat-json")
def chat(url: str) -> object:
    return str(model(url).chat(HI))


@SDK.scenario("async JSON", "openai-chat-json")
async def chat_async(url: str) -> object:
    return str(await model(url).achat(HI))


@SDK.scenario("stream", "openai-chat-stream-usage")
def stream(url: str) -> object:
    return [str(part) for part in model(url).stream_chat(HI)]
