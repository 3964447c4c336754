"""Turns `send` of the httpx and httpx2 clients into one that meters, and back.

`send` is where every request of these clients passes once per upstream attempt, whatever method,
transport or SDK is used. The methods are replaced on the classes, when the library is imported.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

import wrapt

from taximeter import faults
from taximeter.capture.attempt import Attempt
from taximeter.capture.meter import Meter
from taximeter.capture.tee import tee_types

LIBRARIES = ("httpx", "httpx2")

Send = Callable[..., Any]


class _Patch(NamedTuple):
    owner: Any
    name: str
    original: Send | None
    """None: the class inherited it."""
    replacement: Send


_meter: Meter | None = None
_patches: list[_Patch] = []
_awaited: set[str] = set()


def install(meter: Meter) -> None:
    """Meter through `meter` from now on, in libraries imported already and in later ones."""
    global _meter
    remove()
    _meter = meter
    for library in LIBRARIES:
        if library in _awaited:
            _on_import(sys.modules.get(library))
        else:
            _awaited.add(library)
            wrapt.register_post_import_hook(_on_import, library)


def remove() -> None:
    """Put the original methods back. One that others have wrapped since just passes through."""
    global _meter
    _meter = None
    while _patches:
        owner, name, original, replacement = _patches.pop()
        if owner.__dict__.get(name) is not replacement:
            continue
        if original is None:
            delattr(owner, name)
        else:
            setattr(owner, name, original)


def hooked() -> list[str]:
    """The methods that are metered now, e.g. `httpx.Client.send`."""
    clients = [patch.owner for patch in _patches if patch.name == "send"]
    return [f"{client.__module__}.{client.__name__}.send" for client in clients]


def _on_import(library: ModuleType | None) -> None:
    if _meter is not None and library is not None:
        faults.guarded("hook", _patch_library, library)


def _patch_library(library: Any) -> None:
    if _meter is not None and _meter.propagates:
        _meter.propagates = bool(faults.guarded("propagation", _patch_redirects, library))
    sync_tee, async_tee = tee_types(library)
    _patch(library.Client, "send", functools.partial(_metered, tee=sync_tee))
    _patch(library.AsyncClient, "send", functools.partial(_metered_async, tee=async_tee))


def _patch_redirects(library: Any) -> bool:
    for client in (library.Client, library.AsyncClient):
        _patch(client, "_build_redirect_request", _scrubbed)
    return True


def _patch(owner: Any, name: str, wrap: Callable[[Send], Send]) -> None:
    original = getattr(owner, name)
    replacement = functools.wraps(original)(wrap(original))
    is_own = name in owner.__dict__
    setattr(owner, name, replacement)
    _patches.append(_Patch(owner, name, original if is_own else None, replacement))


def _metered(original: Send, *, tee: type[Any]) -> Send:
    def send(client: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        meter = _meter
        attempt = None if meter is None else faults.guarded("request", meter.begin, request)
        if attempt is None:
            return original(client, request, *args, **kwargs)
        try:
            response = original(client, request, *args, **kwargs)
        except BaseException as error:
            faults.guarded("context", attempt.leave, error)
            faults.guarded("span", attempt.fail, error)
            raise
        faults.guarded("context", attempt.leave)
        _settle(attempt, response, tee)
        return response

    return send


def _metered_async(original: Send, *, tee: type[Any]) -> Send:
    async def send(client: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        meter = _meter
        attempt = None if meter is None else faults.guarded("request", meter.begin, request)
        if attempt is None:
            return await original(client, request, *args, **kwargs)
        try:
            response = await original(client, request, *args, **kwargs)
        except BaseException as error:
            faults.guarded("context", attempt.leave, error)
            faults.guarded("span", attempt.fail, error)
            raise
        faults.guarded("context", attempt.leave)
        _settle(attempt, response, tee)
        return response

    return send


def _settle(attempt: Attempt, response: Any, tee: type[Any]) -> None:
    if faults.guarded("response", _read_or_tee, attempt, response, tee) is None:
        faults.guarded("span", attempt.abort)


def _read_or_tee(attempt: Attempt, response: Any, tee: type[Any]) -> bool:
    is_to_come = attempt.answer(response)
    if is_to_come:
        response.stream = tee(response.stream, attempt)
    return is_to_come


def _scrubbed(original: Send) -> Send:
    """A redirect copies the request's headers, so tags would follow it to any host."""

    def build(client: Any, request: Any, response: Any) -> Any:
        redirected = original(client, request, response)
        meter = _meter
        if meter is not None:
            faults.guarded("propagation", meter.scrub, redirected)
        return redirected

    return build
