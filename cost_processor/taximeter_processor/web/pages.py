"""`/`, `/login` and `/logout`: the daily view for a browser, behind a cookie where tokens exist."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Annotated, Any, Final
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from taximeter_processor.api.auth import COOKIE
from taximeter_processor.api.query import Running, may_read
from taximeter_processor.errors import BadRequest, LedgerError
from taximeter_processor.web import formats
from taximeter_processor.web.daily import Dimension, daily

COOKIE_SECONDS: Final = 12 * 3600
FORM_BYTES: Final = 4096
FORM_TYPE: Final = "application/x-www-form-urlencoded"
PERIODS_DAYS: Final = (14, 30, 60, 90)
DIMENSIONS: Final = ("feature", "tenant", "team", "request_type", "model")

router = APIRouter(include_in_schema=False)

_templates = Environment(
    loader=PackageLoader("taximeter_processor.web"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters |= {
    "cents": formats.cents,
    "change": formats.change,
    "exact": formats.exact,
    "day_name": formats.day_name,
}
_templates.globals["percent"] = formats.percent


def may_see(request: Request) -> None:
    """Sends a browser that may not read to the login form."""
    try:
        may_read(request)
    except HTTPException as error:
        raise HTTPException(303, headers={"Location": "/login"}) from error


@router.get("/", dependencies=[Depends(may_see)])
def daily_page(
    service: Running,
    request: Request,
    days: Annotated[int, Query(ge=7, le=90)] = 30,
    by: Dimension = "feature",
) -> Response:
    """What was spent today, against other days, budgets and by whom; how to begin, when empty."""
    try:
        view = daily(service.store, service.settings, datetime.now(timezone.utc), days=days, by=by)
    except LedgerError as error:
        raise HTTPException(503, str(error), headers={"Retry-After": "5"}) from error
    return _page(
        "daily.html" if view else "empty.html",
        view=view,
        status=service.status(),
        has_login=bool(service.settings.tokens),
        base_url=str(request.base_url).rstrip("/"),
        periods_days=PERIODS_DAYS,
        dimensions=DIMENSIONS,
    )


@router.get("/login")
def login_form(service: Running) -> Response:
    """Asks for a token; where none exist everybody on this machine may read."""
    if not service.settings.tokens:
        return RedirectResponse("/", 303)
    return _page("login.html", problem="")


@router.post("/login")
async def login(service: Running, request: Request) -> Response:
    """Exchanges a token with scope read for a cookie that scripts cannot see."""
    secret = await _form_field(request, "token")
    try:
        service.tokens.require("read", f"Bearer {secret}")
    except BadRequest as error:
        return _page("login.html", 401, problem=str(error))
    response = RedirectResponse("/", 303)
    response.set_cookie(
        COOKIE,
        secret,
        max_age=COOKIE_SECONDS,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return response


@router.post("/logout")
def logout() -> Response:
    """Forgets the cookie."""
    response = RedirectResponse("/login", 303)
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return response


def _page(template: str, status_code: int = 200, **values: Any) -> Response:
    text = _templates.get_template(template).render(**values)
    return HTMLResponse(text, status_code, headers={"Cache-Control": "no-store"})


async def _form_field(request: Request, name: str) -> str:
    """One field of a small urlencoded form; raises 413 or 415 for anything else."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM_TYPE:
        raise HTTPException(415, f"expected {FORM_TYPE}")
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > FORM_BYTES:
            raise HTTPException(413, f"expected at most {FORM_BYTES} bytes")
    return parse_qs(body.decode("latin-1")).get(name, [""])[0].strip()
