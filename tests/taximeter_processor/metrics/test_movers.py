"""What moved spend, as gauges: comparisons of equal stretches, split by cause."""

from __future__ import annotations

from pathlib import Path

import pytest

from taximeter_processor import names
from taximeter_processor.ledger import movements
from taximeter_processor.metrics import movers
from taximeter_processor.metrics.movers import moved
from tests.taximeter_processor.metrics.ledger_gauges import of, shown, spent

NOW = "2026-11-18 12:00"


def test_today_is_compared_with_last_week_up_to_the_same_time(tmp_path: Path) -> None:
    calls = [
        spent(0, "2026-11-11 08:00", 1),
        spent(1, "2026-11-11 15:00", 50),  # later than now on that day
        spent(2, "2026-11-18 08:00", 1),
        spent(3, "2026-11-18 09:00", 1),
    ]
    found = shown(tmp_path, calls, moved, NOW)
    assert of(found, names.SPEND_CHANGE) == {("search", "growth", "volume", "today"): 1}
    assert of(found, names.TENANT_CHANGE) == {("acme", "volume", "today"): 1}


def test_yesterday_is_compared_with_the_same_day_of_the_week_before(tmp_path: Path) -> None:
    # As many calls of as many tokens, twice as dear.
    calls = [spent(0, "2026-11-10 23:00", 1), spent(1, "2026-11-17 01:00", 2)]
    found = of(shown(tmp_path, calls, moved, NOW), names.SPEND_CHANGE)
    assert found == {("search", "growth", "price", "yesterday"): 1}


def test_another_model_in_a_feature_is_new_and_the_old_one_gone(tmp_path: Path) -> None:
    calls = [
        spent(0, "2026-11-11 08:00", 4),
        spent(1, "2026-11-18 08:00", 1, model="gpt-5-nano"),
    ]
    found = of(shown(tmp_path, calls, moved, NOW), names.SPEND_CHANGE)
    assert found == {
        ("search", "growth", "gone", "today"): -4,
        ("search", "growth", "new", "today"): 1,
    }


def test_calls_without_a_price_move_nothing(tmp_path: Path) -> None:
    calls = [spent(0, "2026-11-18 08:00", 0, status="unpriced", unpriced_reason="unknown_model")]
    found = shown(tmp_path, calls, moved, NOW)
    assert of(found, names.SPEND_CHANGE) == {}


def test_past_the_limit_of_combinations_the_cheapest_are_one_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(movements, "LARGEST", 1)
    calls = [
        spent(number, "2026-11-18 08:00", usd, feature=feature)
        for number, (feature, usd) in enumerate([("a", 5), ("b", 2), ("c", 1)])
    ]
    found = of(shown(tmp_path, calls, moved, NOW), names.SPEND_CHANGE)
    assert found == {("a", "growth", "new", "today"): 5, ("other", "other", "new", "today"): 3}


def test_past_the_largest_movers_the_rest_is_one_sum(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(movers, "LARGEST", 1)
    calls = [
        spent(number, "2026-11-18 08:00", usd, feature=feature)
        for number, (feature, usd) in enumerate([("a", 5), ("b", 2), ("c", 1)])
    ]
    found = of(shown(tmp_path, calls, moved, NOW), names.SPEND_CHANGE)
    assert found == {("a", "growth", "new", "today"): 5, ("other", "other", "all", "today"): 3}
