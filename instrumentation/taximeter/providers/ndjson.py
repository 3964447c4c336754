"""Turns bytes in any chunking into lines of JSON, for a reader."""

from __future__ import annotations

from taximeter.providers.base import Sink, check_size


class LineStream:
    """Feed it chunks as they come; each line is an event, an unfinished last one too."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._pieces: list[bytes] = []
        self._buffered_bytes = 0

    def feed(self, chunk: bytes) -> None:
        head, newline, rest = chunk.rpartition(b"\n")
        if newline:
            lines = b"".join((*self._pieces, head)).split(b"\n")
            self._pieces = []
            self._buffered_bytes = 0
            for line in lines:
                self._read_line(line)
        if rest:
            self._buffered_bytes += len(rest)
            check_size(self._buffered_bytes)
            self._pieces.append(rest)

    def finish(self) -> None:
        """The stream ended: the last line need not end in a newline."""
        self._read_line(b"".join(self._pieces))
        self._pieces = []

    def _read_line(self, line: bytes) -> None:
        data = line.strip()
        # A line that was cut off is no JSON object, and nothing is wrong with it.
        if data.endswith(b"}") and not self._sink.skips(data):
            self._sink.read_event(data)
