"""The ollama SDK."""

from __future__ import annotations

import ollama

from tests.sdks.scenario import Sdk, left, shown_error, unavailable

SDK = Sdk("ollama")
CHAT = {"model": "llama3.2", "messages": [{"role": "user", "content": "Hi"}]}


@SDK.scenario("JSON", "ollama-chat-json")
def chat(url: str) -> object:
    return ollama.Client(url).chat(**CHAT)


@SDK.scenario("stream", "ollama-chat-stream")
def chat_stream(url: str) -> object:
    return list(ollama.Client(url).chat(**CHAT, stream=True))


@SDK.scenario("async JSON", "ollama-chat-json")
async def chat_async(url: str) -> object:
    return await ollama.AsyncClient(url).chat(**CHAT)


@SDK.scenario("async stream", "ollama-chat-stream")
async def chat_stream_async(url: str) -> object:
    return [part async for part in await ollama.AsyncClient(url).chat(**CHAT, stream=True)]


@SDK.scenario("error", unavailable("ollama-chat-json"))
def refused(url: str) -> object:
    return shown_error(lambda: ollama.Client(url).chat(**CHAT))


@SDK.scenario("left early", left("ollama-chat-stream"))
def stream_left(url: str) -> object:
    stream = ollama.Client(url).chat(**CHAT, stream=True)
    first = next(stream)
    stream.close()
    return first


@SDK.scenario("left early", left("ollama-chat-stream"))
async def stream_left_async(url: str) -> object:
    stream = await ollama.AsyncClient(url).chat(**CHAT, stream=True)
    first = await anext(stream)
    await stream.aclose()
    return first


@SDK.scenario("embeddings", "ollama-embed")
def embeddings(url: str) -> object:
    return ollama.Client(url).embed(model="nomic-embed-text", input="Hello")
