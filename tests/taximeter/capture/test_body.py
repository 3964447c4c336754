"""Our copy of a response: framed by content type, decoded, bounded, and harmless."""

from __future__ import annotations

import gzip

import pytest

from taximeter.capture.body import Body
from taximeter.capture.decoding import decoder
from taximeter.providers.base import MAX_BUFFERED_BYTES, TooLarge
from taximeter.providers.openai import ChatReader
from tests.taximeter.replay import recording


def test_a_body_that_is_not_json_says_so_at_its_end() -> None:
    body = Body(ChatReader(), "text/html")
    body.feed(b"<html>")
    with pytest.raises(ValueError, match="Expecting value"):
        body.finish()


def test_more_than_the_cap_is_not_held() -> None:
    body = Body(ChatReader(), "application/json")
    body.feed(b" " * MAX_BUFFERED_BYTES)
    with pytest.raises(TooLarge):
        body.feed(b" ")


def test_a_gzip_bomb_is_cut_off_at_the_cap() -> None:
    bomb = gzip.compress(bytes(4 * MAX_BUFFERED_BYTES))
    body = Body(ChatReader(), "application/json", decoder("gzip"))
    with pytest.raises(TooLarge):
        body.feed(bomb)


def test_a_long_stream_is_read_however_long_it_is() -> None:
    words = b"x" * (1 << 20)
    event = (
        b'data: {"id":"1","model":"m","choices":[{"delta":{"content":"%s"},"finish_reason":null}]}\n\n'
        % words
    )
    reader = ChatReader()
    body = Body(reader, "text/event-stream")
    for _ in range(12):
        body.feed(event)
    body.feed(recording("openai-chat-stream-usage").body)
    body.finish()
    assert reader.facts.input_tokens == 1312
