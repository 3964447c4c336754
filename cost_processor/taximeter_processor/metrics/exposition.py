"""Renders one scrape as Prometheus text or OpenMetrics: counters, ledger gauges, self metrics."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timezone

from prometheus_client import disable_created_metrics
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from taximeter_processor import names
from taximeter_processor.clock import steady_us
from taximeter_processor.metrics.counters import CostCounters
from taximeter_processor.metrics.families import gauge, single
from taximeter_processor.metrics.gauges import LedgerGauges
from taximeter_processor.metrics.meter import SelfMetrics
from taximeter_processor.metrics.text import AnyFamily, TextFamily
from taximeter_processor.periods import midnight
from taximeter_processor.pricing.book import PriceBook


class Scrape:
    """Everything `/metrics` shows, built when asked from the ledger and the counters."""

    def __init__(
        self,
        counters: CostCounters,
        gauges: LedgerGauges,
        metrics: SelfMetrics,
        book: PriceBook,
    ) -> None:
        self._counters = counters
        self._gauges = gauges
        self._metrics = metrics
        self._book = book
        # When a counter was born is told by the ledger, not by the start of this process.
        disable_created_metrics()  # type: ignore[no-untyped-call]

    def render(self, accept: str) -> tuple[bytes, str]:
        """(body, content type) in the best form the scraper accepts."""
        encoder, content_type = choose_encoder(accept)
        is_open = content_type.startswith("application/openmetrics-text")
        texts: list[str] = []
        small: list[Family] = []
        for family in self._families():
            if isinstance(family, TextFamily):
                texts.append(family.openmetrics() if is_open else family.text())
            else:
                small.append(family)
        # Last, since OpenMetrics ends with a line of its own.
        return "".join(texts).encode() + encoder(_Small(small)), content_type

    def _families(self) -> Iterator[AnyFamily]:
        """Every family once."""
        yield from self._counters.collect(steady_us())
        yield from self._gauges.collect()
        yield from self._metrics.registry.collect()
        yield single(names.LABEL_SETS, len(self._counters.cost))
        info = gauge(names.PRICE_BOOK_INFO)
        info.add_metric([self._book.version], 1)
        yield info
        if self._book.checked_on is not None:
            checked = midnight(self._book.checked_on, timezone.utc) / 1_000_000
            yield single(names.PRICE_BOOK_TIMESTAMP, checked)


class _Small(Collector):
    """Families that are few and small, for the library to write."""

    def __init__(self, families: list[Family]) -> None:
        self._families = families

    def collect(self) -> list[Family]:
        return self._families
