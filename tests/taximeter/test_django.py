"""The Django middleware, in a real Django site, served by WSGI and by ASGI."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import django
import pytest
from asgiref.testing import ApplicationCommunicator
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import override_settings
from django.urls import path

import taximeter
from tests.taximeter.tagged import FOUND, HEADERS, now

_Communicator: Any = ApplicationCommunicator  # it has no types
seen: list[dict[str, str]] = []


def plain(request: HttpRequest) -> HttpResponse:
    return HttpResponse(json.dumps(now()))


async def asynchronous(request: HttpRequest) -> HttpResponse:
    await asyncio.sleep(0)
    return HttpResponse(json.dumps(now()))


def authenticated(request: HttpRequest) -> HttpResponse:
    with taximeter.tags(tenant="authenticated"):
        return HttpResponse(json.dumps(now()))


def stream(request: HttpRequest) -> StreamingHttpResponse:
    def lines() -> Iterator[str]:
        try:
            yield json.dumps(now())
        finally:
            seen.append(now())

    return StreamingHttpResponse(lines())


async def async_stream(request: HttpRequest) -> StreamingHttpResponse:
    async def lines() -> AsyncIterator[str]:
        await asyncio.sleep(0)
        yield json.dumps(now())

    return StreamingHttpResponse(lines())


def file(request: HttpRequest) -> FileResponse:
    return FileResponse(Path(__file__).open("rb"))


urlpatterns = [
    path(f"{view.__name__}/", view)
    for view in (plain, asynchronous, authenticated, stream, async_stream, file)
]


@pytest.fixture(scope="module", autouse=True)
def site() -> None:
    if not settings.configured:
        settings.configure(
            ALLOWED_HOSTS=["*"],
            ROOT_URLCONF=__name__,
            MIDDLEWARE=["taximeter.django.TaximeterMiddleware"],
            TAXIMETER_TRUSTED_PEERS="10.0.0.0/8",
        )
        django.setup()


def by_wsgi(name: str, peer: str) -> bytes:
    environ = {f"HTTP_{key.upper().replace('-', '_')}": value for key, value in HEADERS.items()}
    given: dict[str, Any] = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": f"/{name}/",
        "REMOTE_ADDR": peer,
        "SERVER_NAME": "site",
        "SERVER_PORT": "80",
        "wsgi.input": io.BytesIO(),
        **environ,
    }
    response = WSGIHandler()(given, lambda *_: None)
    body = b"".join(response)
    response.close()
    return body


def by_asgi(name: str, peer: str) -> bytes:
    async def ask() -> bytes:
        scope = {
            "type": "http",
            "method": "GET",
            "path": f"/{name}/",
            "query_string": b"",
            "headers": [(key.encode(), value.encode()) for key, value in HEADERS.items()],
            "client": (peer, 40000),
        }
        server: Any = _Communicator(ASGIHandler(), scope)
        await server.send_input({"type": "http.request", "body": b""})
        body: bytes = b""
        while (message := await server.receive_output(10))["type"] == "http.response.start" or (
            message.get("more_body")
        ):
            body += message.get("body", b"")
        await server.wait()
        return body + bytes(message.get("body", b""))

    return asyncio.run(ask())


SERVED = [
    *((by_wsgi, name) for name in ("plain", "asynchronous", "stream")),
    *((by_asgi, name) for name in ("plain", "asynchronous", "async_stream")),
]


@pytest.mark.parametrize(("serve", "view"), SERVED)
def test_a_trusted_caller_s_tags_reach_every_kind_of_view(
    serve: Callable[[str, str], bytes], view: str
) -> None:
    assert json.loads(serve(view, "10.1.2.3")) == FOUND
    assert now() == {}


@pytest.mark.parametrize(("serve", "view"), SERVED)
def test_an_untrusted_caller_s_do_not(serve: Callable[[str, str], bytes], view: str) -> None:
    assert json.loads(serve(view, "11.0.0.1")) == {}


@pytest.mark.parametrize("serve", [by_wsgi, by_asgi])
def test_what_the_view_sets_after_authentication_wins(serve: Callable[[str, str], bytes]) -> None:
    answer = json.loads(serve("authenticated", "10.1.2.3"))
    assert answer == {"feature": "search", "tenant": "authenticated"}


def test_a_stream_is_closed_inside_them() -> None:
    seen.clear()
    by_wsgi("stream", "10.1.2.3")
    assert seen == [FOUND]


def test_a_file_is_sent_as_it_is() -> None:
    assert by_wsgi("file", "10.1.2.3") == Path(__file__).read_bytes()


def test_a_site_can_trust_everybody_in_front_of_it() -> None:
    with override_settings(TAXIMETER_TRUST_INBOUND=True):
        assert json.loads(by_wsgi("plain", "8.8.8.8")) == FOUND
