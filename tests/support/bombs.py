"""Bodies that are small to send and large to hold, made of as many parts as asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final


def field(number: int, content: bytes) -> bytes:
    """One length-delimited protobuf field."""
    size, length = b"", len(content)
    while length > 0x7F:
        size, length = size + bytes([length & 0x7F | 0x80]), length >> 7
    return bytes([number << 3 | 2]) + size + bytes([length]) + content


def _empty(number: int, count: int) -> bytes:
    return bytes([number << 3 | 2, 0]) * count


# The tags are written in two bytes, which every parser takes for the shorter form.
def _long_tagged(count: int) -> bytes:
    return b"\xca\x00\x00" * count


PROTOBUF: Final[dict[str, Callable[[int], bytes]]] = {
    "resources": lambda count: _empty(1, count),
    "scopes": lambda count: field(1, _empty(2, count)),
    "spans": lambda count: field(1, field(2, _empty(2, count))),
    "attributes": lambda count: field(1, field(2, field(2, _empty(9, count)))),
    "long tags": lambda count: field(1, field(2, field(2, _long_tagged(count)))),
    "resource's attributes": lambda count: field(1, field(1, _empty(1, count))),
    "unknown fields": lambda count: b"\x78\x00" * count,
}

JSON: Final[dict[str, Callable[[int], bytes]]] = {
    "objects": lambda count: b'{"x":[' + b"{}," * count + b"1]}",
    "pairs": lambda count: b'{"x":[' + b'{"a":1},' * count + b"1]}",
    "lists": lambda count: b"[" + b"[]," * count + b"1]",
    "numbers": lambda count: b"[" + b"12345," * count + b"1]",
}

WHOLE: Final = 20_000_000
"""Parts of a bomb: about as many as a body of 64 MiB can hold."""
