"""Clients that dawdle, hang up halfway, come in thousands or never stop talking."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from pathlib import Path
from typing import Final

import pytest

from taximeter_processor.api.connection import HEAD_BYTES, MOST_CONNECTIONS
from tests.hardening.conftest import Target
from tests.support.servers import wait_for

MIB: Final = 1 << 20
HEAD: Final = (
    b"POST /v1/traces HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-protobuf\r\n"
)


def connect(target: Target) -> socket.socket:
    return socket.create_connection(("127.0.0.1", target.port), timeout=60)


def sent(body: bytes) -> bytes:
    """A whole request."""
    return HEAD + b"content-length: %d\r\n\r\n" % len(body) + body


def until_closed(connection: socket.socket) -> bytes:
    """Everything that comes until the other side closes, in whatever way."""
    received = b""
    with contextlib.suppress(ConnectionError):
        while part := connection.recv(65536):
            received += part
    return received


SLOW: Final = {
    "says nothing": b"",
    "half a line": b"POST /v1/tra",
    "half a head": HEAD,
    "half a body": HEAD + b"content-length: 1000\r\n\r\nabc",
    "half a chunk": HEAD + b"transfer-encoding: chunked\r\n\r\n3e8\r\nabc",
    "half a form": b"POST /login HTTP/1.1\r\nhost: localhost\r\ncontent-length: 900\r\n"
    b"content-type: application/x-www-form-urlencoded\r\n\r\ntoken",
    "refused, then on": b"POST /v1/traces HTTP/1.1\r\nhost: localhost\r\n"
    b"content-length: 1000000\r\ncontent-type: text/plain\r\n\r\nabc",
}


@pytest.fixture(scope="module")
def dawdlers(target: Target) -> dict[str, tuple[float, bytes]]:
    """(seconds until the service had enough, what it said) of clients that begin and trickle."""
    connections = {name: connect(target) for name in SLOW}
    began = time.monotonic()
    ended: dict[str, float] = {}
    for name, connection in connections.items():
        connection.sendall(SLOW[name])
        connection.setblocking(False)
    said = dict.fromkeys(SLOW, b"")
    while len(ended) < len(SLOW) and time.monotonic() < began + 60:
        time.sleep(1)
        for name in SLOW.keys() - ended.keys():
            connection = connections[name]
            try:
                if SLOW[name]:
                    connection.send(b"x")
                part = connection.recv(65536)
            except BlockingIOError:
                continue
            except ConnectionError:
                part = b""
            said[name] += part
            if not part:
                ended[name] = time.monotonic() - began
    for connection in connections.values():
        connection.close()
    return {name: (ended.get(name, 999.0), said[name]) for name in SLOW}


@pytest.mark.parametrize("name", ["says nothing", "half a line", "half a head"])
def test_a_head_that_does_not_come_is_not_waited_for(
    dawdlers: dict[str, tuple[float, bytes]], name: str
) -> None:
    seconds, answer = dawdlers[name]
    assert 9 < seconds < 25
    # No status: a slow exporter would take one for final and drop its spans.
    assert answer == b""


@pytest.mark.parametrize("name", ["half a body", "half a chunk"])
def test_a_slow_body_is_asked_for_again(
    dawdlers: dict[str, tuple[float, bytes]], name: str
) -> None:
    seconds, answer = dawdlers[name]
    assert 29 < seconds < 50
    assert b" 503 " in answer
    assert b"retry-after: 5" in answer.lower() or b"retry-after: 1" in answer.lower()


def test_a_slow_form_is_told_so(dawdlers: dict[str, tuple[float, bytes]]) -> None:
    seconds, answer = dawdlers["half a form"]
    assert 9 < seconds < 30
    assert b" 408 " in answer


def test_who_goes_on_after_a_refusal_is_cut_off(
    dawdlers: dict[str, tuple[float, bytes]],
) -> None:
    seconds, answer = dawdlers["refused, then on"]
    assert 9 < seconds < 25
    assert b" 415 " in answer


def test_dawdlers_are_counted_and_hurt_nobody(
    target: Target, dawdlers: dict[str, tuple[float, bytes]]
) -> None:
    assert target.refused("slow_head") >= 3
    assert target.refused("slow_body") >= 2
    target.still_works()


def test_a_client_that_closed_its_half_gets_its_answer(target: Target) -> None:
    with connect(target) as connection:
        connection.sendall(sent(target.body(1, "half")))
        connection.shutdown(socket.SHUT_WR)
        answer = until_closed(connection)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert target.calls("half") == 1


@pytest.mark.parametrize("cut", [10, len(HEAD) + 5, -1])
def test_a_request_cut_short_is_no_request(target: Target, cut: int) -> None:
    with connect(target) as connection:
        connection.sendall(sent(target.body(2, "cut"))[:cut])
        connection.shutdown(socket.SHUT_WR)
        assert until_closed(connection) == b""
    assert target.calls("cut") == 0
    assert "Traceback" not in target.log.read_text()


def test_a_client_that_hangs_up_before_its_answer_lost_nothing(target: Target) -> None:
    with connect(target) as connection:
        connection.sendall(sent(target.body(3, "gone")))
    wait_for("its call", lambda: target.calls("gone") == 1, 10)


ENDLESS: Final = {
    "line": (b"GET /", b"x" * 4096),
    "header": (HEAD + b"x: ", b"x" * 4096),
    "headers": (HEAD, b"x: y\r\n" * 512),
    "chunk extension": (HEAD + b"transfer-encoding: chunked\r\n\r\n1;", b"x" * 4096),
    "trailer": (HEAD + b"transfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nx: ", b"x" * 4096),
    "trailers": (HEAD + b"transfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n", b"x: y\r\n" * 512),
}


@pytest.mark.parametrize(("start", "part"), ENDLESS.values(), ids=ENDLESS.keys())
def test_what_never_ends_is_cut_off_while_it_is_small(
    target: Target, start: bytes, part: bytes
) -> None:
    before, taken = target.refused("large_head"), 0
    with connect(target) as connection:
        connection.sendall(start)
        with contextlib.suppress(ConnectionError):
            while taken < 64 * MIB:
                taken += connection.send(part)
    # What the kernel holds between the two may come on top.
    assert taken < 32 * MIB
    assert target.refused("large_head") == before + 1
    target.still_works()


def test_a_head_as_large_as_any_real_one_is_fine(target: Target) -> None:
    cookie = b"cookie: " + b"x" * (HEAD_BYTES // 4) + b"\r\n"
    with connect(target) as connection:
        connection.sendall(HEAD + cookie + b"connection: close\r\ncontent-length: 0\r\n\r\n")
        assert until_closed(connection).startswith(b"HTTP/1.1 200 ")


def test_requests_in_one_packet_are_answered_in_order(target: Target) -> None:
    bodies = [target.body(10 + number, "pipelined") for number in range(20)]
    with connect(target) as connection:
        connection.sendall(b"".join(map(sent, bodies)))
        received = b""
        while received.count(b"HTTP/1.1 200 ") < len(bodies):
            received += connection.recv(65536)
    assert target.calls("pipelined") == 20


def test_a_thousand_clients_at_once_are_all_served(tmp_path: Path) -> None:
    crowd = Target(tmp_path)
    crowd.start()
    before = crowd.memory_bytes()
    answers = asyncio.run(_all_at_once(crowd, 1000))
    assert answers == [b"HTTP/1.1 200 OK"] * 1000
    assert crowd.calls("crowd") == 1000
    assert crowd.memory_bytes(peak=True) - before < 100 * MIB
    crowd.still_works()
    crowd.stop()


async def _all_at_once(target: Target, count: int) -> list[bytes]:
    """The status lines of clients that connect first and all send then."""
    opened = [await asyncio.open_connection("127.0.0.1", target.port) for _ in range(count)]

    async def ask(number: int) -> bytes:
        reader, writer = opened[number]
        writer.write(sent(target.body(5000 + number, "crowd")))
        line = await asyncio.wait_for(reader.readline(), 120)
        writer.close()
        return line.strip()

    return list(await asyncio.gather(*map(ask, range(count))))


def test_connections_past_the_limit_come_back_later_and_others_are_served(
    target: Target,
) -> None:
    held = [connect(target) for _ in range(MOST_CONNECTIONS)]
    with connect(target) as late:
        assert until_closed(late).startswith(b"HTTP/1.1 503 ")
    held[0].sendall(sent(target.body(4, "early")))
    assert held[0].recv(100).startswith(b"HTTP/1.1 200 ")
    for connection in held:
        connection.close()
    wait_for("room", lambda: target.refused("too_many") >= 1, 10)
    target.still_works()
