"""Our copy of a response: framed by content type, decoded, bounded, and harmless."""

from __future__ import annotations

import gzip

import pytest

from taximeter.capture.body import Body, TooSlow
from taximeter.capture.decoding import decoder
from taximeter.providers.base import MAX_BUFFERED_BYTES, Reader, TooLarge
from taximeter.providers.bedrock import ConverseReader
from taximeter.providers.gemini import GenerateReader, GenerateStreamReader
from taximeter.providers.ollama import OllamaReader
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
    choice = b'{"delta":{"content":"%s"},"finish_reason":null}' % words
    event = b'data: {"id":"1","model":"m","choices":[%s]}\n\n' % choice
    reader = ChatReader()
    body = Body(reader, "text/event-stream")
    for _ in range(12):
        body.feed(event)
    body.feed(recording("openai-chat-stream-usage").body)
    body.finish()
    assert reader.facts.input_tokens == 1312


@pytest.mark.parametrize(
    ("reader", "content_type", "is_stream"),
    [
        (ChatReader, "text/event-stream; charset=utf-8", True),
        (ChatReader, "application/json", False),
        (OllamaReader, "application/x-ndjson", True),
        (ConverseReader, "application/vnd.amazon.eventstream", True),
        (GenerateReader, "application/json", False),
        (GenerateStreamReader, "application/json; charset=UTF-8", True),
    ],
)
def test_the_content_type_and_the_reader_tell_a_stream(
    reader: type[Reader], content_type: str, is_stream: bool
) -> None:
    assert Body(reader(), content_type).is_stream is is_stream


def test_a_response_that_takes_too_much_work_is_read_no_further() -> None:
    dense = b'data: {"choices":[%s1]}\n\n' % (b"[],{}," * 20_000)
    body = Body(ChatReader(), "text/event-stream")
    with pytest.raises(TooSlow):
        body.feed(dense * 40)


def test_megabytes_without_usage_at_an_end_are_not_parsed() -> None:
    body = Body(ChatReader(), "application/json")
    body.feed(b'{"data":[%s1]}' % (b"0.125," * 400_000))
    with pytest.raises(TooLarge):
        body.finish()
