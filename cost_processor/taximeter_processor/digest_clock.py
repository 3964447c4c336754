"""Sends the digests at their hour, once a day, beside everything else the service does."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from taximeter_processor.digests import Outcome, deliver, is_due
from taximeter_processor.errors import TaximeterError
from taximeter_processor.metrics.meter import SelfMetrics
from taximeter_processor.settings import Settings

_log = logging.getLogger(__name__)
TICK_SECONDS: Final = 60.0

Rows = Sequence[Mapping[str, Any]]


class DigestClock:
    """A thread that looks once a minute; a digest that failed is tried again until midnight."""

    def __init__(
        self,
        settings: Settings,
        read: Callable[[], Rows],
        metrics: SelfMetrics,
        now: Callable[[], datetime],
        tick_seconds: float = TICK_SECONDS,
    ) -> None:
        self._settings, self._read, self._metrics = settings, read, metrics
        self._now, self._tick_seconds = now, tick_seconds
        self._done: date | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="taximeter-digest", daemon=True)

    def start(self) -> None:
        """Begin, when an hour is set."""
        if self._settings.digest.at is not None:
            self._thread.start()

    def stop(self) -> None:
        """End after what is being sent."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def tick(self) -> list[Outcome]:
        """Send what is due; empty when nothing is, or today's are all dealt with."""
        now = self._now()
        today = now.astimezone(self._settings.zone).date()
        if self._done == today or not is_due(self._settings, now):
            return []
        outcomes = deliver(self._settings, self._read())
        for outcome in outcomes:
            if outcome.what != "sent before":
                self._metrics.digests.labels(outcome.what.replace(" ", "_")).inc()
        if not any(outcome.what == "failed" for outcome in outcomes):
            self._done = today
        return outcomes

    def _loop(self) -> None:
        while not self._stopping.is_set():
            try:
                self.tick()
            except (TaximeterError, OSError, ValueError) as error:
                _log.warning("no digest was sent: %s", error)
            self._stopping.wait(self._tick_seconds)
