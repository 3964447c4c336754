"""Turns content-encoded bytes into plain ones, piece by piece and bounded, for our own copy."""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Callable, Iterator
from typing import Any

PIECE_BYTES = 1 << 16
"""No call inflates more at once, so that a small body cannot become a large one in memory."""

Decode = Callable[[bytes], Iterator[bytes]]

_ZSTD_MODULES = ("compression.zstd", "backports.zstd")
_BROTLI_MODULES = ("brotli", "brotlicffi")


class UnknownEncoding(ValueError):
    """No decoder is installed for this content encoding."""


def decoder(content_encoding: str) -> Decode | None:
    """What undoes a `Content-Encoding` header; None if there is nothing to undo.

    Raises UnknownEncoding when the library for it is missing: then the application's own client
    could not have decoded it either.
    """
    if not content_encoding:
        return None
    names = [name.strip().lower() for name in content_encoding.split(",")]
    coded = [name for name in names if name not in ("", "identity")]
    if not coded:
        return None
    if len(coded) > 1:
        raise UnknownEncoding(content_encoding)
    return _DECODERS.get(coded[0], _unknown)()


def _gzip() -> Decode:
    return _inflate(zlib.decompressobj(zlib.MAX_WBITS | 32))  # 32: a gzip or a zlib header


def _deflate() -> Decode:
    """`deflate` means zlib, but some servers send it without the header."""
    chosen: list[Decode] = []

    def decode(data: bytes) -> Iterator[bytes]:
        if not chosen and data:
            has_header = data[0] & 0x0F == 8 and data[0] >> 4 <= 7
            chosen.append(_inflate(zlib.decompressobj(15 if has_header else -15)))
        return chosen[0](data) if chosen else iter(())

    return decode


def _inflate(inflater: Any) -> Decode:
    def decode(data: bytes) -> Iterator[bytes]:
        piece = inflater.decompress(data, PIECE_BYTES)
        while piece:
            yield piece
            piece = inflater.decompress(inflater.unconsumed_tail, PIECE_BYTES)

    return decode


def _brotli() -> Decode:
    inflater = _library(_BROTLI_MODULES).Decompressor()
    process = getattr(inflater, "decompress", None) or inflater.process

    def decode(data: bytes) -> Iterator[bytes]:
        piece = process(data, output_buffer_limit=PIECE_BYTES)
        while piece:
            yield piece
            piece = process(b"", output_buffer_limit=PIECE_BYTES)

    return decode


def _zstd() -> Decode:
    inflater = _library(_ZSTD_MODULES).ZstdDecompressor()

    def decode(data: bytes) -> Iterator[bytes]:
        piece = inflater.decompress(data, PIECE_BYTES)
        while piece:
            yield piece
            if inflater.eof:
                return
            piece = inflater.decompress(b"", PIECE_BYTES)

    return decode


def _unknown() -> Decode:
    raise UnknownEncoding("no decoder")


def _library(names: tuple[str, ...]) -> Any:
    for name in names:
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    raise UnknownEncoding(f"none of {', '.join(names)} is installed")


_DECODERS: dict[str, Callable[[], Decode]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}
