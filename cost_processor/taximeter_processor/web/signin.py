"""`/login`, `/logout` and `/theme`: the few forms that pages send, and the cookies they set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qs

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import RedirectResponse

from taximeter_processor.api.query import Running
from taximeter_processor.api.session import COOKIE, SESSION_SECONDS
from taximeter_processor.errors import BadRequest
from taximeter_processor.web.rendering import THEME_COOKIE, THEMES, page

FORM_BYTES: Final = 4096
FORM_TYPE: Final = "application/x-www-form-urlencoded"
_YEAR_SECONDS: Final = 365 * 86_400

router = APIRouter(include_in_schema=False)


@router.get("/login")
def login_form(service: Running, request: Request) -> Response:
    """Asks for a token; where none exist everybody on this machine may read."""
    if not service.settings.tokens:
        return RedirectResponse("/", 303)
    return page(request, service, "login.html", problem="")


@router.post("/login")
async def login(service: Running, request: Request) -> Response:
    """Exchanges a token with scope read for a cookie that scripts cannot see."""
    fields = await _form(request)
    secret = fields.get("token", "").strip()
    try:
        name = service.tokens.require("read", f"Bearer {secret}").name
    except BadRequest as error:
        return page(request, service, "login.html", 401, problem=str(error))
    response = RedirectResponse("/", 303)
    _set_cookie(request, response, COOKIE, service.sessions.begin(name), SESSION_SECONDS)
    return response


@router.post("/logout")
def logout() -> Response:
    """Forgets the cookie."""
    response = RedirectResponse("/login", 303)
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return response


@router.post("/theme")
async def theme(request: Request) -> Response:
    """Keeps light, dark or what the system says, and goes back to where the form was."""
    fields = await _form(request)
    if fields.get("theme") not in THEMES:
        raise HTTPException(400, f"theme: expected one of {', '.join(THEMES)}")
    response = RedirectResponse(_local(fields.get("back", "/")), 303)
    _set_cookie(request, response, THEME_COOKIE, fields["theme"], _YEAR_SECONDS)
    return response


def _set_cookie(request: Request, response: Response, name: str, value: str, seconds: int) -> None:
    """For encrypted connections alone where the browser has one, to us or to a proxy before us."""
    origin = request.headers.get("origin", "")
    response.set_cookie(
        name,
        value,
        max_age=seconds,
        httponly=True,
        samesite="strict",
        secure="https" in (request.url.scheme, origin.partition(":")[0]),
    )


def _local(path: str) -> str:
    """The path when it leads to this site, else `/`: browsers read `//` and `/\\` as a host."""
    is_local = path.startswith("/") and path[1:2] not in ("/", "\\") and path.isprintable()
    return path if is_local else "/"


async def _form(request: Request) -> Mapping[str, str]:
    """The fields of a small urlencoded form; raises 413 or 415 for anything else."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != FORM_TYPE:
        raise HTTPException(415, f"expected {FORM_TYPE}")
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > FORM_BYTES:
            raise HTTPException(413, f"expected at most {FORM_BYTES} bytes")
    return {name: values[0] for name, values in parse_qs(body.decode("latin-1")).items()}
