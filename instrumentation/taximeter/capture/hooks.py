"""Turns the places where HTTP clients send a request into places that meter it, and back.

Each client library has a file of its own beside this one: to meter another, write it and add it to
`LIBRARIES`. A library is patched when it is imported, so none of them is a dependency.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

import wrapt

from taximeter import faults
from taximeter.capture import aiohttp_client, botocore_client, httpx_client
from taximeter.capture.meter import Meter
from taximeter.capture.shells import Function, Replace


class Library(NamedTuple):
    """An HTTP client library that is metered when it is there."""

    distribution: str
    module: str
    """What is patched once it is imported."""
    patch: Callable[[Any, Meter, Replace], None]


LIBRARIES = (
    Library("httpx", "httpx", httpx_client.patch),
    Library("httpx2", "httpx2", httpx_client.patch),
    Library("aiohttp", "aiohttp.client", aiohttp_client.patch),
    Library("botocore", "botocore.httpsession", botocore_client.patch),
    Library("botocore", "botocore.client", botocore_client.patch_metadata),
    Library("aiobotocore", "aiobotocore.client", botocore_client.patch_metadata),
)

_METERED = ("Client.send", "AsyncClient.send", "ClientSession._request", "URLLib3Session.send")


class _Patch(NamedTuple):
    owner: Any
    name: str
    original: Function | None
    """None: the class inherited it."""
    replacement: Function


_meter: Meter | None = None
_patches: list[_Patch] = []
_awaited: set[str] = set()


def install(meter: Meter) -> None:
    """Meter through `meter` from now on, in libraries imported already and in later ones."""
    global _meter
    remove()
    _meter = meter
    for library in LIBRARIES:
        if library.module in _awaited:
            _on_import(library, sys.modules.get(library.module))
        else:
            _awaited.add(library.module)
            wrapt.register_post_import_hook(functools.partial(_on_import, library), library.module)


def remove() -> None:
    """Put the original methods back. One that others have wrapped since just passes through."""
    global _meter
    if _meter is not None:
        _meter.is_on = False
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
    methods = [
        (patch.owner.__module__, f"{patch.owner.__name__}.{patch.name}") for patch in _patches
    ]
    return [f"{module}.{method}" for module, method in methods if method in _METERED]


def _on_import(library: Library, module: ModuleType | None) -> None:
    if _meter is not None and module is not None:
        faults.guarded("hook", library.patch, module, _meter, _replace)


def _replace(owner: Any, name: str, wrap: Callable[[Function], Function]) -> None:
    original = getattr(owner, name)
    replacement = functools.wraps(original)(wrap(original))
    is_own = name in owner.__dict__
    setattr(owner, name, replacement)
    _patches.append(_Patch(owner, name, original if is_own else None, replacement))
