"""Carries bodies from the event loop to the one thread that owns the pipeline, and answers back.

Bodies that wait together are processed together and share one commit (group commit). The queue is
bounded in bytes; past the bound the client is told to come back.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, Final, Protocol, TypeVar

from taximeter_processor.errors import Overloaded
from taximeter_processor.metrics.meter import SelfMetrics
from taximeter_processor.pipeline import Answer, Body

GROUP_BYTES: Final = 4 << 20
GROUP_BODIES: Final = 32
LINGER_SECONDS: Final = 0.01
"""How long the first body of a group waits for others: they share the cost of one commit."""

_log = logging.getLogger(__name__)
_Result = TypeVar("_Result")
_Job = tuple[Callable[[], Any], "Future[Any]"]


class Processor(Protocol):
    """What the worker needs of the pipeline."""

    def process(self, bodies: Sequence[Body]) -> list[Answer]:
        """One answer for each body, in order."""
        ...


class IngestWorker:
    """A thread that takes bodies in groups; `submit` and `run` may be called from any thread."""

    def __init__(self, pipeline: Processor, metrics: SelfMetrics, queue_bytes: int) -> None:
        self._pipeline = pipeline
        self._metrics = metrics
        self._limit = queue_bytes
        self._bodies: deque[tuple[Body, Future[Answer]]] = deque()
        self._jobs: deque[_Job] = deque()
        self._bytes = 0
        self._wake = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._loop, name="taximeter-ingest", daemon=True)

    def start(self) -> None:
        """Begin taking bodies."""
        self._thread.start()

    def stop(self) -> None:
        """Process what is queued, then end; later submissions are refused."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join()

    @property
    def is_alive(self) -> bool:
        """The thread runs, or was not started yet."""
        return self._thread.is_alive() or self._thread.ident is None

    def submit(self, body: Body) -> Future[Answer]:
        """Queue one body. Raises `Overloaded` when the queue is full or the service stops.

        A body counts until it is answered. One that is larger than the queue has it to itself.
        """
        size = len(body.data)
        with self._wake:
            if self._stopping:
                raise Overloaded("the service is stopping", 5)
            if self._bytes and self._bytes + size > self._limit:
                raise Overloaded(f"{self._bytes} bytes are waiting; the limit is {self._limit}", 1)
            future: Future[Answer] = Future()
            self._bodies.append((body, future))
            self._bytes += size
            self._wake.notify()
        self._metrics.queue_bytes.set(self._bytes)
        return future

    def run(self, job: Callable[[], _Result]) -> Future[_Result]:
        """Run a function between two groups, where ledger and counters agree."""
        future: Future[_Result] = Future()
        with self._wake:
            if self._stopping:
                raise Overloaded("the service is stopping", 5)
            self._jobs.append((job, future))
            self._wake.notify()
        return future

    def _loop(self) -> None:
        while True:
            with self._wake:
                while not (self._bodies or self._jobs or self._stopping):
                    self._wake.wait()
                if not (self._bodies or self._jobs):
                    return
                if self._bodies and not self._stopping:
                    self._wake.wait_for(self._has_group, LINGER_SECONDS)
                group = self._next_group()
                jobs = list(self._jobs)
                self._jobs.clear()
            if group:
                self._process(group)
            for job, future in jobs:
                _complete(future, job)

    def _has_group(self) -> bool:
        return self._stopping or len(self._bodies) >= GROUP_BODIES or self._bytes >= GROUP_BYTES

    def _next_group(self) -> list[tuple[Body, Future[Answer]]]:
        group: list[tuple[Body, Future[Answer]]] = []
        size = 0
        while self._bodies and len(group) < GROUP_BODIES and size < GROUP_BYTES:
            group.append(self._bodies.popleft())
            size += len(group[-1][0].data)
        return group

    def _process(self, group: list[tuple[Body, Future[Answer]]]) -> None:
        started = time.perf_counter()
        answers = self._answers([body for body, _ in group])
        self._metrics.commit_seconds.observe(time.perf_counter() - started)
        with self._wake:
            self._bytes -= sum(len(body.data) for body, _ in group)
        self._metrics.queue_bytes.set(self._bytes)
        for (_, future), answer in zip(group, answers, strict=True):
            if future.set_running_or_notify_cancel():
                future.set_result(answer)

    def _answers(self, bodies: list[Body]) -> list[Answer]:
        """One answer each; a body that brings the pipeline down does not take others with it."""
        try:
            return self._pipeline.process(bodies)
        except Exception:
            if len(bodies) > 1:
                return [answer for body in bodies for answer in self._answers([body])]
            _log.exception("a body failed; its client will retry")
            return [Overloaded("an internal fault; retry", 5)]


def _complete(future: Future[Any], job: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(job())
    except Exception as error:
        future.set_exception(error)
