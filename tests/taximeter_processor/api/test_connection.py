"""A client that asks for much and reads nothing does not hold the answer in memory for ever."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, cast

import pytest
import uvicorn

from taximeter_processor.api import connection
from taximeter_processor.api.connection import Connection
from taximeter_processor.metrics.meter import SelfMetrics

ANSWER = bytes(32 << 20)


async def answer_much(
    scope: Any, receive: object, send: Callable[[dict[str, Any]], Awaitable[None]]
) -> None:
    """32 MiB to everybody, in pieces."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for at in range(0, len(ANSWER), 1 << 16):
        part = ANSWER[at : at + (1 << 16)]
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def serve(while_it_runs: Callable[[int], Awaitable[None]], metrics: SelfMetrics) -> None:
    config = uvicorn.Config(
        cast(Any, answer_much),
        port=0,
        log_level="error",
        lifespan="off",
        http=cast(Any, partial(Connection, metrics=metrics)),
    )
    server = uvicorn.Server(config)
    running = asyncio.ensure_future(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        await while_it_runs(server.servers[0].sockets[0].getsockname()[1])
    finally:
        server.should_exit = True
        await running


def unread(metrics: SelfMetrics) -> float:
    return metrics.registry.get_sample_value(
        "taximeter_http_refused_total", {"reason": "unread"}
    ) or 0.0  # fmt: skip


@pytest.fixture
def metrics(monkeypatch: pytest.MonkeyPatch) -> SelfMetrics:
    """Of a service whose patience with readers is half a second."""
    monkeypatch.setattr(connection, "UNREAD_SECONDS", 0.5)
    return SelfMetrics(writer="main", queue_limit_bytes=1, label_sets_limit=1)


def test_an_answer_that_nobody_reads_is_given_up(metrics: SelfMetrics) -> None:
    async def ask_and_read_nothing(port: int) -> None:
        client = socket.create_connection(("127.0.0.1", port))
        client.sendall(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
        for _ in range(100):
            await asyncio.sleep(0.1)
            if unread(metrics):
                break
        client.close()

    asyncio.run(serve(ask_and_read_nothing, metrics))
    assert unread(metrics) == 1


def test_a_slow_reader_gets_all_of_it(metrics: SelfMetrics) -> None:
    async def read_slowly(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 16)
        writer.write(b"GET / HTTP/1.0\r\nhost: localhost\r\n\r\n")
        received = 0
        while part := await reader.read(1 << 20):
            received += len(part)
            await asyncio.sleep(0.02)
        writer.close()
        assert received >= len(ANSWER)

    asyncio.run(serve(read_slowly, metrics))
    assert unread(metrics) == 0
