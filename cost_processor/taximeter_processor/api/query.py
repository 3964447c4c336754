"""`/api/v1/*`: the named reads over HTTP, typed by FastAPI, as JSON or CSV."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response

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


def _read(
    name: str, request: Request, service: Running, output: Format = "json"
) -> dict[str, Any] | Response:
    parameters = {key: value for key, value in request.query_params.items() if key != "format"}
    try:
        answer = service.read(name, parameters)
    except ValueError as error:
        raise HTTPException(422, str(error)) from error
    except LedgerError as error:
        raise retry(error) from error
    if output == "csv":
        return Response(to_csv(answer["rows"]), media_type="text/csv; charset=utf-8")
    return answer


for _name, _function in READS.items():
    router.add_api_route(
        f"/{_name}",
        partial(_read, _name),
        name=_name,
        description=_function.__doc__,
        dependencies=[Depends(may_read)],
        response_model=None,
    )
