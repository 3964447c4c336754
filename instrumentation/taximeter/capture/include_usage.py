"""Turns OpenAI streams that would come without usage into ones that the meter can read.

Opt-in. The request goes out with `stream_options.include_usage`, and the one event that this adds
is taken out of what the application reads. Where that cannot be done exactly the request stays as
it is, counted by reason.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from itertools import pairwise
from typing import Any

from taximeter import faults
from taximeter.capture.meter import Meter, Target
from taximeter.capture.shells import Function, Replace
from taximeter.providers.base import members

PROVIDERS = frozenset({"openai", "azure.ai.openai", "deepseek", "groq", "x_ai"})
"""Whose chat completions are known to take the option and to answer with one more event."""

_PATH_TAILS = ("/chat/completions", "/completions")
_SIGNED = ("x-amz-content-sha256", "content-digest", "digest", "content-md5", "signature")
_MAX_REQUEST_BYTES = 1 << 20
_MAX_HELD_BYTES = 1 << 16
_NO_CHOICE = re.compile(rb'"choices"\s*:\s*\[\s*\]')
_EVENT_END = re.compile(rb"\n\n|\r\n\r\n|\r\r")

TargetOf = Callable[[Meter, Any], "Target | None"]


def patch(library: Any, meter: Meter, replace: Replace, target_of: TargetOf) -> None:
    """Put this around the metered `send` of both clients of `httpx` or `httpx2`."""
    ask = functools.partial(_asking, library, meter, target_of)
    sync_stream = type("TaximeterStream", (_Hiding, library.SyncByteStream), {})
    async_stream = type("TaximeterStream", (_HidingAsync, library.AsyncByteStream), {})
    replace(library.Client, "send", functools.partial(_send, ask=ask, stream=sync_stream))
    replace(
        library.AsyncClient, "send", functools.partial(_send_async, ask=ask, stream=async_stream)
    )


def _send(original: Function, *, ask: Function, stream: type[Any]) -> Function:
    def send(client: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        asked = faults.guarded("stream usage", ask, request, kwargs)
        if asked is None:
            return original(client, request, *args, **kwargs)
        response = original(client, asked, *args, **kwargs)
        faults.guarded("stream usage", _hide, response, request, stream)
        return response

    return send


def _send_async(original: Function, *, ask: Function, stream: type[Any]) -> Function:
    async def send(client: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        asked = faults.guarded("stream usage", ask, request, kwargs)
        if asked is None:
            return await original(client, request, *args, **kwargs)
        response = await original(client, asked, *args, **kwargs)
        faults.guarded("stream usage", _hide, response, request, stream)
        return response

    return send


def _asking(
    library: Any, meter: Meter, target_of: TargetOf, request: Any, options: dict[str, Any]
) -> Any | None:
    """A copy of the request that asks for usage, or None if it is to go out as it is."""
    target = target_of(meter, request) if meter.is_on else None
    if target is None or not request.url.path.endswith(_PATH_TAILS):
        return None
    body = _streaming_body(request)
    if body is None:
        return None
    reason = _obstacle(request, body, target, options)
    if reason:
        faults.note("stream usage", f"a stream was left without usage: {reason}")
        return None
    content = _with_usage(request.content, body)
    headers = request.headers.copy()
    headers["content-length"] = str(len(content))
    # What is compressed could not be taken out of the stream again.
    headers["accept-encoding"] = "identity"
    return library.Request(
        request.method,
        request.url,
        headers=headers,
        content=content,
        extensions=request.extensions,
    )


def _streaming_body(request: Any) -> dict[str, Any] | None:
    """The request's JSON, if it asks for a stream and not for its usage."""
    if not request.headers.get("content-type", "").startswith("application/json"):
        return None
    try:
        content = request.content
    except Exception:
        return None
    if b'"stream"' not in content or len(content) > _MAX_REQUEST_BYTES:
        return None
    body = members(json.loads(content))
    has_chosen = "include_usage" in members(body.get("stream_options"))
    return body if body.get("stream") is True and not has_chosen else None


def _obstacle(request: Any, body: dict[str, Any], target: Target, options: Any) -> str:
    headers = request.headers
    if target.route.provider not in PROVIDERS:
        return "this provider is not known to take the option"
    is_signed = headers.get("authorization", "").startswith("AWS4-")
    if is_signed or any(name in headers for name in _SIGNED):
        return "its body is signed"
    if headers.get("content-encoding", "identity") != "identity":
        return "its body is encoded"
    if not isinstance(body.get("stream_options", {}), dict):
        return "its stream_options are no object"
    return "" if options.get("stream") else "it is read whole"


def _with_usage(content: bytes, body: dict[str, Any]) -> bytes:
    if "stream_options" in body:
        options = {**body["stream_options"], "include_usage": True}
        return json.dumps({**body, "stream_options": options}).encode()
    head = content.rstrip().removesuffix(b"}")
    return head + b',"stream_options":{"include_usage":true}}'


def _hide(response: Any, request: Any, stream: type[Any]) -> None:
    """Give the response back to the request the application made, less the added event."""
    response.request = request
    headers = response.headers
    is_events = headers.get("content-type", "").startswith("text/event-stream")
    if not is_events:
        return
    if headers.get("content-encoding", "identity") != "identity":
        faults.note("stream usage", "the added event is visible: the answer is encoded")
        return
    response.stream = stream(response.stream, _Filter())


class _Filter:
    """Lets bytes pass, whole events at a time, but for the event that was asked for."""

    def __init__(self) -> None:
        self._held = b""
        self._is_open = True

    def passed(self, chunk: bytes) -> bytes:
        """What the application may read now."""
        if not self._is_open:
            return chunk
        if not self._held and chunk.endswith(b"\n\n") and not _NO_CHOICE.search(chunk):
            return chunk
        data = self._held + chunk
        ends = [0, *(end.end() for end in _EVENT_END.finditer(data))]
        events = [data[start:end] for start, end in pairwise(ends)]
        self._held = data[ends[-1] :]
        if len(self._held) > _MAX_HELD_BYTES:
            self._is_open = False
            faults.note("stream usage", "the added event may be visible: an event is too long")
            events.append(self.rest())
        return b"".join(event for event in events if not _is_added(event))

    def rest(self) -> bytes:
        """What was held back when the stream ended within an event."""
        held, self._held = self._held, b""
        return held


def _is_added(event: bytes) -> bool:
    """This is the event that `include_usage` adds: no choice, and usage."""
    if b'"usage"' not in event:
        return False
    data = b"".join(line[5:].strip() for line in event.splitlines() if line.startswith(b"data:"))
    try:
        body = members(json.loads(data))
    except ValueError:
        return False
    return body.get("choices") == [] and bool(members(body.get("usage")))


class _Inside:
    """A stream around another; attributes we do not have are those of the one inside."""

    def __init__(self, stream: Any, events: _Filter) -> None:
        self._stream = stream
        self._events = events

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_stream"], name)


class _Hiding(_Inside):
    """Mixed with the library's own `SyncByteStream`."""

    def __iter__(self) -> Iterator[bytes]:
        events = self._events
        for chunk in self._stream:
            passed = faults.guarded("stream usage", events.passed, chunk)
            if passed is None:
                yield chunk
            elif passed:
                yield passed
        rest = faults.guarded("stream usage", events.rest)
        if rest:
            yield rest

    def close(self) -> None:
        self._stream.close()


class _HidingAsync(_Inside):
    """Mixed with the library's own `AsyncByteStream`."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        events = self._events
        chunks = self._stream.__aiter__()
        try:
            async for chunk in chunks:
                passed = faults.guarded("stream usage", events.passed, chunk)
                if passed is None:
                    yield chunk
                elif passed:
                    yield passed
        finally:
            if isinstance(chunks, AsyncGenerator):
                await chunks.aclose()
        rest = faults.guarded("stream usage", events.rest)
        if rest:
            yield rest

    async def aclose(self) -> None:
        await self._stream.aclose()
