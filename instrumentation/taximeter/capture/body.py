"""Turns response bytes, as they pass, into what a reader can read: decoded, framed and bounded."""

from __future__ import annotations

from taximeter import faults
from taximeter.capture.decoding import Decode
from taximeter.providers.base import Reader, check_size
from taximeter.providers.sse import EventStream


class WholeBody:
    """Holds the body until it is complete: JSON can only be read then."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._chunks: list[bytes] = []
        self._buffered_bytes = 0

    def feed(self, chunk: bytes) -> None:
        self._buffered_bytes += len(chunk)
        check_size(self._buffered_bytes)
        self._chunks.append(chunk)

    def finish(self) -> None:
        body = b"".join(self._chunks)
        if body:
            self._reader.read_body(body)


class Body:
    """Our copy of one response body. A fault here ends the reading, never the response."""

    def __init__(self, reader: Reader, content_type: str, decode: Decode | None = None) -> None:
        is_stream = content_type.startswith("text/event-stream")
        self._frames = EventStream(reader) if is_stream else WholeBody(reader)
        self._decode = decode
        self._is_open = True

    def feed(self, chunk: bytes) -> None:
        if not self._is_open:
            return
        try:
            if self._decode is None:
                self._frames.feed(chunk)
            else:
                for piece in self._decode(chunk):
                    self._frames.feed(piece)
        except Exception as error:
            self._is_open = False
            del self._frames
            faults.report("unreadable response", error)

    def finish(self) -> None:
        """The response ended. Raises ValueError if it is not what its reader reads."""
        if self._is_open:
            self._is_open = False
            self._frames.finish()
