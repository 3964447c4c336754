"""Turns values into HTML: the templates, what they may call, and pages sent part by part."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Coroutine, Iterator
from importlib.resources import files
from typing import Any, Final, Generic, NamedTuple, TypeVar

from fastapi import HTTPException, Request, Response
from fastapi.responses import HTMLResponse, StreamingResponse
from fastapi.routing import APIRoute
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from taximeter_processor import formats
from taximeter_processor.api.query import service_of
from taximeter_processor.errors import LedgerError
from taximeter_processor.service import Service

T = TypeVar("T")
THEMES: Final = ("auto", "light", "dark")
THEME_COOKIE: Final = "taximeter_theme"
STYLE: Final = (files("taximeter_processor.web") / "static" / "style.css").read_bytes()
STYLE_PATH: Final = f"/static/style-{hashlib.sha256(STYLE).hexdigest()[:12]}.css"
"""Named after its content, so that a browser may keep it for ever."""
_FLUSH: Final = "\N{SYMBOL FOR END OF TRANSMISSION BLOCK}\n"
_HEADERS: Final = {"Cache-Control": "no-store"}


class PageRoute(APIRoute):
    """A route whose refusals are pages too."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's own handler, with a page for what was refused or could not be read."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await handler(request)
            except LedgerError as error:
                return _problem(request, 503, str(error), {"Retry-After": "5"})
            except HTTPException as error:
                if error.status_code < 400:
                    raise
                return _problem(request, error.status_code, str(error.detail), {})

        return handle


def _problem(request: Request, status_code: int, detail: str, headers: dict[str, str]) -> Response:
    answer = page(request, service_of(request), "problem.html", status_code, detail=detail)
    answer.headers.update(headers)
    return answer


class Attempt(NamedTuple, Generic[T]):
    """What a section read, or why it could not."""

    value: T | None
    problem: str


def attempt(read: Callable[..., T], *arguments: Any) -> Attempt[T]:
    """Read a section while the page is written: a limit it meets costs the page this one."""
    try:
        return Attempt(read(*arguments), "")
    except LedgerError as error:
        return Attempt(None, str(error))


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
    "signed": formats.signed,
    "exact": formats.exact,
    "day_name": formats.day_name,
    "moment": formats.moment,
    "count": "{:,}".format,
    "words": lambda name: name.replace("_", " "),
}
_templates.globals |= {
    "percent": formats.percent,
    "attempt": attempt,
    "flush": Markup(_FLUSH),
    "style_path": STYLE_PATH,
    "themes": THEMES,
}


def page(
    request: Request, service: Service, template: str, status_code: int = 200, **values: Any
) -> Response:
    """A whole page at once."""
    text = "".join(_pieces(request, service, template, values))
    return HTMLResponse(text, status_code, headers=_HEADERS)


def streamed(request: Request, service: Service, template: str, **values: Any) -> Response:
    """A page whose parts are sent as soon as each is read: the first one is seen at once."""
    pieces = _pieces(request, service, template, values)
    return StreamingResponse(pieces, media_type="text/html; charset=utf-8", headers=_HEADERS)


def _pieces(
    request: Request, service: Service, template: str, values: dict[str, Any]
) -> Iterator[str]:
    """The text up to each `flush` of the template."""
    theme = request.cookies.get(THEME_COOKIE, "")
    context = {
        "theme": theme if theme in THEMES else THEMES[0],
        "here": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
        "path": request.url.path,
        "status": service.status(),
        "has_login": bool(service.settings.tokens),
        **values,
    }
    written: list[str] = []
    for piece in _templates.get_template(template).generate(context):
        if piece == _FLUSH:
            yield "".join(written)
            written.clear()
        else:
            written.append(piece)
    yield "".join(written)
