"""Prunes once a day what the configuration keeps no longer, between the commits of a service."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime, timezone
from typing import Any, Final

from taximeter_processor.errors import TaximeterError
from taximeter_processor.reports.prune import Question, before_of_age

FIRST_SECONDS: Final = 10.0
"""A start is not slowed down by it."""
DAY_SECONDS: Final = 86_400.0
AGAIN_SECONDS: Final = 600.0
"""After a failure."""
BETWEEN_SLICES_SECONDS: Final = 0.2
"""Spans that wait are taken meanwhile."""

_log = logging.getLogger(__name__)
Prune = Callable[[Question], "Future[dict[str, Any]]"]


class Upkeep:
    """A thread that asks for slices; `prune` carries each out where nothing is committed."""

    def __init__(self, prune: Prune, days: int, first_seconds: float = FIRST_SECONDS) -> None:
        self._prune = prune
        self._days = days
        self._first_seconds = first_seconds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="taximeter-upkeep", daemon=True)

    def start(self) -> None:
        """Begin; the first pruning is ten seconds from now."""
        self._thread.start()

    def stop(self) -> None:
        """End before the next slice."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _loop(self) -> None:
        wait = self._first_seconds
        while not self._stopping.wait(wait):
            try:
                self._prune_all()
                wait = DAY_SECONDS
            except TaximeterError as error:
                _log.warning("pruning failed and is tried again in 10 minutes: %s", error)
                wait = AGAIN_SECONDS
            except Exception:
                _log.exception("pruning failed and is tried again in 10 minutes")
                wait = AGAIN_SECONDS

    def _prune_all(self) -> None:
        asked = Question(before_of_age(f"{self._days}d", datetime.now(timezone.utc)))
        calls = 0
        while True:
            found = self._prune(asked).result()
            calls += found["removed"]["calls"]
            if found["done"] or self._stopping.wait(BETWEEN_SLICES_SECONDS):
                break
        if calls:
            _log.info("pruned %d calls; the ledger begins at %s", calls, found["horizon"])
