"""Load of known cost for services, delivered until it is acknowledged, and what they say it was."""

from __future__ import annotations

import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from tests.support.otlp import json_body, json_span
from tests.support.servers import Processor, get

CALL_USD = Decimal("0.0002368")
"""What a call with the attributes `otlp.CHAT` costs."""


class Scraper:
    """Adds up what the cost counters of all services rose by, as Prometheus would."""

    def __init__(self, services: Mapping[str, Processor]) -> None:
        self._services = services
        self._seen: dict[tuple[str, str], Decimal] = {}
        self.increase = Decimal(0)
        self.resets = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._loop)
        self._thread.start()

    def finish(self) -> None:
        """One last scrape, then the end."""
        self._stopping.set()
        self._thread.join()
        self._scrape()

    def _loop(self) -> None:
        while not self._stopping.wait(0.3):
            self._scrape()

    def _scrape(self) -> None:
        for writer, service in self._services.items():
            try:
                lines = get(f"{service.url}/metrics").splitlines()
            except OSError:
                continue
            for line in lines:
                if line.startswith("taximeter_cost_usd_total{"):
                    series, _, text = line.rpartition(" ")
                    self._note((writer, series), Decimal(text))

    def _note(self, key: tuple[str, str], value: Decimal) -> None:
        before = self._seen.get(key, Decimal(0))
        if value < before:
            self.resets += 1
            before = Decimal(0)
        self.increase += value - before
        self._seen[key] = value


def told(numbers: Sequence[int], attributes: Mapping[str, Any], scope: str, offset: int) -> bytes:
    """The same calls as one emitter tells of them, in spans of its own."""
    start_ns = time.time_ns() - 2_000_000_000
    return json_body(
        *(
            json_span(
                number + offset,
                {**attributes, "gen_ai.response.id": f"resp-{number}"},
                startTimeUnixNano=str(start_ns),
                endTimeUnixNano=str(start_ns + 1_000_000_000),
            )
            for number in numbers
        ),
        scope=scope,
    )


def deliver(url: str, body: bytes) -> None:
    """As a Collector does: the same bytes again until they are acknowledged."""
    request = urllib.request.Request(f"{url}/v1/traces", body, {"content-type": "application/json"})
    for _ in range(200):
        try:
            with urllib.request.urlopen(request, timeout=30):
                return
        except urllib.error.HTTPError as error:
            if error.code not in (502, 503):
                raise
        except OSError:
            pass
        time.sleep(0.1)
    raise AssertionError("never acknowledged")
