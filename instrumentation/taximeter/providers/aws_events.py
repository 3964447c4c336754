"""Turns bytes in any chunking of an AWS event stream into the events in its frames, for a reader.

A frame, big-endian: total length, headers length, CRC-32 of these eight bytes; headers; payload;
CRC-32 of all before. A header: length of the name, name, type (7 is a string), length, value.
"""

from __future__ import annotations

import struct
import zlib
from functools import lru_cache
from typing import NamedTuple

from taximeter.providers.base import Sink, check_size

_PRELUDE = struct.Struct(">III")
_CRC = struct.Struct(">I")
_SHORT = struct.Struct(">H")
_LEAST_FRAME = _PRELUDE.size + _CRC.size
_STRING = 7
_FIXED_BYTES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Values of the other header types, by type; 6 and 7 tell their length."""


class BadFrame(ValueError):
    """The bytes are not an AWS event stream, or were damaged: nothing after them can be read."""


class _Name(NamedTuple):
    is_failure: bool
    name: str


class AwsEventStream:
    """Feed it chunks as they come; whole frames reach the reader, an unfinished last one does not.

    Raises BadFrame on damage.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._pieces: list[bytes] = []
        self._buffered_bytes = 0
        self._wanted_bytes = _LEAST_FRAME

    def feed(self, chunk: bytes) -> None:
        self._pieces.append(chunk)
        self._buffered_bytes += len(chunk)
        if self._buffered_bytes < self._wanted_bytes:
            return
        data = b"".join(self._pieces)
        at = 0
        while len(data) - at >= _LEAST_FRAME:
            end = at + self._frame_bytes(data, at)
            if end > len(data):
                break
            self._read(data[at:end])
            at = end
        self._hold(data[at:])

    def finish(self) -> None:
        """The stream ended: an unfinished last frame is not read."""

    def _hold(self, rest: bytes) -> None:
        self._pieces = [rest] if rest else []
        self._buffered_bytes = len(rest)
        # So that a long frame in many chunks is joined once, not with every chunk.
        has_prelude = len(rest) >= _LEAST_FRAME
        self._wanted_bytes = self._frame_bytes(rest, 0) if has_prelude else _LEAST_FRAME

    def _frame_bytes(self, data: bytes, at: int) -> int:
        size, headers_size, checksum = _PRELUDE.unpack_from(data, at)
        if zlib.crc32(data[at : at + 8]) != checksum or size < _LEAST_FRAME + headers_size:
            raise BadFrame("prelude")
        check_size(size)
        return int(size)

    def _read(self, frame: bytes) -> None:
        end = len(frame) - _CRC.size
        if zlib.crc32(frame[:end]) != _CRC.unpack_from(frame, end)[0]:
            raise BadFrame("checksum")
        start = _PRELUDE.size + _PRELUDE.unpack_from(frame)[1]
        name = _name_in(frame[_PRELUDE.size : start])
        if name.is_failure:
            self._sink.read_failure(name.name)
        else:
            event = self._sink.unwrap(name.name, frame[start:end])
            if event is not None and not self._sink.skips(event):
                self._sink.read_event(event)


@lru_cache(maxsize=256)
def _name_in(headers: bytes) -> _Name:
    """What the headers call the frame: few different ones come, so they are kept."""
    try:
        values = _strings(headers)
    except (IndexError, KeyError, struct.error, UnicodeDecodeError) as error:
        raise BadFrame("headers") from error
    kind = values.get(":message-type", "event")
    if kind == "event":
        return _Name(False, values.get(":event-type", ""))
    return _Name(True, values.get(":exception-type") or values.get(":error-code", ""))


def _strings(headers: bytes) -> dict[str, str]:
    values: dict[str, str] = {}
    at = 0
    while at < len(headers):
        name_end = at + 1 + headers[at]
        name, kind = headers[at + 1 : name_end].decode(), headers[name_end]
        at = name_end + 1
        if kind in _FIXED_BYTES:
            at += _FIXED_BYTES[kind]
            continue
        if kind not in (6, _STRING):
            raise KeyError(kind)
        (size,) = _SHORT.unpack_from(headers, at)
        at += _SHORT.size
        if kind == _STRING:
            values[name] = headers[at : at + size].decode()
        at += size
    return values
