"""Turns any fault of ours into a count and one log line per kind: none reaches the application."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")

_logger = logging.getLogger("taximeter")
_counts: dict[str, int] = {}
_lock = threading.Lock()


def guarded(kind: str, function: Callable[..., Result], *arguments: object) -> Result | None:
    """Call `function`; if it raises, report a fault of this kind and answer None."""
    try:
        return function(*arguments)
    except Exception as error:
        report(kind, error)
        return None


def report(kind: str, error: BaseException) -> None:
    """Count a fault of ours. Its message is not logged: it may quote what was being read."""
    note(kind, f"{type(error).__name__} at {_place(error)}; the application is unaffected")


def note(kind: str, message: str) -> None:
    """Count something that was ignored, and log the first of its kind."""
    with _lock:
        _counts[kind] = _counts.get(kind, 0) + 1
        is_first = _counts[kind] == 1
    if is_first:
        _logger.warning("taximeter: %s: %s (further ones are only counted)", kind, message)


def counts() -> dict[str, int]:
    """How often each kind happened in this process."""
    with _lock:
        return dict(_counts)


def reset() -> None:
    """Forget all counts, so that the next of every kind is logged again."""
    with _lock:
        _counts.clear()


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "an unknown place"
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
