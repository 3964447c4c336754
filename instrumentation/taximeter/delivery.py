"""Turns ended spans into exported batches, and counts those that never got out."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Sequence

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult


class Delivery(SpanProcessor):
    """OpenTelemetry's batch processor over an exporter, with an account of what was lost.

    A span is lost when the queue is full (the collector does not keep up), or when the exporter
    gives up on its batch. `taximeter.sequence` shows the same as a gap at the other end.
    """

    def __init__(self, exporter: SpanExporter, max_queue_size: int | None = None) -> None:
        self._exporter = _Accountant(exporter)
        self._batches = BatchSpanProcessor(self._exporter, max_queue_size=max_queue_size)
        self._lock = threading.Lock()
        self._forget()
        if hasattr(os, "register_at_fork"):
            forget = weakref.WeakMethod(self._forget)
            os.register_at_fork(after_in_child=lambda: (found := forget()) and found())

    def _forget(self) -> None:
        """A forked child starts with an empty queue: what its parent has queued is not its own."""
        self._lock = threading.Lock()
        self._ended = self._overflowed = 0
        self._exporter.taken = self._exporter.refused = 0

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        self._batches.on_start(span, parent_context)

    def on_end(self, span: ReadableSpan) -> None:
        with self._lock:
            self._ended += 1
        self._batches.on_end(span)

    def force_flush(self, timeout_millis: int | None = None) -> bool:
        ended = self._ended
        is_flushed = self._batches.force_flush(timeout_millis)
        if is_flushed:
            # The queue is empty: whatever had ended before and was not taken is gone.
            self._overflowed = max(self._overflowed, ended - self._exporter.taken)
        return is_flushed

    def shutdown(self) -> None:
        self._batches.shutdown()  # type: ignore[no-untyped-call] # the SDK leaves it untyped
        self._overflowed = max(self._overflowed, self._ended - self._exporter.taken)

    def dropped(self) -> int:
        """Spans lost until the last flush, and batches refused since."""
        return self._overflowed + self._exporter.refused


class _Accountant(SpanExporter):
    """Counts what an exporter was given and could not deliver."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self.taken = 0
        self.refused = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.taken += len(spans)
        result = SpanExportResult.FAILURE
        try:
            result = self._exporter.export(spans)
        finally:
            if result is not SpanExportResult.SUCCESS:
                self.refused += len(spans)
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._exporter.force_flush(timeout_millis)
