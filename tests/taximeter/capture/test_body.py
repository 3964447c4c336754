"""Our copy of a response: framed by content type, decoded, bounded, and harmless."""

from __future__ import annotations

import zlib

import pytest
from tests.taximeter.replay import recording

from taximeter import faults
from taximeter.capture.body import Body
from taximeter.capture.decoding import decoder
from taximeter.providers.base import MAX_BUFFERED_BYTES
from taximeter.providers.openai import ChatReader

JSON = recording("openai-chat-json").body


def test_a_body_that_is_not_json_says_so_at_its_end() -> None:
    body = Body(ChatReader(), "text/html")
    body.feed(b"<html>")
    with pytest.raises(ValueError, match="Expecting value"):
        body.finish()


def test_more_than_the_cap_is_not_held_and_is_counted() -> None:
    reader = ChatReader()
    body = Body(reader, "application/json")
    for _ in range(MAX_BUFFERED_BYTES // (1 << 20) + 1):
        body.feed(b" " * (1 << 20))
    body.feed(JSON)
    body.finish()
    assert not reader.facts.is_usage_known
    assert faults.counts() == {"unreadable response": 1}


def test_a_gzip_bomb_is_cut_off_at_the_cap() -> None:
    bomb = zlib.compress(bytes(4 * MAX_BUFFERED_BYTES), wbits=31)
    body = Body(ChatReader(), "application/json", decoder("gzip"))
    body.feed(bomb)
    assert faults.counts() == {"unreadable response": 1}


def test_a_long_stream_is_read_however_long_it_is() -> None:
    event = b'data: {"choices":[{"delta":{"content":"%s"},"finish_reason":null}]}\n\n' % bytes(
        b"x" * (1 << 20)
    )
    reader = ChatReader()
    body = Body(reader, "text/event-stream")
    for _ in range(12):
        body.feed(event)
    body.feed(recording("openai-chat-stream-usage").body)
    body.finish()
    assert reader.facts.input_tokens == 1312


def test_broken_compression_ends_the_reading_only() -> None:
    body = Body(ChatReader(), "application/json", decoder("gzip"))
    body.feed(b"not gzip")
    body.feed(b"at all")
    body.finish()
    assert faults.counts() == {"unreadable response": 1}
