"""Reads a processor's `/metrics` as Prometheus does, and notices a counter that goes down."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from decimal import Decimal

from taximeter_processor.money import PICO_PER_USD
from tests.support.servers import Processor, get

SCRAPE_SECONDS = 0.5
_COST = ("taximeter_cost_usd_total{", "taximeter_backfilled_cost_usd_total{")


class Scrapes:
    """Scrapes twice a second until it is finished; a service that is away is waited for."""

    def __init__(self, processor: Processor) -> None:
        self._processor = processor
        self._seen: dict[str, Decimal] = {}
        self.count = 0
        self.falls: list[str] = []
        """Every sample that was lower than the one before it, and both."""
        self.unheld: list[str] = []
        """Every series that was not 0 when it was first seen, and its value."""
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
            try:
                samples = dict(cost_samples(self._processor))
            except OSError:
                continue
            self.count += 1
            for series, value in samples.items():
                before = self._seen.get(series)
                if before is None:
                    if value:
                        self.unheld.append(f"{series} was born at {value}")
                elif value < before:
                    self.falls.append(f"{series} from {before} to {value}")
            self._seen.update(samples)


def cost_samples(processor: Processor) -> Iterator[tuple[str, Decimal]]:
    """(series, dollars) of the cost counters and of what was back-filled. Raises `OSError`."""
    for line in get(f"{processor.url}/metrics").splitlines():
        if line.startswith(_COST):
            series, _, value = line.rpartition(" ")
            yield series, Decimal(value)


def counted_pico(processor: Processor) -> int:
    """The sum of those counters, to the nearest pico-USD a call can cost."""
    return round(sum((value for _, value in cost_samples(processor)), Decimal(0)) * PICO_PER_USD)
