"""aiohttp used directly: metered where the bytes arrive, whichever way they are read."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import httpx
import httpx_aiohttp
import pytest

import taximeter
from taximeter.capture import aiohttp_client
from tests.taximeter.conftest import Spans
from tests.taximeter.replay import ReplayServer, answer, recording

STREAM = json.dumps({"model": "gpt-5-mini", "stream": True})

Session = aiohttp.ClientSession
Response = aiohttp.ClientResponse


def with_session(use: Callable[[Session], Awaitable[Any]], **options: Any) -> Any:
    async def run() -> Any:
        async with aiohttp.ClientSession(**options) as session:
            return await use(session)

    return asyncio.run(run())


async def read(response: Response) -> bytes:
    return await response.read()


async def lines(response: Response) -> bytes:
    return b"".join([line async for line in response.content])


async def chunks(response: Response) -> bytes:
    return b"".join([chunk async for chunk in response.content.iter_chunked(11)])


async def http_chunks(response: Response) -> bytes:
    return b"".join([chunk async for chunk, _ in response.content.iter_chunks()])


async def exactly(response: Response) -> bytes:
    return await response.content.readexactly(5) + await response.content.read()


@pytest.mark.parametrize("reading", [read, lines, chunks, http_chunks, exactly])
def test_a_stream_is_read_whichever_way_the_application_reads_it(
    server: ReplayServer, metered: Spans, reading: Callable[[Response], Awaitable[bytes]]
) -> None:
    server.answers.append(answer("openai-chat-stream-usage"))

    async def call(session: Session) -> bytes:
        async with session.post(f"{server.url}/chat/completions", data=STREAM) as response:
            return await reading(response)

    assert with_session(call) == recording("openai-chat-stream-usage").body
    attributes = metered.attributes()
    assert attributes["gen_ai.usage.input_tokens"] == 1312
    assert attributes["gen_ai.usage.output_tokens"] == 84
    assert attributes["taximeter.usage_status"] == "reported"
    assert attributes["gen_ai.response.time_to_first_chunk"]


@pytest.mark.parametrize("body", ["json", "text", "bytes"])
def test_the_model_is_read_from_any_kind_of_body(
    server: ReplayServer, metered: Spans, body: str
) -> None:
    sent: dict[str, dict[str, Any]] = {
        "json": {"json": {"model": "gpt-4.1"}},
        "text": {"data": '{"model": "gpt-4.1"}'},
        "bytes": {"data": b'{"model": "gpt-4.1"}'},
    }
    server.answers.append(answer("openai-chat-json"))

    async def call(session: Session) -> Any:
        async with session.post("/v1/chat/completions", **sent[body]) as response:
            return await response.json()

    said = with_session(call, base_url=f"http://127.0.0.1:{server.port}")
    assert said["usage"]["prompt_tokens"] == 19
    assert metered.one().name == "chat gpt-4.1"
    assert metered.attributes()["gen_ai.usage.input_tokens"] == 19


def test_the_reader_still_is_what_the_application_expects(
    server: ReplayServer, metered: Spans
) -> None:
    server.answers.append(answer("openai-chat-stream-usage", is_held=True))

    async def call(session: Session) -> tuple[str, bool]:
        async with session.post(f"{server.url}/chat/completions", data=STREAM) as response:
            kind = (
                type(response.content).__name__,
                isinstance(response.content, aiohttp.StreamReader),
            )
            server.go_on.set()
            await response.read()
            return kind

    assert with_session(call) == ("StreamReader", True)
    assert metered.attributes()["taximeter.usage_status"] == "reported"


def test_a_chunk_is_not_held_back(server: ReplayServer, metered: Spans) -> None:
    server.answers.append(answer("openai-chat-stream-usage", is_held=True))

    async def call(session: Session) -> bytes:
        async with session.post(f"{server.url}/chat/completions", data=STREAM) as response:
            first = await response.content.readany()
            server.go_on.set()
            return first + await response.read()

    assert with_session(call) == recording("openai-chat-stream-usage").body


def test_a_stream_left_early_is_partial_and_no_error(server: ReplayServer, metered: Spans) -> None:
    server.answers.append(answer("openai-chat-stream-usage", is_held=True))

    async def call(session: Session) -> None:
        async with session.post(f"{server.url}/chat/completions", data=STREAM) as response:
            await response.content.readline()

    with_session(call)
    attributes = metered.attributes()
    assert attributes["taximeter.usage_status"] == "partial"
    assert "error.type" not in attributes


def test_a_cancelled_task_ends_its_span(server: ReplayServer, metered: Spans) -> None:
    server.answers.append(answer("openai-chat-stream-usage", is_held=True))

    async def call(session: Session) -> None:
        async def stream() -> None:
            async with session.post(f"{server.url}/chat/completions", data=STREAM) as response:
                async for _ in response.content:
                    started.set()

        started = asyncio.Event()
        task = asyncio.create_task(stream())
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with_session(call)
    assert metered.attributes()["taximeter.usage_status"] == "partial"


def test_a_connection_cut_in_the_middle_is_an_error_with_what_came(
    server: ReplayServer, metered: Spans
) -> None:
    server.answers.append(answer("openai-chat-stream-usage", is_cut=True))

    async def call(session: Session) -> None:
        async with session.post(f"{server.url}/chat/completions", data=STREAM) as response:
            await response.read()

    with pytest.raises(aiohttp.ClientPayloadError):
        with_session(call)
    attributes = metered.attributes()
    assert attributes["error.type"] == "ClientPayloadError"
    assert attributes["gen_ai.usage.input_tokens"] == 1312


def test_a_refused_connection_is_a_failed_attempt_and_the_same_exception(metered: Spans) -> None:
    taximeter.uninstrument()
    taximeter.instrument(tracer_provider=metered.provider, hosts="127.0.0.1:9=openai")

    async def call(session: Session) -> None:
        await session.post("http://127.0.0.1:9/v1/chat/completions", data=STREAM)

    with pytest.raises(aiohttp.ClientConnectorError):
        with_session(call)
    assert metered.attributes()["error.type"] == "ClientConnectorError"


@pytest.mark.filterwarnings("ignore")  # aiohttp warns of the connections that are forgotten
def test_nothing_is_kept_of_answers_that_were_forgotten(
    server: ReplayServer, metered: Spans
) -> None:
    server.answers.extend(answer("openai-chat-stream-usage") for _ in range(20))

    async def call(session: Session) -> None:
        for _ in range(20):
            response = await session.post(f"{server.url}/chat/completions", data=STREAM)
            del response

    with_session(call)
    gc.collect()
    assert aiohttp_client._watched == {}
    assert len(metered.all()) == 20


def test_under_httpx_it_stays_silent(server: ReplayServer, metered: Spans) -> None:
    server.answers.append(answer("openai-chat-stream-usage"))

    async def call() -> bytes:
        async with httpx_aiohttp.HttpxAiohttpClient() as client:
            url = f"{server.url}/chat/completions"
            async with client.stream("POST", url, content=STREAM) as response:
                assert isinstance(client, httpx.AsyncClient)
                return await response.aread()

    assert asyncio.run(call()) == recording("openai-chat-stream-usage").body
    assert metered.attributes()["gen_ai.usage.input_tokens"] == 1312


def test_tags_go_to_named_hosts_only_and_follow_no_redirect(
    server: ReplayServer, spans: Spans
) -> None:
    other = ReplayServer()
    moved = {"location": f"http://127.0.0.1:{other.port}/elsewhere"}
    server.answers.append(answer("openai-chat-json", status=307, headers=moved))
    other.answers.extend([answer("openai-chat-json")] * 2)
    taximeter.instrument(tracer_provider=spans.provider, propagate_to=[f"127.0.0.1:{server.port}"])

    async def call(session: Session) -> None:
        with taximeter.tags(feature="search"):
            for port in (server.port, other.port):
                async with session.post(f"http://127.0.0.1:{port}/x", data=b"{}") as response:
                    await response.read()

    with_session(call)
    taximeter.uninstrument()
    other.stop()
    assert [headers.get("x-taximeter-feature") for _, headers in server.requests] == ["search"]
    assert [headers.get("x-taximeter-feature") for _, headers in other.requests] == [None, None]
