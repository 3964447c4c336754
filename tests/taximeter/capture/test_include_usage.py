"""Streams asked for their usage: the meter sees it, the application does not."""

from __future__ import annotations

import asyncio
import contextvars
import json
from collections.abc import Iterator
from typing import Any

import httpx
import httpx2
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

import taximeter
from taximeter import faults
from taximeter.capture.include_usage import _Filter
from tests.taximeter.capture.test_faults import failing, functions_called, functions_of
from tests.taximeter.conftest import Spans
from tests.taximeter.replay import recording

BODY = recording("openai-chat-stream-usage").body
*FIRST, USAGE, DONE = [event + b"\n\n" for event in BODY.split(b"\n\n") if event]
PLAIN = b"".join([*FIRST, DONE])
"""What the provider sends when nobody asks for usage."""
ASK = {"model": "gpt-5-mini", "stream": True, "messages": []}
URL = "https://api.openai.com/v1/chat/completions"


FILTER = ("_Inside.__init__", "_Filter.__init__", "_Filter.passed", "_is_added", "_hide")


class Provider:
    """OpenAI as it behaves: usage comes in a stream only if the request asks for it."""

    def __init__(self, library: Any = httpx2) -> None:
        self.requests: list[Any] = []
        self._library = library

    def __call__(self, request: Any) -> Any:
        self.requests.append(request)
        asked = json.loads(request.content or b"{}").get("stream_options", {})
        events = [*FIRST, USAGE, DONE] if asked.get("include_usage") else [*FIRST, DONE]
        return self._library.Response(
            200, headers={"content-type": "text/event-stream"}, content=iter(events)
        )

    @property
    def sent(self) -> dict[str, Any]:
        (request,) = self.requests
        body: dict[str, Any] = json.loads(request.content)
        return body


@pytest.fixture
def asking(spans: Spans) -> Iterator[Spans]:
    taximeter.instrument(tracer_provider=spans.provider, stream_usage="request")
    yield spans
    taximeter.uninstrument()


def call(provider: Provider, url: str = URL, library: Any = httpx2, **options: Any) -> bytes:
    transport = library.MockTransport(provider)
    with (
        library.Client(transport=transport) as client,
        client.stream("POST", url, **{"json": ASK, **options}) as response,
    ):
        body: bytes = response.read()
        return body


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_the_meter_sees_the_usage_and_the_application_does_not(asking: Spans, library: Any) -> None:
    provider = Provider(library)
    assert call(provider, library=library) == PLAIN
    assert provider.sent == {**ASK, "stream_options": {"include_usage": True}}
    assert asking.attributes()["gen_ai.usage.input_tokens"] == 1312
    assert asking.attributes()["taximeter.usage_status"] == "reported"


def test_by_default_a_request_is_left_alone(spans: Spans) -> None:
    taximeter.instrument(tracer_provider=spans.provider)
    provider = Provider()
    assert call(provider) == PLAIN
    taximeter.uninstrument()
    assert provider.sent == ASK
    assert spans.attributes()["taximeter.usage_status"] == "missing"


def test_the_async_client_is_asked_for_alike(asking: Spans) -> None:
    async def stream() -> bytes:
        async def events() -> Any:
            for event in [*FIRST, USAGE, DONE]:
                yield event

        transport = httpx2.MockTransport(
            lambda _: httpx2.Response(
                200, headers={"content-type": "text/event-stream"}, content=events()
            )
        )
        async with (
            httpx2.AsyncClient(transport=transport) as client,
            client.stream("POST", URL, json=ASK) as response,
        ):
            return await response.aread()

    assert asyncio.run(stream()) == PLAIN
    assert asking.attributes()["gen_ai.usage.input_tokens"] == 1312


def test_the_sdk_yields_the_same_chunks_as_without_us(asking: Spans) -> None:
    def chunks() -> list[Any]:
        client = openai.OpenAI(
            api_key="k",
            http_client=httpx2.Client(transport=httpx2.MockTransport(Provider())),
        )
        with client:
            return list(client.chat.completions.create(model="m", messages=[], stream=True))

    with_us = chunks()
    taximeter.uninstrument()
    assert with_us == chunks()
    assert all(chunk.usage is None for chunk in with_us)


def test_the_application_s_own_request_is_unchanged(asking: Spans) -> None:
    provider = Provider()
    with httpx2.Client(transport=httpx2.MockTransport(provider)) as client:
        request = client.build_request("POST", URL, json=ASK)
        response = client.send(request, stream=True)
        assert response.request is request
        response.close()
    assert json.loads(request.content) == ASK
    assert provider.requests[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    "options",
    [{"include_usage": True}, {"include_usage": False}],
    ids=["asked already", "declined"],
)
def test_what_the_application_has_chosen_stays(asking: Spans, options: dict[str, bool]) -> None:
    provider = Provider()
    body = {**ASK, "stream_options": options}
    expected = BODY if options["include_usage"] else PLAIN
    assert call(provider, json=body) == expected
    assert provider.sent == body
    assert faults.counts() == {}


def test_other_stream_options_are_kept(asking: Spans) -> None:
    provider = Provider()
    call(provider, json={**ASK, "stream_options": {"include_obfuscation": False}})
    assert provider.sent["stream_options"] == {
        "include_obfuscation": False,
        "include_usage": True,
    }


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("https://api.mistral.ai/v1/chat/completions", {}),
        (URL, {"authorization": "AWS4-HMAC-SHA256 Credential=x"}),
        (URL, {"content-digest": "sha-256=:x:"}),
        (URL, {"content-encoding": "gzip"}),
    ],
    ids=["untested provider", "signed by AWS", "digest", "encoded"],
)
def test_what_cannot_be_changed_safely_is_left_and_counted(
    asking: Spans, url: str, headers: dict[str, str]
) -> None:
    provider = Provider()
    headers = {"content-type": "application/json", **headers}
    assert call(provider, url, json=None, content=json.dumps(ASK), headers=headers) == PLAIN
    assert provider.sent == ASK
    assert faults.counts() == {"stream usage": 1}


def test_an_answer_that_is_encoded_all_the_same_is_passed_on_whole(asking: Spans) -> None:
    def provider(_: Any) -> httpx2.Response:
        headers = {"content-type": "text/event-stream", "content-encoding": "x-none"}
        return httpx2.Response(200, headers=headers, content=iter([BODY]))

    with (
        httpx2.Client(transport=httpx2.MockTransport(provider)) as client,
        client.stream("POST", URL, json=ASK) as response,
    ):
        assert b"".join(response.iter_raw()) == BODY
    assert "stream usage" in faults.counts()


def filtered(data: bytes, sizes: list[int]) -> bytes:
    events, out, position = _Filter(), b"", 0
    for size in [*sizes, len(data)]:
        out += events.passed(data[position : position + size])
        position += size
    return out + events.rest()


@given(st.lists(st.integers(1, 200), max_size=40))
def test_the_event_is_taken_out_however_the_stream_is_cut(sizes: list[int]) -> None:
    assert filtered(BODY, sizes) == PLAIN


@given(st.lists(st.integers(1, 200), max_size=40))
def test_line_endings_of_the_other_kind_are_understood(sizes: list[int]) -> None:
    assert filtered(BODY.replace(b"\n", b"\r\n"), sizes) == PLAIN.replace(b"\n", b"\r\n")


def test_an_empty_choice_list_without_usage_is_no_added_event() -> None:
    first = b'data: {"choices":[],"prompt_filter_results":[{}],"usage":null}\n\n'
    assert filtered(first + BODY, [7]) == first + PLAIN


def test_an_event_without_end_is_not_held_for_ever() -> None:
    events = _Filter()
    long = b'data: {"choices": [] ' + b"x" * 70_000
    assert events.passed(long) == long
    assert events.passed(USAGE) == USAGE
    assert faults.counts() == {"stream usage": 1}


def test_whatever_fails_while_asking_the_application_gets_no_exception(asking: Spans) -> None:
    with functions_called() as codes:
        call(Provider())
    for function in functions_of(codes):
        with failing(function):
            # In a context of its own, because `leave` is one of those that fail.
            got = contextvars.copy_context().run(call, Provider())
        # Only a filter that fails itself lets the event through that it was to hold back.
        assert got == (BODY if function.__qualname__ in FILTER else PLAIN), function.__qualname__
