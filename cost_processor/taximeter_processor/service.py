"""One running processor: every part built from `Settings`, in the order that makes it correct."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime, timezone
from typing import Any, Final

from taximeter_processor import __version__
from taximeter_processor.api.auth import Tokens
from taximeter_processor.api.session import Sessions
from taximeter_processor.clock import steady_us
from taximeter_processor.digest_clock import DigestClock
from taximeter_processor.ingest.calls import CallReader
from taximeter_processor.ingest.otlp import Decoder
from taximeter_processor.ingest.tags import alias_keys
from taximeter_processor.ledger import journal
from taximeter_processor.ledger.engines import open_ledger
from taximeter_processor.metrics.counters import CostCounters
from taximeter_processor.metrics.gauges import LedgerGauges
from taximeter_processor.metrics.meter import SelfMetrics
from taximeter_processor.pipeline import Pipeline
from taximeter_processor.pricing.book import PriceBook
from taximeter_processor.reports import forget, prune
from taximeter_processor.reports.asked import Asked
from taximeter_processor.reports.reads import READS
from taximeter_processor.reports.reprice import Question, reprice_slice
from taximeter_processor.reports.stored import TraceAccount, explain_trace
from taximeter_processor.reports.verify import verify
from taximeter_processor.settings import Settings
from taximeter_processor.tagging import TagRules
from taximeter_processor.upkeep import Upkeep
from taximeter_processor.worker import IngestWorker

READY_SECONDS: Final = 5.0
PROBE_SECONDS: Final = 8.0

_log = logging.getLogger(__name__)


class Service:
    """Owns the ledger from `start` to `stop`. Raises `LedgerError` when it cannot be opened."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.tokens = Tokens(settings.tokens)
        self.sessions = Sessions(settings.tokens)
        self.book = PriceBook.of(settings)
        self.store = open_ledger(settings)
        self.metrics = SelfMetrics(
            writer=settings.writer,
            queue_limit_bytes=settings.limits.queue_bytes,
            label_sets_limit=settings.limits.label_sets,
        )
        self.counters = CostCounters(settings.limits.label_sets, settings.birth_hold_seconds)
        with self.store.snapshot() as reads:
            self.counters.seed(reads, settings.writer, steady_us())
        self.gauges = LedgerGauges(self.store, settings, self.counters.cost)
        self.pipeline = Pipeline(
            store=self.store,
            book=self.book,
            rules=TagRules(settings.tags),
            decoder=Decoder(alias_keys(settings.tags.aliases)),
            reader=CallReader(settings.tags.aliases),
            counters=self.counters,
            metrics=self.metrics,
            writer=settings.writer,
            limits=settings.limits,
        )
        self.worker = IngestWorker(self.pipeline, self.metrics, settings.limits.queue_bytes)
        days = settings.retention.days
        self.upkeep = None if days is None else Upkeep(self.prune, days)
        self._digests = DigestClock(
            settings, lambda: list(self.read("digest", {})["rows"]), self.metrics, _now
        )

    def start(self) -> None:
        """Begin taking spans; the counters were seeded before, so no scrape can see them low."""
        self.worker.start()
        self._digests.start()
        if self.upkeep is not None:
            self.upkeep.start()
        _log.info("writer %s on %s", self.settings.writer, self.settings.shown_ledger)

    def stop(self) -> None:
        """Commit what is queued and give the ledger up."""
        self._digests.stop()
        if self.upkeep is not None:
            self.upkeep.stop()
        self.worker.stop()
        self.store.close()

    @property
    def is_ready(self) -> bool:
        """The worker lives, the last commit, if there was one, went through, and none hangs."""
        return self.metrics.is_ready and self.worker.is_alive

    async def check(self) -> bool:
        """Whether commits go through; learnt from an empty one if none went through just now.

        So a ledger that is lost or is back shows without traffic. A worker that is busy with
        something long is as ready as it was; one whose commit hangs is not.
        """
        if not self.worker.is_alive or self.metrics.is_stuck:
            return False
        if not self.is_ready or self.metrics.seconds_since_told > READY_SECONDS:
            probe = asyncio.wrap_future(self.worker.run(self.pipeline.probe))
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(probe, PROBE_SECONDS)
        return self.is_ready

    def read(self, name: str, parameters: Mapping[str, str]) -> dict[str, Any]:
        """A named read of `reports.reads`. Raises `ValueError` for wrong parameters."""
        return READS[name](Asked(self.store, self.settings, parameters, _now()))

    def verify(self) -> Future[dict[str, Any]]:
        """`reports.verify` between two commits."""
        return self.worker.run(self._verify)

    def _verify(self) -> dict[str, Any]:
        # A commit whose answer was lost is counted by the next one.
        self.pipeline.probe()
        return verify(self.store, self.settings.writer, self.counters, steady_us())

    def reprice(self, asked: Question) -> Future[dict[str, Any]]:
        """`reports.reprice` of one slice, between two commits. Its future may hold `ValueError`."""
        return self.worker.run(
            lambda: reprice_slice(self.store, self.book, asked, time.time_ns() // 1000)
        )

    def prune(self, asked: prune.Question) -> Future[dict[str, Any]]:
        """`reports.prune` of one slice, between two commits. Its future may hold `ValueError`."""
        return self.worker.run(lambda: prune.prune(self.store, asked, time.time_ns() // 1000))

    def forget(self, asked: forget.Question) -> Future[dict[str, Any]]:
        """`reports.forget` of one slice, between two commits. Its future may hold `ValueError`."""
        key = self.settings.tags.hash_tenants
        return self.worker.run(
            lambda: forget.forget(self.store, asked, time.time_ns() // 1000, key)
        )

    def keep(self, entries: Sequence[journal.Entry]) -> Future[None]:
        """Write into the ledger's journal, between two commits."""
        return self.worker.run(lambda: journal.write(self.store, entries))

    def explain(self, trace_id: str, span_id: str) -> TraceAccount | None:
        """`reports.stored` of a trace, at the prices this service uses."""
        return explain_trace(self.store, self.book, self.settings.zone, trace_id, span_id)

    def status(self) -> dict[str, Any]:
        """What is running, for people."""
        return {
            "version": __version__,
            "writer": self.settings.writer,
            "ledger": self.settings.shown_ledger,
            "ready": self.is_ready,
            "price_book": self.book.version,
            "timezone": self.settings.timezone,
        }


def _now() -> datetime:
    return datetime.now(timezone.utc)
