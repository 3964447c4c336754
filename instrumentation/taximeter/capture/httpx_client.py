"""Turns `send` of the httpx and httpx2 clients into one that meters.

`send` is where every request of these clients passes once per upstream attempt, whatever method,
transport or SDK is used.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from taximeter import faults
from taximeter.capture import include_usage
from taximeter.capture.attempt import Attempt
from taximeter.capture.meter import Meter, Target, model_of, stainless_retries
from taximeter.capture.shells import Function, Replace, metered, metered_async, request_of
from taximeter.capture.tee import tee_types


def patch(library: Any, meter: Meter, replace: Replace) -> None:
    """Meter the clients of `httpx` or `httpx2`."""
    clients = (library.Client, library.AsyncClient)
    if meter.propagates:
        # Without this patch tags could follow a redirect to any host: then there are none.
        patched = faults.guarded("propagation", _patch_redirects, clients, meter, replace)
        meter.propagates = bool(patched)
    for client, shell, tee in zip(
        clients, (metered, metered_async), tee_types(library), strict=True
    ):
        settle = functools.partial(_settle, tee=tee)
        replace(client, "send", functools.partial(shell, meter=meter, begin=_begin, settle=settle))
    if meter.asks_for_usage:
        include_usage.patch(library, meter, replace, target_of)


def _patch_redirects(clients: tuple[Any, Any], meter: Meter, replace: Replace) -> bool:
    for client in clients:
        replace(client, "_build_redirect_request", functools.partial(_scrubbed, meter=meter))
    return True


def target_of(meter: Meter, request: Any) -> Target | None:
    """Where an `httpx.Request` goes."""
    if request.method != "POST":
        return None
    url = request.url
    return meter.target(url.scheme, url.host, url.port, lambda: _path(url))


def _begin(meter: Meter, arguments: tuple[Any, ...], named: Mapping[str, Any]) -> Attempt | None:
    request = request_of(arguments, named)
    if meter.propagates:
        faults.guarded("propagation", _propagate, meter, request)
    target = target_of(meter, request)
    if target is None:
        return None
    return meter.begin(
        target, lambda: model_of(request.content), stainless_retries(request.headers)
    )


def _path(url: Any) -> str:
    path: bytes = url.raw_path
    return path.partition(b"?")[0].decode("ascii")


def _settle(attempt: Attempt, response: Any, *, tee: type[Any]) -> None:
    headers = response.headers
    if response.is_stream_consumed:
        attempt.answer(response.status_code, headers)
        attempt.read(response.content)
        attempt.complete()
    else:
        attempt.answer(response.status_code, headers, headers.get("content-encoding", ""))
        response.stream = tee(response.stream, attempt)


def _propagate(meter: Meter, request: Any) -> None:
    url = request.url
    meter.propagate(url.scheme, url.host, url.port, request.headers)


def _scrubbed(original: Function, *, meter: Meter) -> Function:
    """A redirect copies the request's headers, so tags would follow it to any host."""

    def build(client: Any, request: Any, response: Any) -> Any:
        redirected = original(client, request, response)
        if meter.is_on:
            faults.guarded("propagation", _scrub, meter, redirected)
        return redirected

    return build


def _scrub(meter: Meter, request: Any) -> None:
    url = request.url
    meter.scrub(url.scheme, url.host, url.port, request.headers)
