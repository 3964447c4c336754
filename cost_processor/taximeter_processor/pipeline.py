"""The story of a request: bytes, spans, calls, prices, ledger, metrics; then, and only then, 200.

A `Pipeline` is used by one thread. `process` takes several bodies at once, so that they share one
commit; each gets its own answer.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from taximeter_processor.errors import BadRequest, LedgerError, Overloaded
from taximeter_processor.ingest.body import decompress
from taximeter_processor.ingest.calls import read_calls
from taximeter_processor.ingest.otlp import decode
from taximeter_processor.ledger.record import COMMON_METERS, DeadLetter, Record
from taximeter_processor.ledger.store import LedgerStore
from taximeter_processor.metrics.counters import CostCounters
from taximeter_processor.metrics.meter import SelfMetrics
from taximeter_processor.model import Call, Priced, Quantity, Status, Unpriced
from taximeter_processor.money import format_usd
from taximeter_processor.pricing.book import PriceBook
from taximeter_processor.settings import Limits
from taximeter_processor.tagging import TagRules
from taximeter_processor.usage import meters

BACKFILL_AFTER_US: Final = 3_600_000_000
_COMMON: Final = frozenset(COMMON_METERS)


class Body(NamedTuple):
    """One request as it came over the wire."""

    data: bytes
    content_type: str
    encoding: str
    peer: str


class Accepted(NamedTuple):
    """The body's good spans are in the ledger; `rejected_spans` never will be, and why."""

    rejected_spans: int = 0
    message: str = ""


Answer = Accepted | BadRequest | Overloaded


@dataclass
class _Batch:
    """What a group of bodies adds up to before the commit."""

    records: list[Record] = field(default_factory=list)
    dead_letters: list[DeadLetter] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)


class Pipeline:
    """From wire bytes to committed rows and counted metrics."""

    def __init__(
        self,
        *,
        store: LedgerStore,
        book: PriceBook,
        rules: TagRules,
        counters: CostCounters,
        metrics: SelfMetrics,
        writer: str,
        limits: Limits,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._store = store
        self._book = book
        self._rules = rules
        self._counters = counters
        self._metrics = metrics
        self._writer = writer
        self._limits = limits
        self._clock_ns = clock_ns
        self._last_ingest_us = 0

    def process(self, bodies: Sequence[Body]) -> list[Answer]:
        """One answer for each body, in order; raises nothing that a client could cause."""
        batch = _Batch()
        now_us = self._ingest_time_us()
        for body in bodies:
            batch.answers.append(self._read(body, batch, now_us))
        try:
            self._commit(batch)
        except LedgerError as error:
            return [
                answer if isinstance(answer, BadRequest) else Overloaded(str(error), 5)
                for answer in batch.answers
            ]
        return batch.answers

    def _ingest_time_us(self) -> int:
        """Strictly rising, so that order of arrival survives in the ledger."""
        self._last_ingest_us = max(self._clock_ns() // 1000, self._last_ingest_us + 1)
        return self._last_ingest_us

    def _read(self, body: Body, batch: _Batch, now_us: int) -> Answer:
        """Add a body's records to the batch."""
        try:
            data = decompress(body.data, body.encoding, self._limits.decoded_bytes)
            decoded = decode(data, body.content_type, now_ns=now_us * 1000)
        except BadRequest as error:
            self._bury(body.data, body.peer, error.reason, str(error), batch, now_us)
            return error
        found = read_calls(decoded.spans, aliases=self._aliases)
        return Accepted()

    def _bury(
        self, data: bytes, peer: str, reason: str, detail: str, batch: _Batch, now_us: int
    ) -> None:
        digest = hashlib.sha256(data).hexdigest()
        batch.dead_letters.append(DeadLetter(now_us, reason, detail[:200], peer, len(data), digest))
        self._metrics.dead_letters.labels(reason).inc()
