"""Turns bytes in any chunking of one JSON array into its elements, for a reader."""

from __future__ import annotations

import re

from taximeter.providers.base import Sink, check_size

_STRINGS = re.compile(
    rb'"[^"\\]*(?:\\.[^"\\]*)*"|("[^"\\]*(?:\\.[^"\\]*)*\\?\Z)',
    re.DOTALL,
)
"""Strings, and as a group the one that the chunk breaks off in."""


class JsonArrayStream:
    """Feed it chunks as they come; one event is what of the array came since the last, `[` to `]`.

    Elements are not told apart: whenever the bytes so far end between two elements, those since
    the last such end are an event. A single object instead of an array is an event too.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._pieces: list[bytes] = []
        self._buffered_bytes = 0
        self._depth = 0
        self._between: int | None = None
        """The depth between two elements: 1 in an array, 0 around a lone object."""
        self._opening = b""
        """What of a string the last chunk broke off in: its quote, and a backslash at the end."""

    def feed(self, chunk: bytes) -> None:
        self._buffered_bytes += len(chunk)
        check_size(self._buffered_bytes)
        self._pieces.append(chunk)
        self._follow(chunk)
        if self._between is None and (begun := b"".join(self._pieces).lstrip()):
            self._between = 1 if begun.startswith(b"[") else 0
        if self._between is not None and self._depth <= self._between and not self._opening:
            self._deliver()

    def finish(self) -> None:
        """The stream ended: what is not between two elements is not read."""

    def _follow(self, chunk: bytes) -> None:
        outside = _STRINGS.sub(rb"\1", self._opening + chunk)
        opened = outside.find(b'"')
        self._opening = b""
        if opened >= 0:
            string, outside = outside[opened:], outside[:opened]
            slashes = len(string) - len(string.rstrip(b"\\"))
            self._opening = b'"\\' if slashes % 2 else b'"'
        opening = outside.count(b"{") + outside.count(b"[")
        self._depth += opening - outside.count(b"}") - outside.count(b"]")

    def _deliver(self) -> None:
        elements = b"".join(self._pieces).strip(b", \t\r\n").removeprefix(b"[")
        if self._depth <= 0:
            elements = elements.removesuffix(b"]")
        self._pieces = []
        self._buffered_bytes = 0
        if elements.strip():
            data = b"[%s]" % elements
            if not self._sink.skips(data):
                self._sink.read_event(data)
