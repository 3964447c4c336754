"""`POST /api/v1/reprice`: a slice of the ledger at today's prices, for a token of scope write."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Depends, HTTPException, Request
from pydantic import BaseModel, ConfigDict

from taximeter_processor.api.query import Running, retry, service_of
from taximeter_processor.errors import BadRequest, LedgerError, Overloaded
from taximeter_processor.reports.reprice import Question

router = APIRouter(prefix="/api/v1")


class RepriceBody(BaseModel):
    """The fields of `Question`."""

    model_config = ConfigDict(extra="forbid")

    since: str
    until: str
    provider: str | None = None
    model: str | None = None
    dry_run: bool = False


def may_write(request: Request) -> None:
    """401 or 403 unless a header carries a token with scope write; a browser's cookie is not it."""
    try:
        service_of(request).tokens.require("write", request.headers.get("authorization", ""))
    except BadRequest as error:
        raise HTTPException(error.status, str(error)) from error


@router.post("/reprice", dependencies=[Depends(may_write)])
async def reprice(body: RepriceBody, service: Running) -> dict[str, Any]:
    """Restate the first calls of a stretch; ask again from `next` until it is null."""
    try:
        return await asyncio.wrap_future(service.reprice(Question(**body.model_dump())))
    except ValueError as error:
        raise HTTPException(400, str(error)) from error
    except (LedgerError, Overloaded) as error:
        raise retry(error) from error
