"""LangChain and LangGraph on the openai SDK."""

from __future__ import annotations

from typing import Any

from langchain_openai import ChatOpenAI
from langgraph.graph import MessagesState, StateGraph

from tests.sdks.scenario import Sdk

SDK = Sdk("langchain-openai")


def model(url: str) -> Any:
    return ChatOpenAI(model="gpt-4.1", api_key="secret", base_url=f"{url}/v1", max_retries=0)


@SDK.scenario("JSON", "openai-chat-json")
def invoke(url: str) -> object:
    return model(url).invoke("Hi").content


@SDK.scenario("stream", "openai-chat-stream-usage")
def stream(url: str) -> object:
    return [chunk.content for chunk in model(url).stream("Hi")]


@SDK.scenario("async JSON", "openai-chat-json")
async def invoke_async(url: str) -> object:
    return (await model(url).ainvoke("Hi")).content


@SDK.scenario("async stream", "openai-chat-stream-usage")
async def stream_async(url: str) -> object:
    return [chunk.content async for chunk in model(url).astream("Hi")]


@SDK.scenario("LangGraph", "openai-chat-json")
def graph(url: str) -> object:
    chat = model(url)

    def ask(state: MessagesState) -> dict[str, Any]:
        return {"messages": [chat.invoke(state["messages"])]}

    built = StateGraph(MessagesState).add_node("ask", ask)
    asked = built.set_entry_point("ask").compile().invoke({"messages": [("user", "Hi")]})
    return [message.content for message in asked["messages"]]
