"""`/api/v1/*`: the named reads over HTTP, typed by FastAPI, as JSON or CSV."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from fastapi.exception_handlers import request_validation_exception_handler
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from taximeter_processor.errors import BadRequest, LedgerError, Overloaded
from taximeter_processor.reports.reads import READS
from taximeter_processor.reports.spreadsheet import to_csv
from taximeter_processor.service import Service

router = APIRouter(prefix="/api/v1")


def service_of(request: Request) -> Service:
    """The running service this application serves."""
    service: Service = request.app.state.service
    return service


def may_read(request: Request) -> None:
    """401 or 403 unless the request carries a token with scope read, or a cookie made from one."""
    service, headers = service_of(request), request.headers
    authorization = headers.get("authorization", "")
    if not authorization and service.sessions.reader(headers.get("cookie", "")):
        return
    try:
        service.tokens.require("read", authorization)
    except BadRequest as error:
        raise HTTPException(error.status, str(error)) from error


Running = Annotated[Service, Depends(service_of)]
Format = Annotated[str, Query(alias="format", pattern="^(json|csv)$")]


@router.get("/ledger/verify", dependencies=[Depends(may_read)])
async def verify(service: Running) -> dict[str, Any]:
    """Whether ledger, meters and counters agree, with both sides of each identity."""
    try:
        return await asyncio.wrap_future(service.verify())
    except (LedgerError, Overloaded) as error:
        raise retry(error) from error


@router.get("/status", dependencies=[Depends(may_read)])
def status(service: Running) -> dict[str, Any]:
    """Version, writer, ledger, price book and readiness."""
    return service.status()


def retry(error: Exception) -> HTTPException:
    """503 for what may go well the next time."""
    return HTTPException(503, str(error), headers={"Retry-After": "5"})


async def wrong_parameters(request: Request, error: RequestValidationError) -> Response:
    """400 that names each parameter and what was expected; pages keep their framework's answer."""
    if not request.url.path.startswith(router.prefix):
        return await request_validation_exception_handler(request, error)
    # Only the places and the rules: what was sent is not repeated.
    problems = [
        f"{'.'.join(str(part) for part in item['loc'][1:]) or 'body'}: {item['msg']}"
        for item in error.errors()
    ]
    return JSONResponse({"detail": "; ".join(problems)}, 400)


def answer_to(service: Service, name: str, parameters: Mapping[str, str]) -> dict[str, Any]:
    """A named read, counted, its errors as the HTTP statuses they are."""
    reads = service.metrics.reads
    try:
        answer = service.read(name, parameters)
    except ValueError as error:
        reads.labels(name, "wrong").inc()
        raise HTTPException(400, str(error)) from error
    except LedgerError as error:
        reads.labels(name, "limit").inc()
        raise retry(error) from error
    reads.labels(name, "ok").inc()
    return answer


def given(request: Request) -> dict[str, str]:
    """The query's parameters; 400 for one that is there twice, as only one could be heeded."""
    pairs = request.query_params.multi_items()
    parameters = dict(pairs)
    if len(parameters) < len(pairs):
        twice = next(name for name in parameters if [n for n, _ in pairs].count(name) > 1)
        raise HTTPException(400, f"{twice!r} is given more than once: expected one value")
    return parameters


def _read(
    name: str, request: Request, service: Running, output: Format = "json"
) -> dict[str, Any] | Response:
    parameters = {key: value for key, value in given(request).items() if key != "format"}
    answer = answer_to(service, name, parameters)
    if output == "csv":
        return Response(to_csv(answer["rows"]), media_type="text/csv; charset=utf-8")
    return answer


_TYPED: Final = frozenset({"costs", "requests"})
"""Reads with a file of their own, `api.costs`."""

for _name in READS.keys() - _TYPED:
    router.add_api_route(
        f"/{_name}",
        partial(_read, _name),
        name=_name,
        description=READS[_name].__doc__,
        dependencies=[Depends(may_read)],
        response_model=None,
    )
