"""The OpenAI Agents SDK on the openai SDK: Responses and chat completions."""

from __future__ import annotations

from typing import Any

from agents import (
    Agent,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    Runner,
    set_tracing_disabled,
)
from openai import AsyncOpenAI

from tests.sdks.scenario import Sdk

SDK = Sdk("openai-agents")
set_tracing_disabled(True)  # its own tracing sends to OpenAI


def client(url: str) -> AsyncOpenAI:
    return AsyncOpenAI(api_key="secret", base_url=f"{url}/v1", max_retries=0)


def agent(model: Any) -> Any:
    return Agent(name="Assistant", instructions="Be brief.", model=model)


@SDK.scenario("JSON", "openai-chat-json")
def run(url: str) -> object:
    model = OpenAIChatCompletionsModel("gpt-4.1", client(url))
    return Runner.run_sync(agent(model), "Hi").final_output


@SDK.scenario("async JSON", "openai-responses-json")
async def run_async(url: str) -> object:
    model = OpenAIResponsesModel("gpt-5", client(url))
    return (await Runner.run(agent(model), "Hi")).final_output


@SDK.scenario("async stream", "openai-responses-stream-completed")
async def stream_async(url: str) -> object:
    result = Runner.run_streamed(agent(OpenAIResponsesModel("gpt-5-mini", client(url))), "Hi")
    return [event.type async for event in result.stream_events()], result.final_output
