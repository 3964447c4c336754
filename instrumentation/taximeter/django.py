"""Turns tag headers of trusted callers into the tags of the requests a Django site serves."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings

from taximeter import faults
from taximeter.inbound import Inbound
from taximeter.tags import tags
from taximeter.wsgi import tag_headers


class TaximeterMiddleware:
    """For `MIDDLEWARE`, under WSGI and ASGI: believe the tag headers of trusted callers.

    The settings `TAXIMETER_TRUST_INBOUND` and `TAXIMETER_TRUSTED_PEERS` say who is trusted; without
    the latter the environment variable of that name does. What a view sets by `tags(…)` overrides
    these tags. They hold in the middleware below this one, in the view, and while a streaming
    response is produced and closed.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        self._get_response = get_response
        self._inbound = Inbound(
            trust_inbound=bool(getattr(settings, "TAXIMETER_TRUST_INBOUND", False)),
            trusted_peers=getattr(settings, "TAXIMETER_TRUSTED_PEERS", None),
        )
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: Any) -> Any:
        block = faults.guarded("inbound tags", self._block, request)
        if block is None:
            return self._get_response(request)
        if self._is_async:
            return self._respond(request, block)
        with block:
            response = self._get_response(request)
        faults.guarded("inbound tags", _stream_inside, response, block)
        return response

    async def _respond(self, request: Any, block: tags) -> Any:
        with block:
            response = await self._get_response(request)
        faults.guarded("inbound tags", _stream_inside, response, block)
        return response

    def _block(self, request: Any) -> tags | None:
        return self._inbound.block(request.META.get("REMOTE_ADDR"), tag_headers(request.META))


def _stream_inside(response: Any, block: tags) -> None:
    """Produce what is yet to be sent inside the tags; a server sends a file without our code."""
    if not response.streaming or getattr(response, "file_to_stream", None) is not None:
        return
    each = _each_async if getattr(response, "is_async", False) else _each
    response.streaming_content = block(each)(response.streaming_content)
    response.close = block(response.close)


def _each(chunks: Iterable[bytes]) -> Iterator[bytes]:
    yield from chunks


async def _each_async(chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    async for chunk in chunks:
        yield chunk
