"""Turns files, gzipped or not, into their numbered lines, one at a time."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from taximeter_processor.errors import TaximeterError

MOST_BYTES: Final = 64 << 20
"""A longer line is cut off there, and so is no JSON any more."""
_GZIP: Final = b"\x1f\x8b"


class Line(NamedTuple):
    """One line that is not blank, and how much of its file has been read with it."""

    path: Path
    number: int
    data: bytes
    position: int


def lines_of(path: Path) -> Iterator[Line]:
    """The lines of one file. Raises `TaximeterError` when it cannot be read to its end."""
    try:
        with path.open("rb") as raw:
            is_gzip = raw.read(2) == _GZIP
            raw.seek(0)
            content = gzip.GzipFile(fileobj=raw) if is_gzip else raw
            for number, data in enumerate(_split(content.readline), start=1):
                if stripped := data.strip():
                    yield Line(path, number, stripped, raw.tell())
    except (OSError, EOFError, zlib.error) as error:
        raise TaximeterError(f"{path}: {getattr(error, 'strerror', None) or error}") from error


def _split(read_line: Callable[[int], bytes]) -> Iterator[bytes]:
    while data := read_line(MOST_BYTES):
        yield data
        while len(data) == MOST_BYTES and not data.endswith(b"\n"):
            data = read_line(MOST_BYTES)
