"""Turns the tags of whoever enqueues an arq job into the tags the job runs in."""

from __future__ import annotations

import functools
import pickle
from collections.abc import Callable, Mapping
from typing import Any

import arq.connections
import arq.worker
from opentelemetry import context as otel_context

from taximeter import attributes, faults
from taximeter.tags import block_of, checked, values_in

KEY = "taximeter"
"""The key of a job's payload that carries the tags, by span attribute name."""

Function = Callable[..., Any]
Payload = dict[str, Any]


@functools.cache
def install() -> None:
    """Carry tags from `enqueue_job` to the workers: call it in both. Twice is the same as once.

    The tags are one more key of the payload, which workers without this ignore.
    """
    faults.guarded("job tags", _replace, arq.connections, "serialize_job", _stamping)
    faults.guarded("job tags", _replace, arq.worker, "deserialize_job_raw", _entering)


def _replace(module: Any, name: str, wrap: Callable[[Function], Function]) -> None:
    original = getattr(module, name)
    setattr(module, name, functools.wraps(original)(wrap(original)))


def _stamping(original: Function) -> Function:
    def serialize_job(*args: Any, serializer: Function | None = None, **named: Any) -> Any:
        tags = faults.guarded("job tags", _current_tags)
        if tags:
            serializer = functools.partial(_serialize, serializer or pickle.dumps, tags)
        return original(*args, serializer=serializer, **named)

    return serialize_job


def _current_tags() -> dict[str, str]:
    return dict(values_in(otel_context.get_current()))


def _serialize(serializer: Function, tags: dict[str, str], payload: Payload) -> Any:
    try:
        return serializer({**payload, KEY: tags})
    except Exception as error:
        # A serialiser of the application's own may know arq's keys only.
        serialized = serializer(payload)
        faults.report("job tags", error)
        return serialized


def _entering(original: Function) -> Function:
    def deserialize_job_raw(raw: bytes, *, deserializer: Function | None = None) -> Any:
        payloads: list[Any] = []

        def deserialize(data: bytes) -> Any:
            payloads.append((deserializer or pickle.loads)(data))
            return payloads[-1]

        job = original(raw, deserializer=deserialize)
        faults.guarded("job tags", _enter, payloads)
        return job

    return deserialize_job_raw


def _enter(payloads: list[Payload]) -> None:
    """Enter the job's block; the worker runs every job in a task, and so a context, of its own."""
    carried = payloads[-1].get(KEY)
    if isinstance(carried, Mapping):
        block_of(checked({name: carried.get(name) for name in attributes.TAGS})).__enter__()
