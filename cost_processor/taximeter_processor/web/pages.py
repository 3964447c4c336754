"""`/`, `/costs`, `/requests`, `/explain/…`, `/status`: the ledger for a browser, no script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any, Final

from fastapi import APIRouter, Depends, HTTPException, Request, Response

from taximeter_processor.api.query import Running, may_read
from taximeter_processor.reports.account import sum_usd
from taximeter_processor.reports.account_text import (
    named,
    not_told_yet,
    notes,
    other_text,
    source_text,
    sum_name,
    time_text,
    whose,
)
from taximeter_processor.reports.causes import HEADINGS
from taximeter_processor.reports.requests import ORDERS, Slice, order_named, rest
from taximeter_processor.reports.requests import page as page_of_calls
from taximeter_processor.reports.spreadsheet import to_csv
from taximeter_processor.reports.status import adoption
from taximeter_processor.reports.stored import asked_for, not_found
from taximeter_processor.service import Service
from taximeter_processor.web.downloads import call_rows, cost_rows, day_rows
from taximeter_processor.web.rendering import STYLE, STYLE_PATH, PageRoute, page, streamed
from taximeter_processor.web.sections.breakdown import breakdown, by_owner
from taximeter_processor.web.sections.budgets import budgets
from taximeter_processor.web.sections.moved import moved
from taximeter_processor.web.sections.now import now
from taximeter_processor.web.sections.subject import Subject
from taximeter_processor.web.sections.trend import trend
from taximeter_processor.web.view import DIMENSIONS, PERIODS_DAYS, STATUSES, parse

LINES_A_PAGE: Final = 200
CALLS_A_PAGE: Final = 100
MOST_CSV_ROWS: Final = 10_000
_MOST_PAGES: Final = 5_000

router = APIRouter(include_in_schema=False, route_class=PageRoute)


def may_see(request: Request) -> None:
    """Sends a browser that may not read to the login form."""
    try:
        may_read(request)
    except HTTPException as error:
        raise HTTPException(303, headers={"Location": "/login"}) from error


SEEN: Final = [Depends(may_see)]


@router.get("/", dependencies=SEEN)
def daily_page(service: Running, request: Request) -> Response:
    """What was spent on a day, against other days and budgets, and by whom."""
    subject = _subject(service, request)
    if subject.first_day is None:
        address = service.settings.public_url or str(request.base_url)
        return page(request, service, "empty.html", base_url=address.rstrip("/"))
    first = now(subject)
    return streamed(
        request,
        service,
        "daily.html",
        subject=subject,
        view=subject.view,
        now=first,
        trend=trend,
        budgets=budgets,
        moved=moved,
        headings=HEADINGS,
        breakdown=breakdown,
        by_owner=by_owner,
        dimensions=DIMENSIONS,
        periods_days=PERIODS_DAYS,
    )


@router.get("/costs", dependencies=SEEN)
def costs_page(service: Running, request: Request) -> Response:
    """Every value of one dimension; `format=csv` downloads them."""
    subject = _subject(service, request)
    view, number = subject.view, _page_number(request.query_params)
    is_csv = request.query_params.get("format") == "csv"
    limit = MOST_CSV_ROWS if is_csv else LINES_A_PAGE
    table = breakdown(subject, view.by, limit, 0 if is_csv else (number - 1) * limit)
    if is_csv:
        return _csv(cost_rows(table, view), f"costs-by-{view.by}-{view.day}.csv")
    pages = max(1, -(-table.values // limit))
    return page(
        request,
        service,
        "costs.html",
        view=view,
        table=table,
        number=number,
        pages=pages,
        first=(number - 1) * limit,
        dimensions=DIMENSIONS,
        periods_days=PERIODS_DAYS,
    )


@router.get("/days", dependencies=SEEN)
def days_csv(service: Running, request: Request) -> Response:
    """The numbers of the trend: cost by day and what is normal, as CSV."""
    subject = _subject(service, request)
    return _csv(day_rows(trend(subject)), f"days-{subject.view.day}.csv")


@router.get("/requests", dependencies=SEEN)
def requests_page(service: Running, request: Request) -> Response:
    """Single calls, newest or dearest first; `format=csv` downloads the first of them."""
    view = _subject(service, request).view
    query = request.query_params
    is_csv = query.get("format") == "csv"
    limit = MOST_CSV_ROWS if is_csv else CALLS_A_PAGE
    try:
        first = order_named(query.get("first", ""), "first")
        wanted = Slice(view.period.start_us, view.period.end_us, view.where, first)
        if after := query.get("after"):
            wanted = rest(after, view.where, first)
    except ValueError as error:
        raise HTTPException(400, str(error)) from error
    calls, following = page_of_calls(service.store, wanted, limit)
    if is_csv:
        return _csv(call_rows(calls), f"requests-{view.day}.csv")
    return page(
        request,
        service,
        "requests.html",
        view=view,
        calls=calls,
        first=first,
        following=following,
        is_continued=bool(after),
        orders=ORDERS,
        dimensions=DIMENSIONS,
        periods_days=PERIODS_DAYS,
        statuses=STATUSES,
        zone=view.zone,
        most_csv_rows=MOST_CSV_ROWS,
    )


@router.get("/explain/{trace_id}", dependencies=SEEN)
def explain_page(service: Running, request: Request, trace_id: str) -> Response:
    """The calls of one trace: what each used, and what that cost."""
    try:
        trace_id, _ = asked_for(trace_id, "")
    except ValueError as error:
        raise HTTPException(400, str(error)) from error
    found = service.explain(trace_id, "")
    return page(
        request,
        service,
        "explain.html",
        200 if found else 404,
        trace_id=trace_id,
        found=found,
        others=not_told_yet(found["calls"], found["not_counted"]) if found else [],
        missing=not_found(trace_id, ""),
        named=named,
        notes=notes,
        other_text=other_text,
        source_text=source_text,
        sum_name=sum_name,
        sum_usd=sum_usd,
        time_text=time_text,
        whose=whose,
    )


@router.get("/status", dependencies=SEEN)
def status_page(service: Running, request: Request) -> Response:
    """Which layers are in use, and what to do next."""
    found = adoption(service.store, service.settings, datetime.now(timezone.utc))
    return page(request, service, "status.html", adoption=found)


@router.get(STYLE_PATH)
def style() -> Response:
    """The style sheet; its name changes with its content."""
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(STYLE, media_type="text/css; charset=utf-8", headers=headers)


def _subject(service: Service, request: Request) -> Subject:
    """What the URL asks for; 400 for what it cannot."""
    settings = service.settings
    try:
        view = parse(request.query_params, datetime.now(timezone.utc), settings.zone)
    except ValueError as error:
        raise HTTPException(400, str(error)) from error
    return Subject(service.store, settings, view)


def _page_number(query: Mapping[str, str]) -> int:
    text = query.get("page") or "1"
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text[:6]) <= _MOST_PAGES:
        raise HTTPException(400, f"page is {text[:40]!r}: expected a number from 1 on")
    return int(text)


def _csv(rows: Sequence[Mapping[str, Any]], name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(to_csv(rows), media_type="text/csv; charset=utf-8", headers=headers)
