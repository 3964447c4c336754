"""Refuses a body that would become far larger as objects, before anything is made of it.

Two bytes are enough for an empty span or object, which takes a hundred in memory. What real
exporters send never comes near these bounds; small bodies cannot do harm and are not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

from taximeter_processor.errors import BadRequest
from taximeter_processor.ingest.decoded import MOST_SPANS, check_span_count

HARMLESS_BYTES: Final = 1 << 20
MOST_VALUES: Final = 2_000_000
"""Attributes of protobuf, or values of JSON, in a body."""
MOST_GROUPS: Final = 500_000
"""Resources, scopes and their attributes in a body of protobuf."""

_ATTRIBUTE_OF_SPAN: Final = (b"\x4a", b"\xca")
"""How the tag of field 9 begins, in the shortest encoding and in any longer one."""
_SCALAR_WIDTHS: Final = {1: 8, 5: 4}
_LENGTH_DELIMITED: Final = 2
_SPAN: Final = 0x12
_TOKEN: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[{\[,]', re.DOTALL)
"""A text, or a mark outside of texts: a real attribute has nine of them."""
MOST_TOKENS: Final = 2 * MOST_VALUES


def check_protobuf(body: bytes) -> None:
    """Raises `BadRequest` 413 for too many parts and 400 for what is no protobuf."""
    if len(body) <= HARMLESS_BYTES:
        return
    # Their tags may stand for other things as well, but no attribute is without.
    if sum(map(body.count, _ATTRIBUTE_OF_SPAN)) > MOST_VALUES:
        raise _too_many()
    try:
        _walk(body)
    except IndexError:
        raise BadRequest(400, "malformed_protobuf", "no OTLP trace export: cut short") from None


def _walk(body: bytes) -> None:
    """Count groups and spans; the spans' own fields are skipped."""
    groups = spans = 0
    for number, at, end in _fields(body, 0, len(body)):
        groups += 1
        _check_groups(groups)
        if number != 1:
            continue
        for inner, inner_at, inner_end in _fields(body, at, end):
            groups += 1
            if inner == 1:  # the resource: its attributes
                for _ in _fields(body, inner_at, inner_end):
                    groups += 1
                    _check_groups(groups)
            elif inner == 2:
                found, others = _spans(body, inner_at, inner_end)
                spans += found
                groups += others
                check_span_count(spans)
            _check_groups(groups)


def _spans(body: bytes, at: int, end: int) -> tuple[int, int]:
    """(spans, other fields) of a scope, which is nearly all spans of a few hundred bytes."""
    spans = others = 0
    while at < end and spans <= MOST_SPANS and others <= MOST_GROUPS:
        if body[at] == _SPAN and body[at + 2] < 0x80 <= body[at + 1]:
            at += 3 + (body[at + 1] & 0x7F | body[at + 2] << 7)
            spans += 1
            continue
        number, _, at = next(_fields(body, at, end))
        spans += number == 2
        others += number != 2
    if at > end:
        raise IndexError
    return spans, others


def _check_groups(groups: int) -> None:
    if groups > MOST_GROUPS:
        raise _too_many()


def _fields(body: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """(number, start, end) of each field of a message; `IndexError` when it is cut short."""
    while at < end:
        tag, at = _varint(body, at)
        wire = tag & 7
        size = _SCALAR_WIDTHS.get(wire, 0)
        if wire == _LENGTH_DELIMITED:
            size, at = _varint(body, at)
        elif wire == 0:
            _, at = _varint(body, at)
        elif not size:
            raise BadRequest(400, "malformed_protobuf", f"no OTLP trace export: wire type {wire}")
        if at + size > end:
            raise IndexError
        yield tag >> 3, at, at + size
        at += size


def _varint(body: bytes, at: int) -> tuple[int, int]:
    """(value, where it ends)."""
    value = body[at]
    if value < 0x80:
        return value, at + 1
    value, shift = value & 0x7F, 7
    for after in range(at + 1, at + 10):
        byte = body[after]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, after + 1
        shift += 7
    raise IndexError


def check_json(body: bytes) -> None:
    """Raises `BadRequest` 413 for too many values."""
    if len(body) <= HARMLESS_BYTES:
        return
    # At least one for each value but the first; texts may hold any number, so a second look tells.
    if sum(map(body.count, (b"{", b"[", b","))) <= MOST_VALUES:
        return
    if sum(1 for _ in islice(_TOKEN.finditer(body), MOST_TOKENS + 1)) > MOST_TOKENS:
        raise _too_many()


def _too_many() -> BadRequest:
    return BadRequest(413, "too_many_values", f"the body has more than {MOST_VALUES} values")
