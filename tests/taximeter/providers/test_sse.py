"""Server-sent events, whatever their line endings and wherever they are cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from taximeter import faults
from taximeter.capture.body import Budget
from taximeter.providers.base import Reader
from taximeter.providers.sse import EventStream


class Events(Reader):
    """Keeps the data of every event."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[bytes] = []

    def read_event(self, data: bytes) -> None:
        self.seen.append(data)


def events(*chunks: bytes) -> list[bytes]:
    reader = Events()
    stream = EventStream(reader)
    for chunk in chunks:
        stream.feed(chunk)
    stream.finish()
    return reader.seen


def test_several_data_lines_are_one_event() -> None:
    assert events(b"event: x\ndata: a\ndata:b\nid: 1\nretry: 5\n\n") == [b"a\nb"]


def test_comments_and_empty_events_are_nothing() -> None:
    assert events(b": keep-alive\n\nid: 7\n\ndata:\n\n\n\ndata: a\n\n") == [b"a"]


def test_a_leading_byte_order_mark_is_dropped() -> None:
    assert events(b"\xef", b"\xbb\xbfda", b"ta: a\n\n") == [b"a"]


def test_an_unfinished_last_event_is_not_read() -> None:
    assert events(b"data: a\n\ndata: b\n") == [b"a"]


def test_only_one_space_after_the_colon_goes() -> None:
    assert events(b"data:  a \n\n") == [b" a "]


def test_cr_alone_ends_lines_to_the_very_end() -> None:
    assert events(b"data: a\r", b"\rdata: b\r\r") == [b"a", b"b"]


texts = st.text(
    st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), min_size=1, max_size=20
)


@given(
    st.lists(texts, max_size=8),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.lists(st.integers(min_value=1, max_value=40), min_size=1, max_size=9),
)
def test_any_line_ending_cut_anywhere_gives_the_same_events(
    payloads: list[str], end: str, sizes: list[int]
) -> None:
    wire = "".join(f"event: e{end}data: {payload}{end}{end}" for payload in payloads).encode()
    chunks: list[bytes] = []
    while wire:
        size = sizes[len(chunks) % len(sizes)]
        chunks.append(wire[:size])
        wire = wire[size:]
    assert events(*chunks) == [payload.encode() for payload in payloads]


class Skipping(Events):
    def skips(self, event: bytes) -> bool:
        return b"boring" in event


def test_a_skipped_event_does_not_take_its_neighbour_along() -> None:
    reader = Skipping()
    stream = EventStream(reader)
    for chunk in (
        b"data: boring\n\n",
        b"data: boring\n\ndata: a\n\n",
        b"event: x\ndata: boring\n\n",
        b"data: b\n\ndata: bor",
        b"ing\n\n",
    ):
        stream.feed(chunk)
    assert reader.seen == [b"a", b"b"]


class Failing(Events):
    def read_event(self, data: bytes) -> None:
        super().read_event(data)
        raise ValueError(data)


def test_an_event_that_cannot_be_read_does_not_stop_the_next() -> None:
    reader = Failing()
    EventStream(Budget(reader)).feed(b"data: a\n\ndata: b\n\n")
    assert reader.seen == [b"a", b"b"]
    assert faults.counts() == {"unreadable event": 2}
