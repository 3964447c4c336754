"""A Celery application whose tasks tell the tags they run in.

Broker and backend come from the environment variables that Celery reads itself.
"""

from __future__ import annotations

from typing import Any

import celery
from celery import signals
from opentelemetry import context

import taximeter
import taximeter.celery
from tests.taximeter.tagged import now

app: Any = celery.Celery("app")  # Celery has no types


def _attach(task: Any, **_: Any) -> None:
    """What other instrumentations do around a task."""
    task.request.token = context.attach(context.set_value("other", "span"))


def _detach(task: Any, **_: Any) -> None:
    context.detach(task.request.token)


# Connected before ours: signals undo in this order too, not in the opposite one.
signals.task_prerun.connect(_attach, weak=False)
signals.task_postrun.connect(_detach, weak=False)
taximeter.celery.install()
taximeter.celery.install()


@app.task  # type: ignore[untyped-decorator] # Celery has no types
def tell(*before: Any) -> list[Any]:
    """What the tasks before said, and the tags here."""
    return [*before, now()]


@app.task  # type: ignore[untyped-decorator] # Celery has no types
@taximeter.tags(feature="own")
def tell_own() -> dict[str, str]:
    return now()


@app.task(bind=True)  # type: ignore[untyped-decorator] # as above
def tell_when_retried(self: Any) -> dict[str, str]:
    if self.request.retries == 0:
        with taximeter.tags(feature="own"):
            raise self.retry(countdown=0)
    return now()


@app.task  # type: ignore[untyped-decorator] # Celery has no types
def send_another() -> str:
    """The id of a task that this one sends."""
    return str(tell.delay().id)


@app.task  # type: ignore[untyped-decorator] # Celery has no types
def leave_open() -> None:
    """A task that does not undo what it did."""
    taximeter.tags(feature="left", tenant="open").__enter__()
