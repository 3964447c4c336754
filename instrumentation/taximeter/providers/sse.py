"""Turns bytes in any chunking into the data of server-sent events, for a reader."""

from __future__ import annotations

from taximeter.providers.base import Sink, check_size

_EVENT_ENDS = (b"\n\n", b"\r\n\r\n")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class EventStream:
    """Feed it chunks as they come; whole events reach the reader, an unfinished last one does not.

    Lines end in LF, CRLF or CR, and may be split anywhere. An event that arrives as exactly one
    chunk and that the reader skips costs a few searches and no copy.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._pieces: list[bytes] = []
        self._data: list[bytes] = []
        self._is_first_line = True
        self._buffered_bytes = 0

    def feed(self, chunk: bytes) -> None:
        if not self._buffered_bytes and chunk.endswith(_EVENT_ENDS):
            newlines = chunk.count(b"\n")
            is_one = newlines == 2 or (newlines == 3 and chunk.startswith(b"event:"))
            if is_one and self._sink.skips(chunk):
                return
        self._buffered_bytes += len(chunk)
        check_size(self._buffered_bytes)
        self._pieces.append(chunk)
        if b"\n" in chunk or b"\r" in chunk:
            lines = b"".join(self._pieces).splitlines(keepends=True)
            # A last line that ends in CR may be half of CRLF: it waits for the next chunk.
            self._pieces = [] if lines[-1].endswith(b"\n") else [lines.pop()]
            self._read_lines(lines)

    def finish(self) -> None:
        """The stream ended: a waiting CR was a whole line ending."""
        rest = b"".join(self._pieces)
        if rest.endswith(b"\r"):
            self._read_lines([rest])
        self._pieces = []

    def _read_lines(self, lines: list[bytes]) -> None:
        for line in lines:
            self._read_line(line.rstrip(b"\r\n"))
        self._buffered_bytes = sum(map(len, self._pieces)) + sum(map(len, self._data))

    def _read_line(self, line: bytes) -> None:
        if self._is_first_line:
            self._is_first_line = False
            line = line.removeprefix(_BYTE_ORDER_MARK)
        if line.startswith(b"data:"):
            self._data.append(line[5:].removeprefix(b" "))
        elif not line and self._data:
            data = b"\n".join(self._data)
            self._data = []
            if data and not self._sink.skips(data):
                self._sink.read_event(data)
