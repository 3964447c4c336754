"""One ASGI application on one port: spans go straight to the worker, the rest to FastAPI."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError

from taximeter_processor import __version__
from taximeter_processor.api import costs, explain, query, reprice, upkeep
from taximeter_processor.api.guard import Guard
from taximeter_processor.api.otlp import Receive, Scope, Send, TracesEndpoint
from taximeter_processor.api.small_bodies import SmallBodies
from taximeter_processor.metrics.exposition import Scrape
from taximeter_processor.service import Service
from taximeter_processor.web import pages, signin

TRACES_PATH: Final = "/v1/traces"


class Application:
    """The whole HTTP surface of one `Service`."""

    def __init__(self, service: Service) -> None:
        self._traces = TracesEndpoint(
            service.worker, service.metrics, service.tokens, service.settings.limits.body_bytes
        )
        self._rest = SmallBodies(build_api(service), service.metrics)
        self._guarded = Guard(self._dispatch, service.settings)
        self._senders_have_tokens = bool(service.settings.tokens)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI entry point.

        A sender that must show a token is no browser page, so it may call this host by any name:
        a Collector would drop what is refused for its name.
        """
        if self._senders_have_tokens and _is_traces(scope):
            await self._traces(scope, receive, send)
        else:
            await self._guarded(scope, receive, send)

    async def _dispatch(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The hot path meets no framework."""
        if _is_traces(scope):
            await self._traces(scope, receive, send)
        else:
            await self._rest(scope, receive, send)


def _is_traces(scope: Scope) -> bool:
    return bool(scope["type"] == "http" and scope["path"] == TRACES_PATH)


def build_api(service: Service) -> FastAPI:
    """`/metrics`, `/healthz`, `/readyz`, `/api/v1/*` and the pages."""
    scrape = Scrape(service.counters, service.gauges, service.metrics, service.book)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        service.start()
        yield
        await asyncio.to_thread(service.stop)

    api = FastAPI(
        title="Taximeter",
        version=__version__,
        lifespan=lifespan,
        openapi_url=None,
        redoc_url=None,
        docs_url=None,
        exception_handlers={RequestValidationError: query.wrong_parameters},
    )
    api.state.service = service
    api.include_router(costs.router)
    api.include_router(query.router)
    api.include_router(reprice.router)
    api.include_router(upkeep.router)
    api.include_router(explain.router)
    api.include_router(pages.router)
    api.include_router(signin.router)

    @api.get("/healthz", include_in_schema=False)
    async def healthz() -> Response:
        return Response("ok\n", media_type="text/plain")

    @api.get("/openapi.json", include_in_schema=False, dependencies=[Depends(query.may_read)])
    def openapi() -> dict[str, Any]:
        return api.openapi()

    @api.get("/readyz", include_in_schema=False)
    async def readyz() -> Response:
        ready = await service.check()
        text = "ready\n" if ready else "the ledger does not accept commits\n"
        return Response(text, 200 if ready else 503, media_type="text/plain")

    @api.get("/metrics", include_in_schema=False, dependencies=[Depends(query.may_read)])
    def metrics(request: Request) -> Response:
        body, content_type = scrape.render(request.headers.get("accept", ""))
        return Response(body, headers={"Content-Type": content_type})

    return api
