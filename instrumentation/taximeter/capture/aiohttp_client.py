"""Turns `ClientSession._request` of aiohttp into one that meters.

Used directly (google-genai's async client, aiobotocore, litellm's `aiohttp_openai/`) it is where a
request passes once; as a transport below httpx it runs inside a metered `send` and stays silent.
The answer is metered where its bytes arrive, at the `StreamReader`, whichever way they are read.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from taximeter import faults
from taximeter.capture.attempt import Attempt
from taximeter.capture.botocore_client import amazon_retries
from taximeter.capture.meter import Meter, model_of, stainless_retries
from taximeter.capture.shells import Function, Replace, metered_async, show

_watched: dict[int, Attempt] = {}
"""By the id of their reader, which has slots only: its `__del__` takes them out again."""


def patch(client: Any, meter: Meter, replace: Replace) -> None:
    """Meter `aiohttp.client`."""
    replace(
        client.ClientSession,
        "_request",
        functools.partial(metered_async, meter=meter, begin=_begin, settle=_settle),
    )
    if meter.propagates:
        # Below redirects: each hop is a request of its own, and only named hosts get the tags.
        replace(client.ClientRequest, "send", functools.partial(_propagated, meter=meter))


def _begin(meter: Meter, arguments: tuple[Any, ...], named: Mapping[str, Any]) -> Attempt | None:
    session, method, url = _signature(*arguments, **named)
    if method.upper() != "POST":
        return None
    url = _absolute(session, url)
    target = meter.target(url.scheme, url.host or "", url.port, lambda: str(url.raw_path))
    if target is None:
        return None
    headers = {name.lower(): value for name, value in dict(named.get("headers") or ()).items()}
    return meter.begin(target, lambda: _model(named), _retries(headers))


def _signature(session: Any, method: str, str_or_url: Any, **named: Any) -> tuple[Any, str, Any]:
    return session, method, str_or_url


def _absolute(session: Any, url: Any) -> Any:
    from yarl import URL  # aiohttp itself is built on it

    absolute = URL(url)
    return absolute if absolute.host else session._build_url(url)


def _model(named: Mapping[str, Any]) -> object:
    body = named.get("json")
    if isinstance(body, Mapping):
        return body.get("model")
    data = named.get("data")
    return model_of(data.encode() if isinstance(data, str) else bytes(data))  # type: ignore[arg-type] # raises for other kinds, as it may


def _retries(headers: Mapping[str, Any]) -> int | None:
    return amazon_retries(headers) if "amz-sdk-request" in headers else stainless_retries(headers)


def _settle(attempt: Attempt, response: Any) -> None:
    headers = response.headers
    is_decoded = getattr(response._session, "auto_decompress", True)
    attempt.answer(
        response.status, headers, "" if is_decoded else headers.get("content-encoding", "")
    )
    content = response.content
    for chunk in tuple(getattr(content, "_buffer", ())):
        show(attempt, chunk)
    if content.exception() is not None:
        _break_off(attempt, content.exception())
        return
    if content.is_eof():
        attempt.complete()
        return
    _watched[id(content)] = attempt
    content.__class__ = _metered_reader(content.__class__)


@functools.lru_cache(maxsize=16)
def _metered_reader(reader: Any) -> Any:
    """The reader's class, with the places where bytes arrive made visible."""

    def feed_data(self: Any, data: bytes, *sizes: Any) -> Any:
        attempt = _watched.get(id(self))
        if attempt is not None and data:
            show(attempt, data)
        return reader.feed_data(self, data, *sizes)

    def feed_eof(self: Any) -> None:
        attempt = _watched.pop(id(self), None)
        if attempt is not None:
            faults.guarded("span", attempt.complete)
        reader.feed_eof(self)

    def set_exception(self: Any, exc: BaseException, *causes: Any) -> None:
        attempt = _watched.pop(id(self), None)
        if attempt is not None:
            faults.guarded("span", _break_off, attempt, exc)
        reader.set_exception(self, exc, *causes)

    def __del__(self: Any) -> None:
        attempt = _watched.pop(id(self), None)
        if attempt is not None:
            faults.guarded("span", attempt.abort)

    methods = (feed_data, feed_eof, set_exception, __del__)
    return type(
        reader.__name__,
        (reader,),
        {"__slots__": (), "__module__": reader.__module__}
        | {method.__name__: method for method in methods},
    )


def _break_off(attempt: Attempt, error: BaseException) -> None:
    """A connection that breaks is an error; one that the application lets go of is not."""
    if str(error) == "Connection closed":
        attempt.abort()
    else:
        attempt.fail(error)


def _propagated(original: Function, *, meter: Meter) -> Function:
    async def send(request: Any, *args: Any, **kwargs: Any) -> Any:
        if meter.is_on:
            faults.guarded("propagation", _propagate, meter, request)
        return await original(request, *args, **kwargs)

    return send


def _propagate(meter: Meter, request: Any) -> None:
    url = request.url
    meter.propagate(url.scheme, url.host or "", url.port, request.headers)
