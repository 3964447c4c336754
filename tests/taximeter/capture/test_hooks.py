"""The methods that are replaced: once, late imports included, and put back as they were."""

from __future__ import annotations

import contextvars
import subprocess
import sys

import httpx
import httpx2
import pytest
from opentelemetry.instrumentation.utils import (
    suppress_http_instrumentation,
    suppress_instrumentation,
)

import taximeter
from taximeter.capture import hooks
from tests.taximeter.conftest import Spans
from tests.taximeter.replay import recording

BODY = recording("openai-chat-json").body
CHAT = "https://api.openai.com/v1/chat/completions"


def mocked() -> httpx2.Client:
    return httpx2.Client(
        transport=httpx2.MockTransport(lambda request: httpx2.Response(200, content=BODY))
    )


def test_uninstrument_restores_the_originals() -> None:
    methods = [
        (client, name)
        for library in (httpx, httpx2)
        for client in (library.Client, library.AsyncClient)
        for name in ("send", "_build_redirect_request")
    ]
    before = [getattr(client, name) for client, name in methods]
    taximeter.instrument(propagate_to="b.internal")
    assert len(hooks.hooked()) >= 4
    taximeter.uninstrument()
    assert [getattr(client, name) for client, name in methods] == before
    assert hooks.hooked() == []


def test_instrument_twice_is_once(metered: Spans) -> None:
    taximeter.instrument(tracer_provider=metered.provider)
    mocked().post(CHAT, json={})
    assert len(metered.all()) == 1


def test_a_wrapper_put_on_top_of_ours_survives(
    spans: Spans, monkeypatch: pytest.MonkeyPatch
) -> None:
    taximeter.instrument(tracer_provider=spans.provider)
    ours = httpx2.Client.send
    monkeypatch.setattr(httpx2.Client, "send", lambda *args, **kwargs: ours(*args, **kwargs))
    taximeter.uninstrument()
    assert mocked().post(CHAT, json={}).content == BODY
    assert spans.all() == []


@pytest.mark.parametrize("suppress", [suppress_instrumentation, suppress_http_instrumentation])
def test_a_suppressed_context_is_left_alone(metered: Spans, suppress: object) -> None:
    assert callable(suppress)
    with suppress():
        mocked().post(CHAT, json={})
    assert metered.all() == []


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("GET", CHAT),
        ("POST", "https://api.openai.com/v1/files"),
        ("POST", "https://example.com/v1/chat/completions"),
    ],
)
def test_what_calls_no_model_is_left_alone(metered: Spans, method: str, url: str) -> None:
    mocked().request(method, url)
    assert metered.all() == []


def test_a_client_that_passes_the_request_on_counts_once(metered: Spans) -> None:
    inner = mocked()
    outer = httpx2.Client(transport=httpx2.MockTransport(inner.send))
    outer.post(CHAT, json={})
    assert len(metered.all()) == 1


def test_a_library_imported_later_is_hooked_and_none_is_imported_for_it() -> None:
    code = (
        "import sys, taximeter; taximeter.instrument(); assert 'httpx2' not in sys.modules;"
        "assert 'httpx' not in sys.modules; import httpx2;"
        "from taximeter.capture import hooks; print(hooks.hooked())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['httpx2.Client.send', 'httpx2.AsyncClient.send']"


def test_what_is_begun_while_a_request_is_sent_is_metered_afterwards(metered: Spans) -> None:
    inherited: list[contextvars.Context] = []

    def handle(request: httpx2.Request) -> httpx2.Response:
        inherited.append(contextvars.copy_context())
        return httpx2.Response(200, content=BODY)

    httpx2.Client(transport=httpx2.MockTransport(handle)).post(CHAT, json={})
    inherited[0].run(mocked().post, CHAT, json={})
    assert len(metered.all()) == 2
