"""`POST /api/v1/ledger/…`: prune, forget and back up, for a token of scope write."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Depends, HTTPException
from pydantic import BaseModel, ConfigDict

from taximeter_processor.api.query import Running, retry
from taximeter_processor.api.reprice import may_write
from taximeter_processor.errors import LedgerError, Overloaded
from taximeter_processor.reports import forget as forgetting
from taximeter_processor.reports.prune import Question

router = APIRouter(prefix="/api/v1/ledger", dependencies=[Depends(may_write)])


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PruneBody(_Body):
    """The fields of `reports.prune.Question`."""

    before: str
    dry_run: bool = False


class ForgetBody(_Body):
    """The fields of `reports.forget.Question`."""

    tenant: str
    since: str = "1970-01-01T00:00:00Z"
    dry_run: bool = False


class BackupBody(_Body):
    """What the copy is called: a plain file name, never a path."""

    name: str


@router.post("/prune")
async def prune(body: PruneBody, service: Running) -> dict[str, Any]:
    """Take out the oldest calls that began before a date; ask again until it is `done`."""
    try:
        return await asyncio.wrap_future(service.prune(Question(**body.model_dump())))
    except ValueError as error:
        raise HTTPException(400, str(error)) from error
    except (LedgerError, Overloaded) as error:
        raise retry(error) from error


@router.post("/forget")
async def forget(body: ForgetBody, service: Running) -> dict[str, Any]:
    """Replace a tenant's name in the first calls; ask again from `next` until it is null."""
    asked = forgetting.Question(**body.model_dump())
    try:
        return await asyncio.wrap_future(service.forget(asked))
    except ValueError as error:
        raise HTTPException(400, str(error)) from error
    except (LedgerError, Overloaded) as error:
        raise retry(error) from error


@router.post("/backup")
def backup(body: BackupBody, service: Running) -> dict[str, Any]:
    """Copy what is committed now to a file beside the ledger, while spans go on arriving."""
    try:
        file = service.store.backup(body.name)
    except ValueError as error:
        raise HTTPException(400, str(error)) from error
    except LedgerError as error:
        raise retry(error) from error
    return {"file": str(file), "bytes": file.stat().st_size}
