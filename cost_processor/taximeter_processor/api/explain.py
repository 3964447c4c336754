"""`GET /api/v1/explain/{trace_id}`: why each call of a trace costs what it costs."""

from __future__ import annotations

from fastapi import APIRouter, Depends, HTTPException

from taximeter_processor.api.query import Running, may_read, retry
from taximeter_processor.errors import LedgerError
from taximeter_processor.reports.stored import TraceAccount, asked_for, not_found

router = APIRouter(prefix="/api/v1", dependencies=[Depends(may_read)])


@router.get("/explain")
@router.get("/explain/", include_in_schema=False)
def no_trace() -> None:
    """400: a trace must be named."""
    raise HTTPException(400, "no trace id: expected /api/v1/explain/TRACE_ID of 32 hex digits")


@router.get("/explain/{trace_id}")
def explain(trace_id: str, service: Running, span_id: str = "") -> TraceAccount:
    """Each call's lines, whose sum is its cost, who says each rate, and what was ignored.

    400 for what is no id, 404 for a trace of which the ledger has no call.
    """
    try:
        trace_id, span_id = asked_for(trace_id, span_id)
    except ValueError as error:
        raise HTTPException(400, str(error)) from error
    try:
        found = service.explain(trace_id, span_id)
    except LedgerError as error:
        raise retry(error) from error
    if found is None:
        raise HTTPException(404, not_found(trace_id, span_id))
    return found
