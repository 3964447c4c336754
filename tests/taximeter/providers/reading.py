"""Reads payloads as a response would be read."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterable, Sequence
from typing import TypeVar

from taximeter.providers.base import Facts, Reader

AnyReader = TypeVar("AnyReader", bound=Reader)


def whole(reader: Reader, body: object) -> Facts:
    """The facts of a body."""
    reader.read_body(json.dumps(body).encode())
    return reader.facts


def streamed(reader: AnyReader, *events: object) -> AnyReader:
    """The reader after a stream of events, which are bytes or become JSON."""
    for event in events:
        data = event if isinstance(event, bytes) else json.dumps(event).encode()
        if not reader.skips(data):
            reader.read_event(data)
    reader.finish()
    return reader


def cut(wire: bytes, sizes: Sequence[int]) -> Iterable[bytes]:
    """The bytes in chunks of these sizes, over and over."""
    number = 0
    while wire:
        size = sizes[number % len(sizes)]
        yield wire[:size]
        wire = wire[size:]
        number += 1


def frame(payload: bytes, **headers: str) -> bytes:
    """A frame of an AWS event stream; `event_type="x"` is the header `:event-type`."""
    block = b"".join(
        bytes([len(name) + 1])
        + f":{name.replace('_', '-')}".encode()
        + b"\x07"
        + struct.pack(">H", len(value))
        + value.encode()
        for name, value in headers.items()
    )
    return framed(block, payload)


def framed(headers: bytes, payload: bytes) -> bytes:
    """A frame with these bytes for headers."""
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + payload
    return message + struct.pack(">I", zlib.crc32(message))
