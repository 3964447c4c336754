"""Lines, JSON arrays and AWS frames, wherever they are cut."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taximeter.providers.aws_events import AwsEventStream, BadFrame
from taximeter.providers.base import MAX_BUFFERED_BYTES, Reader, TooLarge
from taximeter.providers.json_array import JsonArrayStream
from taximeter.providers.ndjson import LineStream
from tests.taximeter.providers.reading import cut, frame, framed

sizes = st.lists(st.integers(min_value=1, max_value=40), min_size=1, max_size=9)
values = st.recursive(
    st.none() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
objects = st.lists(st.dictionaries(st.text(), values, max_size=3), max_size=6)


class Seen(Reader):
    """Keeps what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[bytes] = []
        self.frames: list[tuple[str, bytes]] = []
        self.failures: list[str] = []

    def read_event(self, data: bytes) -> None:
        self.events.append(data)

    def unwrap(self, name: str, payload: bytes) -> bytes | None:
        self.frames.append((name, payload))
        return None

    def read_failure(self, code: str) -> None:
        self.failures.append(code)


@given(objects, sizes, st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_lines_cut_anywhere_are_the_same_events(
    bodies: list[dict[str, object]], sizes: list[int], end: str, is_ended: bool
) -> None:
    seen = Seen()
    lines = LineStream(seen)
    wire = end.join(json.dumps(body) for body in bodies) + (end if is_ended else "")
    for chunk in cut(wire.encode(), sizes):
        lines.feed(chunk)
    lines.finish()
    assert [json.loads(event) for event in seen.events] == bodies


def test_a_line_that_was_cut_off_is_no_event() -> None:
    seen = Seen()
    lines = LineStream(seen)
    lines.feed(b'{"a":1}\n{"b":')
    lines.finish()
    assert seen.events == [b'{"a":1}']


def test_a_line_without_end_is_not_held() -> None:
    lines = LineStream(Seen())
    lines.feed(b"x" * MAX_BUFFERED_BYTES)
    with pytest.raises(TooLarge):
        lines.feed(b"x")


@given(objects, sizes, st.booleans(), st.sampled_from([None, 1]))
def test_an_array_cut_anywhere_has_the_same_elements(
    bodies: list[dict[str, object]], sizes: list[int], is_ascii: bool, indent: int | None
) -> None:
    seen = Seen()
    array = JsonArrayStream(seen)
    for chunk in cut(json.dumps(bodies, ensure_ascii=is_ascii, indent=indent).encode(), sizes):
        array.feed(chunk)
    array.finish()
    assert [element for event in seen.events for element in json.loads(event)] == bodies


def test_elements_are_delivered_as_they_come() -> None:
    seen = Seen()
    array = JsonArrayStream(seen)
    for chunk in (b'[{"a":"]}"}', b'\n,\r\n{"b":[1', b"]}", b"\n]"):
        array.feed(chunk)
    assert seen.events == [b'[{"a":"]}"}]', b'[{"b":[1]}]']


def test_a_lone_object_where_an_array_was_due_is_an_event() -> None:
    seen = Seen()
    array = JsonArrayStream(seen)
    for chunk in (b'{"error":{"code":4', b'29},"x":{}', b"}\n"):
        array.feed(chunk)
    assert seen.events == [b'[{"error":{"code":429},"x":{}}]']


frames = st.lists(st.tuples(st.sampled_from(["chunk", "metadata"]), st.binary(max_size=90)))


@given(frames, sizes)
def test_frames_cut_anywhere_are_the_same(sent: list[tuple[str, bytes]], sizes: list[int]) -> None:
    seen = Seen()
    stream = AwsEventStream(seen)
    wire = b"".join(
        frame(payload, event_type=name, content_type="application/json", message_type="event")
        for name, payload in sent
    )
    for chunk in cut(wire, sizes):
        stream.feed(chunk)
    stream.finish()
    assert seen.frames == sent


def test_an_exception_and_an_error_frame_are_failures() -> None:
    seen = Seen()
    stream = AwsEventStream(seen)
    stream.feed(frame(b"{}", message_type="exception", exception_type="throttlingException"))
    stream.feed(frame(b"", message_type="error", error_code="500"))
    assert seen.failures == ["throttlingException", "500"]
    assert not seen.frames


@given(st.integers(min_value=0, max_value=200), st.integers(min_value=1, max_value=255))
def test_a_damaged_frame_is_never_read(at: int, flip: int) -> None:
    wire = bytearray(frame(b'{"x":1}', event_type="chunk", message_type="event"))
    wire[at % len(wire)] ^= flip
    seen = Seen()
    stream = AwsEventStream(seen)
    # A length that became greater waits for the rest; anything else is an error.
    with contextlib.suppress(BadFrame, TooLarge):
        stream.feed(bytes(wire))
    assert not seen.frames


@given(st.binary(max_size=300), sizes)
def test_noise_raises_nothing_but_value_errors(noise: bytes, sizes: list[int]) -> None:
    for frames in (AwsEventStream(Seen()), JsonArrayStream(Seen()), LineStream(Seen())):
        try:
            for chunk in cut(noise, sizes):
                frames.feed(chunk)
            frames.finish()
        except ValueError:
            pass


def test_header_types_other_than_strings_are_passed_over() -> None:
    seen = Seen()
    odd = b"\x01a\x00\x01b\x02\x07\x01c\x06\x00\x02xy\x01d\x08" + bytes(8)
    stream = AwsEventStream(seen)
    stream.feed(framed(odd + b"\x0b:event-type\x07\x00\x05chunk", b"{}"))
    assert seen.frames == [("chunk", b"{}")]


@pytest.mark.parametrize("headers", [b"\x09ab", b"\x01a\x0b", b"\x01a\x07\x00", b"\x01\xff\x07"])
def test_headers_that_are_none_are_a_bad_frame(headers: bytes) -> None:
    with pytest.raises(BadFrame):
        AwsEventStream(Seen()).feed(framed(headers, b""))
