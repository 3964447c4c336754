"""Turns `URLLib3Session.send` of botocore into one that meters, and stamps tags on Bedrock calls.

`send` is where botocore passes once per attempt, retries included. A body that is still to come is
metered as the application reads it, through the urllib3 response that botocore hands over.
aiobotocore sends through aiohttp or httpx, which are metered themselves.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from taximeter import attributes, faults
from taximeter.capture.attempt import Attempt
from taximeter.capture.meter import Meter, model_of
from taximeter.capture.shells import Function, Replace, metered, request_of, show

_STAMPED = ("Converse", "ConverseStream")
_ATTEMPT_NUMBER = re.compile(r"attempt=(\d+)")
_METADATA_VALUE = re.compile(r"[a-zA-Z0-9\s:_@$#=/+,.\-]{1,256}")
"""What Bedrock takes as a value of `requestMetadata`."""


def patch(httpsession: Any, meter: Meter, replace: Replace) -> None:
    """Meter `botocore.httpsession`."""
    replace(
        httpsession.URLLib3Session,
        "send",
        functools.partial(metered, meter=meter, begin=_begin, settle=_settle),
    )


def patch_metadata(client: Any, meter: Meter, replace: Replace) -> None:
    """Stamp the tags on Converse calls of `botocore.client` or `aiobotocore.client`, if asked."""
    if meter.stamps_bedrock:
        owner = getattr(client, "AioBaseClient", None) or client.BaseClient
        replace(owner, "_make_api_call", functools.partial(_stamped, meter=meter))


def amazon_retries(headers: Mapping[str, Any]) -> int | None:
    """Which retry this is, from `amz-sdk-request: attempt=2; max=5`."""
    value = headers.get("amz-sdk-request", "")
    found = _ATTEMPT_NUMBER.search(value.decode() if isinstance(value, bytes) else value)
    return int(found.group(1)) - 1 if found else None


def _begin(meter: Meter, arguments: tuple[Any, ...], named: Mapping[str, Any]) -> Attempt | None:
    request = request_of(arguments, named)
    if request.method != "POST":
        return None
    url = urlsplit(request.url)
    target = meter.target(url.scheme, url.hostname or "", url.port, lambda: url.path)
    if target is None:
        return None
    return meter.begin(target, lambda: model_of(request.body), amazon_retries(request.headers))


def _settle(attempt: Attempt, response: Any) -> None:
    attempt.answer(
        response.status_code, response.headers, response.headers.get("content-encoding", "")
    )
    if response._content is not None:
        attempt.read(response._content)
        attempt.complete()
        return
    raw = response.raw
    raw._taximeter_attempt = attempt
    raw.__class__ = _metered_response(raw.__class__)


@functools.lru_cache(maxsize=16)
def _metered_response(response: Any) -> Any:
    """The urllib3 response's class, with the places where bytes are read made visible."""

    def read(self: Any, amt: int | None = None, *args: Any, **kwargs: Any) -> Any:
        return _reading(self, amt, response.read, amt, *args, **kwargs)

    def read1(self: Any, amt: int | None = None, *args: Any, **kwargs: Any) -> Any:
        return _reading(self, amt or -1, response.read1, amt, *args, **kwargs)

    def read_chunked(self: Any, *args: Any, **kwargs: Any) -> Iterator[Any]:
        attempt = self._taximeter_attempt
        try:
            for chunk in response.read_chunked(self, *args, **kwargs):
                show(attempt, chunk)
                yield chunk
        except BaseException as error:
            faults.guarded("span", attempt.fail, error)
            raise
        faults.guarded("span", attempt.complete)

    def close(self: Any) -> None:
        try:
            response.close(self)
        finally:
            faults.guarded("span", self._taximeter_attempt.abort)

    def __del__(self: Any) -> None:
        faults.guarded("span", self._taximeter_attempt.abort)
        inherited = getattr(response, "__del__", None)
        if inherited is not None:
            inherited(self)

    methods = (read, read1, read_chunked, close, __del__)
    return type(
        response.__name__,
        (response,),
        {"__module__": response.__module__} | {method.__name__: method for method in methods},
    )


def _reading(raw: Any, amount: int | None, read: Function, *args: Any, **kwargs: Any) -> Any:
    attempt = raw._taximeter_attempt
    try:
        chunk = read(raw, *args, **kwargs)
    except BaseException as error:
        faults.guarded("span", attempt.fail, error)
        raise
    if chunk:
        show(attempt, chunk)
    # Asked for everything, or answered with nothing, or nothing remains: this was the end.
    if amount is None or (not chunk and amount) or raw.length_remaining == 0:
        faults.guarded("span", attempt.complete)
    return chunk


def _stamped(original: Function, *, meter: Meter) -> Function:
    def call(client: Any, operation_name: str, api_params: Any) -> Any:
        stamped = None
        if meter.is_on and operation_name in _STAMPED:
            stamped = faults.guarded("request metadata", _with_metadata, meter, api_params)
        return original(client, operation_name, api_params if stamped is None else stamped)

    return call


def _with_metadata(meter: Meter, parameters: Mapping[str, Any]) -> dict[str, Any] | None:
    """A copy of the parameters with the tags; what the application has put there stays."""
    tags = {
        name: value
        for name, value in meter.tags().items()
        if name in attributes.TAGS and _METADATA_VALUE.fullmatch(value)
    }
    if not tags:
        return None
    return {**parameters, "requestMetadata": {**tags, **parameters.get("requestMetadata", {})}}
