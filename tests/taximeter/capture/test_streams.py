"""What becomes of a streamed answer that is cut off, left, cancelled or forgotten."""

from __future__ import annotations

import asyncio
import gc
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager

import httpx
import httpx2
import openai
import pytest
from opentelemetry.trace import StatusCode

from taximeter.capture import attempt
from tests.taximeter.conftest import Spans
from tests.taximeter.replay import ReplayServer, answer, recording

STREAM = recording("openai-chat-stream-usage")
BODY = {"model": "gpt-5-mini", "stream": True}


def sent(client: httpx2.Client, server: ReplayServer) -> httpx2.Response:
    request = client.build_request("POST", f"{server.url}/chat/completions", json=BODY)
    return client.send(request, stream=True)


@contextmanager
def opened(server: ReplayServer) -> Iterator[httpx2.Response]:
    with httpx2.Client() as client, closing(sent(client, server)) as response:
        yield response


def test_the_application_gets_the_same_chunks_with_and_without_us(
    server: ReplayServer, metered: Spans
) -> None:
    server.answers.append(answer(STREAM.name))
    with opened(server) as response:
        chunks = list(response.iter_raw())
    assert chunks == list(answer(STREAM.name).chunks)
    assert response.is_closed
    assert response.elapsed.total_seconds() > 0


def test_a_chunk_is_not_held_back(server: ReplayServer, metered: Spans) -> None:
    server.answers.append(answer(STREAM.name, is_held=True))
    with opened(server) as response:
        chunks = response.iter_raw()
        assert next(chunks) == answer(STREAM.name).chunks[0]
        server.go_on.set()
        assert b"".join(chunks).endswith(b"[DONE]\n\n")


def test_a_stream_closed_half_way_is_partial_and_no_error(
    server: ReplayServer, metered: Spans
) -> None:
    server.answers.append(answer(STREAM.name))
    with opened(server) as response:
        next(response.iter_raw())
    span = metered.one()
    assert span.status.status_code is StatusCode.UNSET
    assert (span.attributes or {})["taximeter.usage_status"] == "partial"
    assert (span.attributes or {})["gen_ai.response.id"] == "chatcmpl-TX0002"


def test_breaking_off_the_sdk_s_stream_ends_the_span(server: ReplayServer, metered: Spans) -> None:
    server.answers.append(answer(STREAM.name))
    with (
        openai.OpenAI(api_key="secret", base_url=server.url) as client,
        client.chat.completions.create(model="m", messages=[], stream=True) as chunks,
    ):
        next(iter(chunks))
    assert metered.attributes()["taximeter.usage_status"] == "partial"


def test_a_stream_closed_after_its_last_event_is_complete(
    server: ReplayServer, metered: Spans
) -> None:
    server.answers.append(answer(STREAM.name))
    with opened(server) as response:
        for chunk in response.iter_raw():
            if b"[DONE]" in chunk:
                break
    assert metered.attributes()["taximeter.usage_status"] == "reported"


@pytest.mark.parametrize("is_begun", [False, True])
def test_a_forgotten_stream_ends_when_it_is_collected(
    server: ReplayServer, metered: Spans, is_begun: bool
) -> None:
    server.answers.append(answer(STREAM.name))
    with httpx2.Client() as client:
        response = sent(client, server)
        chunks = response.iter_raw()
        if is_begun:
            next(chunks)
        assert metered.all() == []
        del response, chunks
        gc.collect()
        assert metered.attributes()["taximeter.usage_status"] == "partial"


def test_a_connection_cut_in_the_middle_is_an_error_with_what_came(
    server: ReplayServer, metered: Spans
) -> None:
    chunks = answer("vllm-chat-stream-continuous-usage").chunks[:2]
    server.answers.append(answer(STREAM.name, chunks=chunks, is_cut=True))
    with opened(server) as response, pytest.raises(httpx2.RemoteProtocolError):
        list(response.iter_raw())
    span = metered.one()
    assert span.status.status_code is StatusCode.ERROR
    assert (span.attributes or {})["error.type"] == "RemoteProtocolError"
    assert (span.attributes or {})["taximeter.usage_status"] == "partial"
    assert (span.attributes or {})["gen_ai.usage.input_tokens"] == 11


def test_a_cancelled_task_ends_its_span(server: ReplayServer, metered: Spans) -> None:
    async def read() -> None:
        async with httpx2.AsyncClient() as client:
            url = f"{server.url}/chat/completions"
            async with client.stream("POST", url, json=BODY) as response:
                async for _ in response.aiter_raw():
                    pass

    async def cancel() -> None:
        task = asyncio.create_task(read())
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(task, timeout=0.5)

    server.answers.append(answer(STREAM.name, is_held=True))
    asyncio.run(cancel())
    assert metered.attributes()["taximeter.usage_status"] == "partial"
    assert metered.one().status.status_code is StatusCode.UNSET


def test_a_task_cancelled_before_an_answer_came_has_failed(metered: Spans) -> None:
    async def never(request: httpx2.Request) -> httpx2.Response:
        await asyncio.sleep(60)
        raise AssertionError

    async def cancel() -> None:
        async with httpx2.AsyncClient(transport=httpx2.MockTransport(never)) as client:
            url = "https://api.openai.com/v1/responses"
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(client.post(url, json=BODY), timeout=0.1)

    asyncio.run(cancel())
    assert metered.attributes()["error.type"] == "CancelledError"
    assert metered.one().status.status_code is StatusCode.ERROR


def test_an_async_stream_that_is_left_early_ends(server: ReplayServer, metered: Spans) -> None:
    async def leave() -> None:
        async with httpx.AsyncClient() as client:
            url = f"{server.url}/chat/completions"
            async with client.stream("POST", url, json=BODY) as response:
                async for _ in response.aiter_lines():
                    break

    server.answers.append(answer(STREAM.name))
    asyncio.run(leave())
    assert metered.attributes()["taximeter.usage_status"] == "partial"


def test_a_compressed_stream_passes_raw_and_is_read(server: ReplayServer, metered: Spans) -> None:
    packer = zlib.compressobj(wbits=31)
    packed = [
        packer.compress(event) + packer.flush(zlib.Z_SYNC_FLUSH)
        for event in answer(STREAM.name).chunks
    ]
    headers = {"content-encoding": "gzip"}
    server.answers.append(answer(STREAM.name, chunks=packed, headers=headers))
    with opened(server) as response:
        assert list(response.iter_raw()) == packed
    assert metered.attributes()["gen_ai.usage.output_tokens"] == 84


def test_a_streamed_json_answer_is_read_when_it_has_come_whole(
    server: ReplayServer, metered: Spans
) -> None:
    body = recording("openai-chat-json").body
    pieces = [body[at : at + 37] for at in range(0, len(body), 37)]
    server.answers.append(answer("openai-chat-json", chunks=pieces))
    with opened(server) as response:
        assert response.read() == body
    attributes = metered.attributes()
    assert attributes["gen_ai.usage.input_tokens"] == 19
    assert "gen_ai.response.time_to_first_chunk" not in attributes


def test_a_stream_still_open_at_exit_is_counted(server: ReplayServer, metered: Spans) -> None:
    server.answers.append(answer(STREAM.name))
    with httpx2.Client() as client:
        response = sent(client, server)
        attempt.abort_open()
        assert metered.attributes()["taximeter.usage_status"] == "partial"
        response.close()
    assert len(metered.all()) == 1
