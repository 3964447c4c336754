"""Turns response bytes, as they pass, into what a reader can read: decoded, framed and bounded."""

from __future__ import annotations

from taximeter import faults
from taximeter.capture.decoding import Decode
from taximeter.providers.base import Reader
from taximeter.providers.sse import EventStream

MAX_BUFFERED_BYTES = 8 * 1024 * 1024
"""The most we hold of one response; what would need more stays unread."""


class WholeBody:
    """Holds the body until it is complete: JSON can only be read then."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._chunks: list[bytes] = []
        self.buffered_bytes = 0

    def feed(self, chunk: bytes) -> None:
        self._chunks.append(chunk)
        self.buffered_bytes += len(chunk)

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
                self._feed(chunk)
            else:
                for piece in self._decode(chunk):
                    self._feed(piece)
        except Exception as error:
            self._is_open = False
            faults.report("unreadable response", error)

    def finish(self) -> None:
        """The response ended. Raises ValueError if it is not what its reader reads."""
        if self._is_open:
            self._is_open = False
            self._frames.finish()

    def _feed(self, plain: bytes) -> None:
        self._frames.feed(plain)
        if self._frames.buffered_bytes > MAX_BUFFERED_BYTES:
            self._frames = WholeBody(Reader())
            raise TooLarge


class TooLarge(Exception):
    """More than MAX_BUFFERED_BYTES would have to be held to read this response."""
