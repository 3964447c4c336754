"""Turns response bytes, as they pass, into what a reader can read: decoded, framed and bounded."""

from __future__ import annotations

from collections.abc import Callable
from time import thread_time
from typing import Protocol

from taximeter import faults
from taximeter.capture.decoding import Decode
from taximeter.providers.aws_events import AwsEventStream
from taximeter.providers.base import Reader, check_size
from taximeter.providers.json_array import JsonArrayStream
from taximeter.providers.ndjson import LineStream
from taximeter.providers.sse import EventStream

MAX_PARSE_SECONDS = 0.010
"""The most work on one response: once it is spent, nothing more is read."""
_MOST_SECONDS_A_BYTE = 100e-9
_MOST_SECONDS_A_PAYLOAD = 50e-6
"""What takes longer is no work of ours, but a pause: the application's garbage is collected."""
_LINES = ("application/x-ndjson", "application/jsonl", "application/stream+json")


class TooSlow(ValueError):
    """Reading this response took more than MAX_PARSE_SECONDS."""


class Budget:
    """A reader whose work is timed, and whose faults end one event and not the stream."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._spent_seconds = 0.0
        self.skips = reader.skips

    def read_event(self, data: bytes) -> None:
        self._timed(len(data), faults.guarded, "unreadable event", self._reader.read_event, data)

    def unwrap(self, name: str, payload: bytes) -> bytes | None:
        return faults.guarded("unreadable event", self._reader.unwrap, name, payload)

    def read_failure(self, code: str) -> None:
        self._reader.read_failure(code)

    def read_body(self, body: bytes) -> None:
        self._timed(len(body), self._reader.read_body, body)

    def finish(self) -> None:
        faults.guarded("unreadable event", self._reader.finish)

    def _timed(self, size: int, work: Callable[..., object], *arguments: object) -> None:
        if self._spent_seconds > MAX_PARSE_SECONDS:
            raise TooSlow(f"{self._spent_seconds:.3f} s")
        started = thread_time()
        work(*arguments)
        most = _MOST_SECONDS_A_PAYLOAD + size * _MOST_SECONDS_A_BYTE
        self._spent_seconds += min(thread_time() - started, most)


class Frames(Protocol):
    """Cuts a response into what its reader reads."""

    def feed(self, chunk: bytes) -> None: ...

    def finish(self) -> None: ...


class WholeBody:
    """Holds the body until it is complete: JSON can only be read then."""

    def __init__(self, sink: Budget) -> None:
        self._sink = sink
        self._chunks: list[bytes] = []
        self._buffered_bytes = 0

    def feed(self, chunk: bytes) -> None:
        self._buffered_bytes += len(chunk)
        check_size(self._buffered_bytes)
        self._chunks.append(chunk)

    def finish(self) -> None:
        body = b"".join(self._chunks)
        if body:
            self._sink.read_body(body)


class Body:
    """Our copy of one response body."""

    def __init__(self, reader: Reader, content_type: str, decode: Decode | None = None) -> None:
        self._sink = Budget(reader)
        self._frames = _frames(self._sink, reader, content_type)
        self._decode = decode
        self.is_stream = not isinstance(self._frames, WholeBody)

    def feed(self, chunk: bytes) -> None:
        """Read on. Raises ValueError, or what the decoder raises: the rest cannot be read."""
        if self._decode is None:
            self._frames.feed(chunk)
        else:
            for piece in self._decode(chunk):
                self._frames.feed(piece)

    def finish(self) -> None:
        """The response ended. Raises ValueError if it is not what its reader reads."""
        self._frames.finish()
        self._sink.finish()


def _frames(sink: Budget, reader: Reader, content_type: str) -> Frames:
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == "text/event-stream":
        return EventStream(sink)
    if media_type == "application/vnd.amazon.eventstream":
        return AwsEventStream(sink)
    if media_type in _LINES:
        return LineStream(sink)
    if reader.STREAMS_ARRAY:
        return JsonArrayStream(sink)
    return WholeBody(sink)
