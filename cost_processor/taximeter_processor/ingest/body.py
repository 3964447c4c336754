"""Turns a compressed request body into its bytes, cut off at a limit."""

from __future__ import annotations

import zlib
from typing import Final

from taximeter_processor.errors import BadRequest

MOST_MEMBERS: Final = 1024
_PIECE_BYTES: Final = 256 << 10
# zlib's window-bits codes: 31 = gzip, 15 = zlib (what HTTP calls deflate).
_WINDOW_BITS: Final = {"gzip": 31, "x-gzip": 31, "deflate": 15}


def decompress(data: bytes, encoding: str, limit: int) -> bytes:
    """The decoded body, at most `limit` bytes.

    Raises `BadRequest` 413 when there would be more (without producing it), 400 when the data is
    broken or cut short, 415 for an unknown encoding.
    """
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        if len(data) > limit:
            raise _too_large(limit)
        return data
    window_bits = _WINDOW_BITS.get(encoding)
    if window_bits is None:
        raise BadRequest(
            415, "content_encoding", f"encoding {encoding!r}: expected gzip, deflate or identity"
        )
    try:
        return _inflate(data, window_bits, limit)
    except zlib.error as error:
        raise BadRequest(
            400, "malformed_gzip", f"the {encoding} body is broken: {error}"
        ) from error


def _inflate(data: bytes, window_bits: int, limit: int) -> bytes:
    """All members of the stream: gzip bodies may be concatenated (RFC 1952 §2.2)."""
    parts: list[bytes] = []
    room, at, members = limit, 0, 0
    while at < len(data):
        members += 1
        if members > MOST_MEMBERS:
            raise BadRequest(413, "body_too_large", f"more than {MOST_MEMBERS} compressed members")
        member = zlib.decompressobj(window_bits)
        while not member.eof:
            # In pieces: what follows a member is copied, once for each.
            piece = data[at : at + _PIECE_BYTES]
            if not piece:
                raise BadRequest(400, "malformed_gzip", "the compressed body is cut short")
            at += len(piece)
            part = member.decompress(piece, room + 1)
            if len(part) > room:
                raise _too_large(limit)
            parts.append(part)
            room -= len(part)
        at -= len(member.unused_data)
    return b"".join(parts)


def _too_large(limit: int) -> BadRequest:
    return BadRequest(413, "body_too_large", f"the decoded body exceeds {limit} bytes")
