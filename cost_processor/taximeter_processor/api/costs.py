"""`GET /api/v1/costs` and `/api/v1/requests`: typed for OpenAPI, as JSON or CSV.

The models describe and check what is asked; what it means is decided in `reports`, so that the
command line and this say the same.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from taximeter_processor.api.query import Running, answer_to, given, may_read
from taximeter_processor.buckets import Interval
from taximeter_processor.ledger.drill import REQUEST_COLUMNS, Order
from taximeter_processor.reports.requests import MOST_A_PAGE
from taximeter_processor.reports.spreadsheet import to_csv

router = APIRouter(prefix="/api/v1", dependencies=[Depends(may_read)])

_CSV = "text/csv"
_Usd = Annotated[str, Field(pattern=r"^-?\d+\.\d+$", description="Exact dollars, a decimal.")]
_Text = Annotated[str, Field(max_length=256)]
_Filter = Annotated[str | None, Field(default=None, description="Only calls with this value.")]


class Problem(BaseModel):
    """What was wrong with a request."""

    detail: str


class _Filters(BaseModel):
    """One field for each filter; `unknown` finds the untagged. `reports` refuses other names."""

    model_config = ConfigDict(populate_by_name=True)

    from_: str = Field("7d", alias="from", description="7d, 12h, today, a date or an instant.")
    to: str | None = Field(None, description="As `from`; not itself in the range. Absent: now.")
    since: str | None = Field(None, description="Another name of `from`.")
    until: str | None = Field(None, description="Another name of `to`.")
    timezone: str | None = Field(None, description="IANA zone of dates. Absent: the configured.")
    format: Literal["json", "csv"] | None = Field(None, description="Before the Accept header.")
    feature: _Filter
    tenant: _Filter
    team: _Filter
    request_type: _Filter
    provider: _Filter
    model: _Filter
    environment: _Filter
    service_name: _Filter
    operation: _Filter
    service_tier: _Filter
    status: _Filter
    writer: _Filter
    emitter: _Filter
    trace_id: _Filter


class CostsQuery(_Filters):
    """What `costs` is asked."""

    by: str = Field("feature", description="Up to four dimensions, comma separated.")
    interval: Interval = Field("total", description="A row for each group in each of these.")


class RequestsQuery(_Filters):
    """What `requests` is asked."""

    order: Order = Field("newest", description="Which calls come first.")
    limit: int = Field(100, ge=1, le=MOST_A_PAGE, description="Calls a page.")
    cursor: str | None = Field(None, description="`next` of the page before.")


class Amounts(BaseModel):
    """What calls cost and used."""

    cost_usd: _Usd
    requests: int
    unpriced: int
    input_tokens: int
    output_tokens: int


class CostRow(Amounts):
    """One group in one bucket: it has the columns named by `by` and `interval`, and no others."""

    model_config = ConfigDict(extra="forbid")

    hour: str | None = Field(None, description="Its beginning, local, with the offset.")
    day: str | None = None
    week: str | None = Field(None, description="Its Monday.")
    month: str | None = Field(None, description="As 2026-11.")
    feature: str | None = None
    tenant: str | None = None
    team: str | None = None
    request_type: str | None = None
    provider: str | None = None
    model: str | None = None
    environment: str | None = None
    service_name: str | None = None
    operation: str | None = None
    service_tier: str | None = None
    status: str | None = None
    writer: str | None = None
    emitter: str | None = None


class Costs(BaseModel):
    """The answer of `costs`; its rows add up to `total`."""

    by: list[str]
    interval: Interval
    timezone: str
    since: str
    until: str
    rows: list[CostRow]
    total: Amounts


class CallRow(BaseModel):
    """One call."""

    model_config = ConfigDict(extra="forbid")

    start_time: str
    end_time: str
    trace_id: str
    span_id: str
    feature: str = Field(description="Empty where nobody said; so are all texts.")
    tenant: str
    team: str
    request_type: str
    environment: str
    service_name: str
    provider: str
    request_model: str
    response_model: str
    model: str
    operation: str
    service_tier: str
    status: Literal["priced", "unpriced", "failed", "cached"]
    unpriced_reason: str
    usage_status: str
    input_tokens: int | None
    output_tokens: int | None
    cache_read_tokens: int | None
    cache_write_tokens: int | None
    reasoning_tokens: int | None
    cost_usd: _Usd
    list_cost_usd: _Usd
    price_version: str
    emitter: str
    writer: str
    ingested_at: str


class Requests(BaseModel):
    """One page of `requests`."""

    since: str
    until: str
    rows: list[CallRow]
    next: str | None = Field(description="The `cursor` of the next page; null on the last.")


_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"content": {_CSV: {"schema": {"type": "string"}}}},
    "4XX": {"model": Problem, "description": "400 wrong parameter, 401 or 403 token"},
    503: {"model": Problem, "description": "A limit of reading was hit; try less, or again."},
}


@router.get("/costs", response_model=Costs, responses=_RESPONSES)
def costs(request: Request, service: Running, query: Annotated[CostsQuery, Query()]) -> Response:
    """What calls cost, by dimensions and interval: the buckets of a range add up to it exactly."""
    answer = answer_to(service, "costs", _parameters(request))
    columns = [*answer["by"], *Amounts.model_fields]
    return _as_asked(request, query, answer, columns)


@router.get("/requests", response_model=Requests, responses=_RESPONSES)
def requests(
    request: Request, service: Running, query: Annotated[RequestsQuery, Query()]
) -> Response:
    """Calls one by one; of CSV the next page's cursor is in the header `Link`."""
    answer = answer_to(service, "requests", _parameters(request))
    response = _as_asked(request, query, answer, REQUEST_COLUMNS)
    if answer["next"]:
        following = request.url.include_query_params(cursor=answer["next"])
        response.headers["link"] = f'<{following.path}?{following.query}>; rel="next"'
    return response


def _parameters(request: Request) -> dict[str, str]:
    return {name: value for name, value in given(request).items() if name != "format"}


def _as_asked(request: Request, query: _Filters, answer: dict[str, Any], columns: Any) -> Response:
    """CSV where `format` or, absent that, the Accept header asks for it; else JSON."""
    wanted = query.format or ("csv" if _prefers_csv(request.headers.get("accept", "")) else "json")
    if wanted == "json":
        return JSONResponse(answer, headers={"vary": "accept"})
    name = request.url.path.rpartition("/")[2]
    headers = {"vary": "accept", "content-disposition": f'attachment; filename="{name}.csv"'}
    return Response(
        to_csv(answer["rows"], columns), media_type=f"{_CSV}; charset=utf-8", headers=headers
    )


def _prefers_csv(accept: str) -> bool:
    """CSV is named, and JSON is not named before it."""
    named = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    return _CSV in named and "application/json" not in named[: named.index(_CSV)]
