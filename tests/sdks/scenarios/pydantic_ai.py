"""PydanticAI on the openai SDK."""

from __future__ import annotations

from typing import Any

from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from tests.sdks.scenario import Sdk

SDK = Sdk("pydantic-ai-slim")


def agent(url: str) -> Any:
    provider = OpenAIProvider(base_url=f"{url}/v1", api_key="secret")
    return Agent(OpenAIChatModel("gpt-4.1", provider=provider))


@SDK.scenario("JSON", "openai-chat-json")
def run(url: str) -> object:
    return agent(url).run_sync("Hi").output


@SDK.scenario("async JSON", "openai-chat-json")
async def run_async(url: str) -> object:
    return (await agent(url).run("Hi")).output


@SDK.scenario("async stream", "openai-chat-stream-usage")
async def stream_async(url: str) -> object:
    async with agent(url).run_stream("Hi") as result:
        return [text async for text in result.stream_text(debounce_by=None)]
