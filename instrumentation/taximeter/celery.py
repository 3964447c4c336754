"""Turns the tags of whoever sends a Celery task into the tags the task runs in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from celery import signals
from opentelemetry import context as otel_context

from taximeter import attributes, faults
from taximeter.tags import block_of, checked, forget, values_in

HEADER = "taximeter"
"""The message header that carries the tags, by span attribute name."""

_BLOCK = "taximeter_block"


def install() -> None:
    """Carry tags from publishers to workers: call it in both. Calling it again changes nothing."""
    for signal, receiver in (
        (signals.before_task_publish, _publish),
        (signals.task_prerun, _begin),
        (signals.task_postrun, _end),
    ):
        signal.connect(receiver, weak=False, dispatch_uid=f"taximeter.{receiver.__name__}")


def _publish(headers: Any = None, **_: Any) -> None:
    faults.guarded("task tags", _stamp, headers)


def _begin(task: Any, **_: Any) -> None:
    faults.guarded("task tags", _enter, task.request)


def _end(task: Any, **_: Any) -> None:
    faults.guarded("task tags", _leave, task.request)


def _stamp(headers: dict[str, Any]) -> None:
    tags = values_in(otel_context.get_current())
    # A retry is sent with the headers of the message it repeats: those stay.
    if tags and HEADER not in headers:
        headers[HEADER] = dict(tags)


def _enter(request: Any) -> None:
    if request.is_eager:
        return  # it runs where it was called, inside the caller's tags
    # Whatever an earlier task of this process left open is not this one's.
    forget()
    carried = request.get(HEADER)
    if isinstance(carried, Mapping):
        block = block_of(checked({name: carried.get(name) for name in attributes.TAGS}))
        block.__enter__()
        setattr(request, _BLOCK, block)


def _leave(request: Any) -> None:
    block = request.get(_BLOCK)
    if block is not None:
        block.__exit__(None, None, None)
