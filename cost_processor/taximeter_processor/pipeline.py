"""The story of a request: bytes, spans, calls, prices, ledger, metrics; then, and only then, 200.

A `Pipeline` is used by one thread. `process` takes several bodies at once, so that they share one
commit; each gets its own answer.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from taximeter_processor import clock
from taximeter_processor.costing import book
from taximeter_processor.credentials import Pin
from taximeter_processor.errors import BadRequest, LedgerError, Overloaded
from taximeter_processor.gaps import Gaps, Losses, arrivals
from taximeter_processor.ingest.body import decompress
from taximeter_processor.ingest.calls import CallReader
from taximeter_processor.ingest.decoded import Decoded
from taximeter_processor.ingest.otlp import Decoder, Rejected
from taximeter_processor.ingest.providers import WELL_KNOWN
from taximeter_processor.ledger.arrivals import Arrival
from taximeter_processor.ledger.prune import LOOK_AFTER_US
from taximeter_processor.ledger.queries import horizon_us
from taximeter_processor.ledger.record import DeadLetter, Record
from taximeter_processor.ledger.store import LedgerStore
from taximeter_processor.metrics.counters import CostCounters
from taximeter_processor.metrics.meter import SelfMetrics
from taximeter_processor.model import Call
from taximeter_processor.names import OVERFLOW_VALUE
from taximeter_processor.pricing.book import PriceBook
from taximeter_processor.settings import Limits
from taximeter_processor.tagging import PINNED, TagRules

BACKFILL_AFTER_US: Final = 3_600_000_000
COMMIT_RECORDS: Final = 10_000
"""A commit holds this many calls and links and one body more at the most: its memory's bound."""
BEFORE_RETENTION: Final = "before_retention"
MOST_REASONS_TOLD: Final = 5
MOST_UNKNOWN_KEYS: Final = 100


class Body(NamedTuple):
    """One request as it came over the wire."""

    data: bytes
    content_type: str
    encoding: str
    peer: str
    token: str = ""
    """The name of the token it came with."""
    pin: Pin | None = None


class Accepted(NamedTuple):
    """The body's good spans are in the ledger; `rejected_spans` never will be, and why."""

    rejected_spans: int = 0
    message: str = ""


Answer = Accepted | BadRequest | Overloaded


@dataclass
class _Batch:
    """What a group of bodies adds up to before the commit."""

    now_us: int
    """When its calls arrived: the wall clock, but always rising."""
    steady_us: int
    """The same moment by a clock that nobody sets: a call is old, or ahead, if it is by both."""
    records: list[Record] = field(default_factory=list)
    dead_letters: list[DeadLetter] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    violations: Counter[tuple[str, str]] = field(default_factory=Counter)
    outside_pin: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(token, tag) of what its sender may not tell."""
    unknown_usage_keys: Counter[str] = field(default_factory=Counter)
    arrivals: list[Arrival] = field(default_factory=list)
    horizon_us: int | None = None
    """Where the ledger begins; looked up for the first call that may be from before it."""
    links: dict[tuple[str, str], str] = field(default_factory=dict)
    """Parents of spans that are no calls: calls above them are above what is below them."""


class Pipeline:
    """From wire bytes to committed rows and counted metrics."""

    def __init__(
        self,
        *,
        store: LedgerStore,
        book: PriceBook,
        rules: TagRules,
        decoder: Decoder,
        reader: CallReader,
        counters: CostCounters,
        metrics: SelfMetrics,
        writer: str,
        limits: Limits,
        clock_ns: Callable[[], int] = time.time_ns,
        steady_us: Callable[[], int] = clock.steady_us,
    ) -> None:
        self._store = store
        self._book = book
        self._rules = rules
        self._decoder = decoder
        self._reader = reader
        self._counters = counters
        self._metrics = metrics
        self._writer = writer
        self._limits = limits
        self._clock_ns = clock_ns
        self._steady_us = steady_us
        self._gaps = Gaps(steady_us())
        self._watch = 0
        self._last_ingest_us = 0
        self._usage_keys: set[str] = set()

    def process(self, bodies: Sequence[Body]) -> list[Answer]:
        """One answer for each body, in order; raises nothing that a client could cause."""
        answers: list[Answer] = []
        batch = self._new_batch()
        for body in bodies:
            batch.answers.append(self._read(body, batch))
            if len(batch.records) + len(batch.links) >= COMMIT_RECORDS:
                answers += self._settled(batch)
                batch = self._new_batch()
        return answers + self._settled(batch) if batch.answers else answers

    def probe(self) -> None:
        """Commit nothing, to learn whether the ledger accepts commits."""
        self._settled(self._new_batch())

    def _settled(self, batch: _Batch) -> list[Answer]:
        """The answers of a batch once it is committed, or cannot be."""
        try:
            self._commit(batch)
        except LedgerError as error:
            self._metrics.commits.labels("failed").inc()
            self._metrics.set_ready(False)
            return [
                answer if isinstance(answer, BadRequest) else Overloaded(str(error), 5)
                for answer in batch.answers
            ]
        return batch.answers

    def _new_batch(self) -> _Batch:
        """Times of arrival rise strictly, so that their order survives in the ledger."""
        self._last_ingest_us = max(self._clock_ns() // 1000, self._last_ingest_us + 1)
        return _Batch(self._last_ingest_us, self._steady_us())

    def _read(self, body: Body, batch: _Batch) -> Answer:
        """Add a body's records to the batch."""
        try:
            data = decompress(body.data, body.encoding, self._limits.decoded_bytes)
            latest_us = max(batch.now_us, batch.steady_us)
            decoded = self._decoder.decode(data, body.content_type, latest_us * 1000)
            return self._accepted(batch, body, self._sort_out(decoded, body, batch))
        except BadRequest as error:
            self._bury(batch, body, error.reason, str(error))
            # A new one: the traceback would keep the body for as long as the garbage collector.
            return BadRequest(error.status, error.reason, str(error))
        except LedgerError as error:
            # What was taken already is recognised when the client sends it again.
            return Overloaded(str(error), 5)

    def _sort_out(self, decoded: Decoded, body: Body, batch: _Batch) -> list[Rejected]:
        """Add what is a call to the batch; returns what is refused."""
        batch.unknown_usage_keys.update(decoded.unknown_usage_keys)
        batch.arrivals += arrivals(decoded.spans)
        refused = list(decoded.rejected)
        readings = self._reader.read_all(decoded.spans)
        for span, found in zip(decoded.spans, readings, strict=True):
            if type(found) is Call:
                if (rejected := self._take(found, body, batch)) is not None:
                    refused.append(rejected)
            elif isinstance(found, Rejected):
                refused.append(found)
            else:
                batch.outcomes["not_a_call"] += 1
                if span.parent_span_id:
                    batch.links[(span.trace_id, span.span_id)] = span.parent_span_id
        for tag, times in self._reader.tags.take_invalid().items():
            batch.violations[(tag, "invalid")] += times
        return refused

    def _take(self, call: Call, body: Body, batch: _Batch) -> Rejected | None:
        """Add one call's record to the batch, or say why it is refused."""
        if self._is_pruned(call, batch):
            return Rejected(
                BEFORE_RETENTION, "the call began before the ledger does: its time was pruned"
            )
        call, violations = self._rules.book(call, body.pin)
        if violations:
            batch.violations.update(violations)
            batch.outside_pin.update((body.token, tag) for tag, why in violations if why == PINNED)
        try:
            record = book(
                call,
                self._book,
                writer=self._writer,
                now_us=batch.now_us,
                backfill_before_us=min(batch.now_us, batch.steady_us) - BACKFILL_AFTER_US,
            )
        except ValueError as error:
            return Rejected("bad_count", str(error))
        if call.raw_usage:
            counts = json.dumps(call.raw_usage, separators=(",", ":"))
            record = record._replace(raw_usage=counts)
        batch.records.append(record)
        return None

    def _is_pruned(self, call: Call, batch: _Batch) -> bool:
        """Raises `LedgerError` when the horizon cannot be looked up."""
        if call.start_us >= batch.now_us - LOOK_AFTER_US:
            return False
        if batch.horizon_us is None:
            batch.horizon_us = horizon_us(self._store)
        return call.start_us < batch.horizon_us

    def _accepted(self, batch: _Batch, body: Body, refused: Sequence[Rejected]) -> Accepted:
        """Account for refused spans: metric, one dead letter for each reason, partial success."""
        if not refused:
            return Accepted()
        reasons = Counter(rejected.reason for rejected in refused)
        first = {rejected.reason: rejected.message for rejected in reversed(refused)}
        batch.rejected.update(reasons)
        for reason, times in reasons.items():
            self._bury(batch, body, reason, f"{times} spans; the first: {first[reason]}")
        told = [
            f"{reason} ({times}): {first[reason]}"
            for reason, times in reasons.most_common(MOST_REASONS_TOLD)
        ]
        return Accepted(len(refused), "; ".join(told))

    def _bury(self, batch: _Batch, body: Body, reason: str, detail: str) -> None:
        digest = hashlib.sha256(body.data).hexdigest()
        batch.dead_letters.append(
            DeadLetter(batch.now_us, reason, detail[:200], body.peer, len(body.data), digest)
        )

    def _commit(self, batch: _Batch) -> None:
        """Make the batch durable, then count exactly what was new."""
        with self._metrics.committing():
            fresh = self._store.append(
                batch.records, batch.dead_letters, batch.links, batch.arrivals
            )
        self._counters.apply(fresh, self._steady_us())
        metrics = self._metrics
        metrics.commits.labels("ok").inc()
        metrics.set_ready(True)
        if fresh:
            metrics.last_commit.set(batch.now_us / 1_000_000)
        batch.outcomes["call"] += len(fresh)
        # More than the batch when a commit before it was in doubt, and had gone through.
        batch.outcomes["duplicate"] += max(len(batch.records) - len(fresh), 0)
        batch.outcomes["rejected"] += sum(batch.rejected.values())
        lost = self._lost(batch.steady_us)
        for metric, counted in (
            (metrics.spans, batch.outcomes),
            (metrics.rejected, batch.rejected),
            (metrics.unknown_usage_keys, self._bounded_keys(batch.unknown_usage_keys)),
            (metrics.dead_letters, Counter(letter.reason for letter in batch.dead_letters)),
            (metrics.missing_spans, lost.missing),
            (metrics.recovered_spans, lost.recovered),
        ):
            for label, times in counted.items():
                metric.labels(label).inc(times)
        statuses = Counter((record.usage_status, record.provider) for record in fresh)
        for (status, provider), times in statuses.items():
            label = provider if provider in WELL_KNOWN else OVERFLOW_VALUE
            metrics.usage_status.labels(status, label).inc(times)
        for (tag, reason), times in batch.violations.items():
            metrics.tag_violations.labels(tag, reason).inc(times)
        for (token, tag), times in batch.outside_pin.items():
            metrics.token_violations.labels(token, tag).inc(times)

    def _lost(self, now_us: int) -> Losses:
        """Spans that turn out to be missing, if it is this process that watches."""
        watch, arrived = self._store.arrived()
        if watch != self._watch:
            self._gaps, self._watch = Gaps(now_us), watch
        return self._gaps.observe(arrived, now_us)

    def _bounded_keys(self, counted: Counter[str]) -> Counter[str]:
        """Keys as labels: the first hundred by name, all others as `other`."""
        bounded: Counter[str] = Counter()
        for key, times in counted.items():
            if key not in self._usage_keys and len(self._usage_keys) < MOST_UNKNOWN_KEYS:
                self._usage_keys.add(key)
            bounded[key if key in self._usage_keys else OVERFLOW_VALUE] += times
        return bounded
