"""`POST /api/v1/ledger/…`: prune, forget and back up, for a token of scope write."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Depends, HTTPException
from pydantic import BaseModel, ConfigDict

from taximeter_processor.api.query import Running, retry
from taximeter_processor.api.reprice import may_write
from taximeter_processor.errors import LedgerError, Overloaded
from taximeter_processor.reports.prune import Question

router = APIRouter(prefix="/api/v1/ledger", dependencies=[Depends(may_write)])


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PruneBody(_Body):
    """The fields of `reports.prune.Question`."""

    before: str
    dry_run: bool = False


@router.post("/prune")
async def prune(body: PruneBody, service: Running) -> dict[str, Any]:
    """Take out the oldest calls that began before a date; ask again until it is `done`."""
    try:
        return await asyncio.wrap_future(service.prune(Question(**body.model_dump())))
    except ValueError as error:
        raise HTTPException(422, str(error)) from error
    except (LedgerError, Overloaded) as error:
        raise retry(error) from error
