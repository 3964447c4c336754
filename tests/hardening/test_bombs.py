"""Bodies made to grow in memory: each gets its status, and the process stays small."""

from __future__ import annotations

import contextlib
import gzip
import socket
import time
from collections.abc import Callable

import pytest

from tests.hardening.conftest import Target
from tests.support import bombs
from tests.support.otlp import json_body, json_span
from tests.support.raw_http import post_traces

MIB = 1 << 20
JSON = "application/json"
PROTOBUF = "application/x-protobuf"


def bomb(make: Callable[[int], bytes], a_part: int) -> bytes:
    """As many parts as 60 MiB hold, compressed."""
    return gzip.compress(make(60 * MIB // a_part), 1)


BOMBS = {
    **{
        name: (lambda make=make: bomb(make, 3), PROTOBUF, 413)  # type: ignore[misc]
        for name, make in bombs.PROTOBUF.items()
    },
    **{
        f"JSON {name}": (lambda make=make: bomb(make, 8), JSON, 413)  # type: ignore[misc]
        for name, make in bombs.JSON.items()
    },
    "zeroes": (lambda: gzip.compress(bytes(500 * MIB), 1), PROTOBUF, 413),
    "empty members": (lambda: gzip.compress(b"") * 800_000, PROTOBUF, 413),
    "bomb in a bomb": (lambda: gzip.compress(gzip.compress(bytes(500 * MIB)), 1), PROTOBUF, 400),
    "deep JSON": (lambda: gzip.compress(b'{"resourceSpans":' + b"[" * MIB), JSON, 400),
    "deep attribute": (
        lambda: gzip.compress(
            json_body(json_span(1)).replace(b'"chat"', b'[{"a":' * 5000 + b"1" + b"}]" * 5000, 1)
        ),
        JSON,
        400,
    ),
}


@pytest.mark.parametrize(("make", "content_type", "status"), BOMBS.values(), ids=BOMBS.keys())
def test_a_bomb_gets_its_status_in_time_and_good_calls_land(
    target: Target, make: Callable[[], bytes], content_type: str, status: int
) -> None:
    body = make()
    sample = f'taximeter_ingest_requests_total{{status="{status}"}}'
    before, began = target.sample(sample), time.monotonic()
    answer = post_traces(target.port, body, content_type, content_encoding="gzip")
    assert (answer.status, time.monotonic() - began < 20) == (status, True)
    assert target.sample(sample) == before + 1
    target.still_works()


def test_numbers_of_any_length_cost_nothing(target: Target) -> None:
    long = b'"intValue": ' + b"9" * (30 * MIB)
    body = json_body(json_span(1, spanId="a" * 16)).replace(b'"intValue": "1312"', long, 1)
    began = time.monotonic()
    answer = post_traces(target.port, gzip.compress(body, 1), JSON, content_encoding="gzip")
    assert (answer.status, time.monotonic() - began < 10) == (200, True)
    assert '"rejectedSpans": "1"' in answer.text


def test_after_all_bombs_the_process_is_small(target: Target) -> None:
    # 124 MiB after the start, and twice the largest body that is allowed.
    assert target.memory_bytes(peak=True) < 400 * MIB
    target.still_works()


@pytest.mark.parametrize("path", ["/api/v1/reprice", "/login", "/api/v1/costs", "/healthz"])
def test_a_large_body_for_people_s_addresses_is_not_even_read(target: Target, path: str) -> None:
    before, memory = target.refused("large_body"), target.memory_bytes()
    with socket.create_connection(("127.0.0.1", target.port), timeout=30) as connection:
        head = f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {100 * MIB}\r\n\r\n"
        connection.sendall(head.encode())
        with contextlib.suppress(ConnectionError):
            connection.sendall(bytes(50 * MIB))
        assert b" 413 " in connection.recv(4096)
    assert target.refused("large_body") == before + 1
    assert target.memory_bytes() - memory < 10 * MIB
