"""Turns any fault of ours into a count and one log line per kind: none reaches the application."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterator
from typing import TypeVar

Result = TypeVar("Result")

_logger = logging.getLogger("taximeter")
_numbers: dict[str, Iterator[int]] = {}
_counts: dict[str, int] = {}


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
    # No lock: this may run while garbage is collected, or in a child forked at any moment.
    number = next(_numbers.setdefault(kind, itertools.count(1)))
    _counts[kind] = number
    if number == 1:
        _logger.warning("taximeter: %s: %s (further ones are only counted)", kind, message)


def counts() -> dict[str, int]:
    """How often each kind happened in this process."""
    return dict(_counts)


def reset() -> None:
    """Forget all counts, so that the next of every kind is logged again."""
    _numbers.clear()
    _counts.clear()


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "an unknown place"
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
