"""The meter is metered: what was received, refused, queued and committed."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from taximeter_processor import __version__, names

STUCK_SECONDS: Final = 10.0
"""A commit that takes longer hangs, as one does on a database server that stands still."""


class SelfMetrics:
    """Counters and gauges of the process itself, in a registry of their own."""

    def __init__(self, *, writer: str, queue_limit_bytes: int, label_sets_limit: int) -> None:
        self.registry = CollectorRegistry()
        self.spans = self._counter(names.INGEST_SPANS)
        self.rejected = self._counter(names.INGEST_REJECTED)
        self.requests = self._counter(names.INGEST_REQUESTS)
        self.http_refused = self._counter(names.HTTP_REFUSED)
        self.reads = self._counter(names.READS)
        self.body_bytes = self._counter(names.INGEST_BYTES)
        self.unknown_usage_keys = self._counter(names.UNKNOWN_USAGE_KEYS)
        self.tag_violations = self._counter(names.TAG_VIOLATIONS)
        self.token_violations = self._counter(names.TOKEN_VIOLATIONS)
        self.usage_status = self._counter(names.USAGE_STATUS)
        self.dead_letters = self._counter(names.DEAD_LETTERS)
        self.missing_spans = self._counter(names.MISSING_SPANS)
        self.recovered_spans = self._counter(names.RECOVERED_SPANS)
        self.digests = self._counter(names.DIGESTS)
        self.commits = self._counter(names.LEDGER_COMMITS)
        self.commit_seconds = Histogram(
            names.LEDGER_COMMIT_SECONDS.name,
            names.LEDGER_COMMIT_SECONDS.help,
            registry=self.registry,
        )
        self.queue_bytes = self._gauge(names.INGEST_QUEUE_BYTES)
        self.last_commit = self._gauge(names.INGEST_LAST_COMMIT)
        self._ready = self._gauge(names.LEDGER_READY)
        self._ready.set_function(lambda: float(self.is_ready))
        self._committing_since: float | None = None
        self.set_ready(True)
        self._gauge(names.INGEST_QUEUE_LIMIT).set(queue_limit_bytes)
        self._gauge(names.LABEL_SETS_LIMIT).set(label_sets_limit)
        self._gauge(names.CONFIG_INFO).labels(__version__, writer).set(1)
        for result in ("ok", "failed"):
            self.commits.labels(result)
        for outcome in ("call", "not_a_call", "duplicate", "rejected"):
            self.spans.labels(outcome)

    def set_ready(self, ready: bool) -> None:
        """Note whether the last commit went through."""
        self._went_through = ready
        self._told_at = time.monotonic()

    @contextlib.contextmanager
    def committing(self) -> Iterator[None]:
        """Around a commit, which may hang."""
        self._committing_since = time.monotonic()
        try:
            yield
        finally:
            self._committing_since = None

    @property
    def is_stuck(self) -> bool:
        """A commit is under way for longer than any takes."""
        since = self._committing_since
        return since is not None and time.monotonic() - since > STUCK_SECONDS

    @property
    def is_ready(self) -> bool:
        """The last commit, if there was one, went through, and none hangs."""
        return self._went_through and not self.is_stuck

    @property
    def seconds_since_told(self) -> float:
        """How old what `is_ready` says is."""
        return time.monotonic() - self._told_at

    def _counter(self, metric: names.Metric) -> Counter:
        return Counter(metric.name, metric.help, metric.labels, registry=self.registry)

    def _gauge(self, metric: names.Metric) -> Gauge:
        return Gauge(metric.name, metric.help, metric.labels, registry=self.registry)
