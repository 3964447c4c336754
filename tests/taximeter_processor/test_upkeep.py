"""Retention that is configured is carried out by itself, in slices, and again after a failure."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest

from taximeter_processor import upkeep
from taximeter_processor.errors import LedgerError
from taximeter_processor.reports.prune import Question, before_of_age
from taximeter_processor.upkeep import Upkeep


class Ledger:
    """Answers as told, one slice after the other, and notes what it was asked."""

    def __init__(self, *answers: bool | Exception) -> None:
        self.asked: list[Question] = []
        self.all_asked = threading.Event()
        self._answers = list(answers)

    def prune(self, asked: Question) -> Future[dict[str, Any]]:
        self.asked.append(asked)
        answer = self._answers.pop(0)
        if not self._answers:
            self.all_asked.set()
        future: Future[dict[str, Any]] = Future()
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result({"removed": {"calls": 1}, "done": answer, "horizon": ""})
        return future


def watched(ledger: Ledger) -> None:
    """Run until everything was asked."""
    running = Upkeep(ledger.prune, 400, first_seconds=0)
    running.start()
    assert ledger.all_asked.wait(10)
    running.stop()


def test_slices_are_asked_for_until_it_is_done() -> None:
    ledger = Ledger(False, False, True)
    watched(ledger)
    cut = datetime.now(timezone.utc).date() - timedelta(days=400)
    assert [date.fromisoformat(asked.before) - cut for asked in ledger.asked] == [timedelta()] * 3


@pytest.mark.parametrize("error", [LedgerError("disk full"), RuntimeError("a bug")])
def test_after_a_failure_it_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(upkeep, "AGAIN_SECONDS", 0.01)
    ledger = Ledger(error, True)
    watched(ledger)
    assert "pruning failed and is tried again in 10 minutes" in caplog.text


def test_it_ends_at_once_while_it_waits_for_the_next_day() -> None:
    running = Upkeep(Ledger().prune, 400, first_seconds=3600)
    running.start()
    running.stop()
    assert not running._thread.is_alive()


def test_an_age_is_counted_back_in_days_of_utc() -> None:
    now = datetime(2026, 3, 1, 0, 30, tzinfo=timezone(timedelta(hours=2)))
    assert before_of_age("90d", now) == "2025-11-30"
