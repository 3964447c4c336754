"""Turns a client's own send method into one whose attempts are begun, settled and never disturbed.

These shells are the only code of ours between the application and its client. Whatever they call
is guarded; what the client answers or raises passes through.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from taximeter import faults
from taximeter.capture.attempt import Attempt
from taximeter.capture.meter import Meter

Function = Callable[..., Any]
Begin = Callable[..., "Attempt | None"]
Settle = Callable[[Attempt, Any], object]


class Replace(Protocol):
    """Puts `wrap(original)` in place of a method, until metering is turned off."""

    def __call__(self, owner: Any, name: str, wrap: Callable[[Function], Function]) -> None: ...


def metered(original: Function, meter: Meter, begin: Begin, settle: Settle) -> Function:
    """A method that tells an attempt what becomes of its request.

    `begin` takes the meter and the call's arguments; `settle` takes the attempt and the answer.
    """

    def send(*args: Any, **kwargs: Any) -> Any:
        attempt = faults.guarded("request", begin, meter, args, kwargs) if meter.is_on else None
        if attempt is None:
            return original(*args, **kwargs)
        try:
            answer = original(*args, **kwargs)
        except BaseException as error:
            _failed(attempt, error)
            raise
        _answered(attempt, answer, settle)
        return answer

    return send


def metered_async(original: Function, meter: Meter, begin: Begin, settle: Settle) -> Function:
    """The same for a coroutine method."""

    async def send(*args: Any, **kwargs: Any) -> Any:
        attempt = faults.guarded("request", begin, meter, args, kwargs) if meter.is_on else None
        if attempt is None:
            return await original(*args, **kwargs)
        try:
            answer = await original(*args, **kwargs)
        except BaseException as error:
            _failed(attempt, error)
            raise
        _answered(attempt, answer, settle)
        return answer

    return send


def request_of(arguments: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
    """The request among the arguments of a method `send(self, request, …)`."""
    return arguments[1] if len(arguments) > 1 else named["request"]


def show(attempt: Attempt, chunk: bytes) -> None:
    """Let an attempt read a chunk that passes by."""
    try:
        attempt.watch(chunk)
    except Exception as error:
        attempt.stop_watching(error)


def _failed(attempt: Attempt, error: BaseException) -> None:
    faults.guarded("context", attempt.leave, error)
    faults.guarded("span", attempt.fail, error)


def _answered(attempt: Attempt, answer: Any, settle: Settle) -> None:
    faults.guarded("context", attempt.leave)
    if not faults.guarded("response", _settled, attempt, answer, settle):
        faults.guarded("span", attempt.abort)


def _settled(attempt: Attempt, answer: Any, settle: Settle) -> bool:
    settle(attempt, answer)
    return True
