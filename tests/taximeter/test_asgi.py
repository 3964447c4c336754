"""The ASGI middleware believes trusted callers, and the application above all."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from fastapi import BackgroundTasks, FastAPI, Request, WebSocket
from fastapi.responses import StreamingResponse
from fastapi.testclient import TestClient
from opentelemetry import context

import taximeter
from taximeter import faults
from taximeter.asgi import TaximeterMiddleware
from taximeter.tags import values_in
from tests.taximeter import tagged
from tests.taximeter.tagged import TRUSTED, now

HEADERS = [(b"x-taximeter-feature", b"search"), (b"x-taximeter-tenant", b"acme")]
FOUND = {"taximeter.feature": "search", "taximeter.tenant": "acme"}


def tags_inside(peer: str | None, *, kind: str = "http", **options: Any) -> dict[str, str]:
    """The tags in force in an application behind the middleware."""
    inside: dict[str, str] = {}

    async def application(scope: Any, receive: Any, send: Any) -> None:
        inside.update(values_in(context.get_current()))

    client = None if peer is None else (peer, 40000)
    scope = {"type": kind, "headers": HEADERS, "client": client}
    middleware = TaximeterMiddleware(application, **options)
    asyncio.run(middleware(scope, None, None))  # type: ignore[arg-type] # neither is used
    return inside


def test_everybody_is_believed_when_inbound_is_trusted() -> None:
    assert tags_inside(None, trust_inbound=True) == FOUND
    assert tags_inside("8.8.8.8", kind="websocket", trust_inbound=True) == FOUND


def test_a_lifespan_has_no_tags() -> None:
    assert tags_inside(None, kind="lifespan", trust_inbound=True) == {}


def test_what_the_application_sets_after_authentication_wins() -> None:
    seen: list[dict[str, str]] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        with taximeter.tags(tenant="authenticated"):
            seen.append(dict(values_in(context.get_current())))

    middleware = TaximeterMiddleware(application, trust_inbound=True)
    scope = {"type": "http", "headers": HEADERS, "client": None}
    asyncio.run(middleware(scope, None, None))  # type: ignore[arg-type] # neither is used
    assert seen == [{"taximeter.feature": "search", "taximeter.tenant": "authenticated"}]
    assert values_in(context.get_current()) == {}


def test_a_scope_that_makes_no_sense_still_reaches_the_application() -> None:
    called = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        called.append(scope)

    middleware = TaximeterMiddleware(application, trust_inbound=True)
    asyncio.run(middleware({"type": "http"}, None, None))  # type: ignore[arg-type] # neither is used
    assert called == [{"type": "http"}]
    assert faults.counts() == {"inbound tags": 1}


def served() -> FastAPI:
    """A FastAPI application with everything that runs beside a view."""
    app = FastAPI()

    @app.get("/async")
    async def asynchronous() -> dict[str, str]:
        return now()

    @app.get("/sync")
    def synchronous() -> dict[str, str]:
        return now()

    @app.get("/stream")
    def stream() -> StreamingResponse:
        return StreamingResponse(json.dumps(now()) for _ in range(1))

    @app.get("/background")
    def background(tasks: BackgroundTasks) -> None:
        tasks.add_task(lambda: seen.append(now()))

    @app.websocket("/socket")
    async def socket(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_json(now())
        await socket.close()

    @app.middleware("http")
    async def other(request: Request, call_next: Any) -> Any:
        return await call_next(request)

    app.add_middleware(TaximeterMiddleware, trusted_peers=TRUSTED)
    return app


seen: list[dict[str, str]] = []


def client(peer: str) -> TestClient:
    return TestClient(served(), headers=tagged.HEADERS, client=(peer, 40000))


@pytest.mark.parametrize("path", ["/async", "/sync", "/stream"])
def test_every_kind_of_view_has_a_trusted_caller_s_tags_only(path: str) -> None:
    assert client("10.1.2.3").get(path).json() == tagged.FOUND
    assert client("11.0.0.1").get(path).json() == {}


def test_background_tasks_and_websockets_have_them_too() -> None:
    seen.clear()
    client("10.1.2.3").get("/background")
    with client("10.1.2.3").websocket_connect("/socket") as socket:
        seen.append(socket.receive_json())
    assert (seen, now()) == ([tagged.FOUND, tagged.FOUND], {})
