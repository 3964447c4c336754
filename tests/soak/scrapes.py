"""Reads a processor's `/metrics` as Prometheus does, and notices a counter that goes down."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from decimal import Decimal

from taximeter_processor.money import PICO_PER_USD
from tests.support.servers import Processor, get

SCRAPE_SECONDS = 0.5
_QUEUED = "taximeter_ingest_queue_bytes "
_COST = ("taximeter_cost_usd_total{", "taximeter_backfilled_cost_usd_total{")


class Scrapes:
    """Scrapes twice a second until it is finished; a service that is away is waited for."""

    def __init__(self, processor: Processor, hold_seconds: float = 120.0) -> None:
        self._processor = processor
        self._hold_seconds = hold_seconds
        self._seen: dict[str, Decimal] = {}
        self.count = 0
        self.falls: list[str] = []
        """Every sample that was lower than the one before it, and both."""
        self.most_queued_bytes = 0.0
        self.births = 0
        """Series that were first seen by a scrape that came within the hold of the one before."""
        self.unheld: list[str] = []
        """Every one of them that was not 0 then, and its value."""
        self._scraped_at = time.monotonic()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._loop)

    def __enter__(self) -> Scrapes:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def _loop(self) -> None:
        while not self._stopping.wait(SCRAPE_SECONDS):
            began = time.monotonic()
            try:
                lines = get(f"{self._processor.url}/metrics").splitlines()
            except OSError:
                continue
            self.count += 1
            # Where scrapes are slower than the hold, a birth may rightly be over when it is seen.
            is_prompt = time.monotonic() - self._scraped_at < self._hold_seconds
            self._scraped_at = began
            self._note(lines, is_prompt)

    def _note(self, lines: list[str], is_prompt: bool) -> None:
        queued = [float(line.split()[1]) for line in lines if line.startswith(_QUEUED)]
        self.most_queued_bytes = max(self.most_queued_bytes, *queued)
        samples = dict(_cost_samples(lines))
        for series, value in samples.items():
            before = self._seen.get(series)
            if before is None:
                self.births += is_prompt
                if is_prompt and value:
                    self.unheld.append(f"{series} was born at {value}")
            elif value < before:
                self.falls.append(f"{series} from {before} to {value}")
        self._seen.update(samples)


def _cost_samples(lines: list[str]) -> Iterator[tuple[str, Decimal]]:
    """(series, dollars) of the cost counters and of what was back-filled."""
    for line in lines:
        if line.startswith(_COST):
            series, _, value = line.rpartition(" ")
            yield series, Decimal(value)


def counted_pico(processor: Processor) -> int:
    """The sum of those counters on a scrape, which shows doubles. Raises `OSError`."""
    lines = get(f"{processor.url}/metrics").splitlines()
    return round(sum((value for _, value in _cost_samples(lines)), Decimal(0)) * PICO_PER_USD)
