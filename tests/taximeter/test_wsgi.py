"""The WSGI middleware: tags while the application runs, and the same bytes to the server."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment
from wsgiref.util import FileWrapper, setup_testing_defaults
from wsgiref.validate import validator

import pytest
from opentelemetry import trace

import taximeter
from taximeter import faults
from taximeter.wsgi import TaximeterMiddleware
from tests.taximeter.tagged import FOUND, HEADERS, now

Application = Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]


def environ(peer: str = "10.1.2.3") -> dict[str, Any]:
    values: dict[str, Any] = {"REMOTE_ADDR": peer, "QUERY_STRING": ""}
    for name, value in HEADERS.items():
        values[f"HTTP_{name.upper().replace('-', '_')}"] = value
    setup_testing_defaults(values)
    return values


def serve(application: Application, peer: str = "10.1.2.3") -> list[bytes]:
    """What a server that checks the protocol gets from an application behind the middleware."""
    checked = validator(TaximeterMiddleware(validator(application), trusted_peers="10.0.0.0/8"))
    chunks = checked(environ(peer), lambda *_: lambda data: None)
    try:
        return list(chunks)
    finally:
        chunks.close()  # type: ignore[attr-defined] # the validator's


def test_the_tags_hold_in_the_call_in_every_step_and_in_close() -> None:
    seen: list[dict[str, str]] = []

    class Body:
        def __iter__(self) -> Iterator[bytes]:
            for chunk in (b"a", b"b"):
                seen.append(now())
                yield chunk

        def close(self) -> None:
            seen.append(now())

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        seen.append(now())
        start_response("200 OK", [("content-type", "text/plain")])
        return Body()

    assert serve(application) == [b"a", b"b"]
    assert seen == [FOUND] * 4
    assert now() == {}


def test_between_the_steps_the_server_is_outside() -> None:
    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
        with taximeter.tags(feature="inner"):
            yield repr(now()).encode()
            yield repr(now()).encode()

    chunks = iter(TaximeterMiddleware(application, trust_inbound=True)(environ(), None))
    inside = []
    for chunk in chunks:
        inside.append(chunk.decode())
        assert now() == {}
    assert inside == ["{'feature': 'inner', 'tenant': 'acme'}"] * 2


def test_a_span_held_open_across_steps_stays_the_current_one(spans: Any) -> None:
    tracer = spans.provider.get_tracer("test")

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
        with tracer.start_as_current_span("page") as span:
            for _ in range(2):
                yield b"yes" if trace.get_current_span() is span else b"no"
        yield b"over" if trace.get_current_span() is trace.INVALID_SPAN else b"open"

    body = TaximeterMiddleware(application, trust_inbound=True)(environ(), None)
    assert list(body) == [b"yes", b"yes", b"over"]
    assert trace.get_current_span() is trace.INVALID_SPAN


def test_the_write_callable_is_the_server_s_own() -> None:
    written: list[bytes] = []

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [])(b"hello")
        return []

    middleware = TaximeterMiddleware(application, trust_inbound=True)
    assert middleware(environ(), lambda *_: written.append) == []
    assert written == [b"hello"]


@pytest.mark.parametrize(
    "make", [lambda: [b"a"], lambda: (b"a",), lambda: FileWrapper(io.BytesIO(b"a"))]
)
def test_what_servers_look_at_by_type_reaches_them(make: Callable[[], Any]) -> None:
    answer = make()
    middleware = TaximeterMiddleware(lambda *_: answer, trust_inbound=True)
    given = {**environ(), "wsgi.file_wrapper": FileWrapper}
    assert middleware(given, None) is answer


def test_a_server_can_still_ask_for_the_length() -> None:
    class Sized:
        def __len__(self) -> int:
            return 1

        def __iter__(self) -> Iterator[bytes]:
            yield b"a"

    middleware = TaximeterMiddleware(lambda *_: Sized(), trust_inbound=True)
    body: Any = middleware(environ(), None)
    assert (len(body), list(body)) == (1, [b"a"])


def test_an_untrusted_caller_gets_the_application_s_own_answer_and_no_tags() -> None:
    answer = iter([b"a"])

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        assert now() == {}
        return answer

    middleware = TaximeterMiddleware(application, trusted_peers="10.0.0.0/8")
    assert middleware(environ("11.0.0.1"), None) is answer


def test_an_exception_passes_and_the_tags_go() -> None:
    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        raise KeyError(7)

    with pytest.raises(KeyError):
        TaximeterMiddleware(application, trust_inbound=True)(environ(), None)
    assert now() == {}


def test_an_environment_that_makes_no_sense_still_reaches_the_application() -> None:
    middleware = TaximeterMiddleware(lambda given, _: [given["odd"]], trust_inbound=True)
    assert middleware({"HTTP_X_TAXIMETER_TEAM": 7, "odd": b"yes"}, None) == [b"yes"]
    assert faults.counts() == {"inbound tags": 1}
