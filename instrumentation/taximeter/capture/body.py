"""Turns response bytes, as they pass, into what a reader can read: decoded, framed and bounded."""

from __future__ import annotations

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
    """Our copy of one response body."""

    def __init__(self, reader: Reader, content_type: str, decode: Decode | None = None) -> None:
        self.is_stream = content_type.startswith("text/event-stream")
        self._frames = EventStream(reader) if self.is_stream else WholeBody(reader)
        self._decode = decode

    def feed(self, chunk: bytes) -> None:
        """Read on. Raises TooLarge, or what the decoder raises: then the rest cannot be read."""
        if self._decode is None:
            self._frames.feed(chunk)
        else:
            for piece in self._decode(chunk):
                self._frames.feed(piece)

    def finish(self) -> None:
        """The response ended. Raises ValueError if it is not what its reader reads."""
        self._frames.finish()
