"""HTTP/2, and clients of trio: the same hook, other ways to the wire."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import httpx
import httpx2
import pytest
import trio
from hypercorn.asyncio import serve
from hypercorn.config import Config

import taximeter
from tests.support.servers import free_port
from tests.taximeter.conftest import Spans
from tests.taximeter.replay import recording

BODY = recording("openai-chat-stream-usage").body
ASK = {"model": "gpt-5-mini", "stream": True}

Send = Callable[[dict[str, Any]], Awaitable[None]]


async def provider(
    scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Send
) -> None:
    """Streams one answer, and says which HTTP it came by."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    version = scope["http_version"].encode()
    headers = [(b"content-type", b"text/event-stream"), (b"x-version", version)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for event in BODY.split(b"\n\n")[:-1]:
        await send({"type": "http.response.body", "body": event + b"\n\n", "more_body": True})
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Where it listens."""
    port, stop, loop = free_port(), asyncio.Event(), asyncio.new_event_loop()
    config = Config()
    config.bind, config.loglevel = [f"127.0.0.1:{port}"], "CRITICAL"
    running = serve(provider, config, shutdown_trigger=stop.wait)  # type: ignore[arg-type] # a plain ASGI application
    thread = threading.Thread(target=loop.run_until_complete, args=(running,), daemon=True)
    thread.start()
    yield f"127.0.0.1:{port}"
    loop.call_soon_threadsafe(stop.set)
    thread.join(10)
    loop.close()


@pytest.fixture
def metered_provider(address: str, spans: Spans) -> Iterator[Spans]:
    taximeter.instrument(tracer_provider=spans.provider, hosts={address: "openai"})
    yield spans
    taximeter.uninstrument()


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_an_answer_over_http_2_is_metered_and_unchanged(
    address: str, metered_provider: Spans, library: Any
) -> None:
    with library.Client(http1=False, http2=True) as client:
        answered = client.post(f"http://{address}/v1/chat/completions", json=ASK)
    assert (answered.http_version, answered.headers["x-version"]) == ("HTTP/2", "2")
    assert answered.content == BODY
    assert metered_provider.attributes()["gen_ai.usage.input_tokens"] == 1312


def test_a_client_of_trio_is_metered(address: str, metered_provider: Spans) -> None:
    async def call() -> bytes:
        async with httpx2.AsyncClient() as client:
            url = f"http://{address}/v1/chat/completions"
            async with client.stream("POST", url, json=ASK) as answered:
                return await answered.aread()

    with taximeter.tags(feature="search"):
        assert trio.run(call) == BODY
    assert metered_provider.attributes()["gen_ai.usage.output_tokens"] == 84
    assert metered_provider.attributes()["taximeter.feature"] == "search"
