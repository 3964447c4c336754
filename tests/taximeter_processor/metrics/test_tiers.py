"""Spend by service tier: in which windows, how many tiers are named, and that nothing is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from taximeter_processor import names
from taximeter_processor.metrics import tiers
from tests.taximeter_processor.metrics.ledger_gauges import of, shown, spent

NOW = "2026-11-18 12:00"
SEARCH = ("search", "growth", "interactive", "prod", "openai")


def test_each_tier_s_spend_is_told_for_today_yesterday_and_the_month(tmp_path: Path) -> None:
    calls = [
        spent(0, "2026-10-31 23:00", 100),
        spent(1, "2026-11-02 08:00", 4, service_tier="flex"),
        spent(2, "2026-11-17 08:00", 1),
        spent(3, "2026-11-18 08:00", 0.5, service_tier="flex"),
        spent(4, "2026-11-18 09:00", 2),
    ]
    assert of(shown(tmp_path, calls, tiers.tiers, NOW), names.TIER_SPEND) == {
        (*SEARCH, "flex", "today"): 0.5,
        (*SEARCH, "flex", "month"): 4.5,
        (*SEARCH, "standard", "today"): 2,
        (*SEARCH, "standard", "yesterday"): 1,
        (*SEARCH, "standard", "month"): 3,
    }


def test_a_tier_whose_calls_have_no_price_has_no_amount_rather_than_zero(tmp_path: Path) -> None:
    unpriced = {"status": "unpriced", "unpriced_reason": "no_price_for_tier"}
    calls = [spent(0, "2026-11-18 08:00", 0, service_tier="scale", **unpriced)]
    assert of(shown(tmp_path, calls, tiers.tiers, NOW), names.TIER_SPEND) == {}


def test_the_dearest_tiers_are_named_and_all_others_are_one_sum(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiers, "LARGEST", 1)
    calls = [
        spent(number, "2026-11-17 08:00", usd, service_tier=tier)
        for number, (tier, usd) in enumerate([("flex", 1), ("standard", 5), ("nonsense", 2)])
    ]
    found = of(shown(tmp_path, calls, tiers.tiers, NOW), names.TIER_SPEND)
    assert {labels[5:]: usd for labels, usd in found.items()} == {
        ("standard", "yesterday"): 5,
        ("standard", "month"): 5,
        ("other", "yesterday"): 3,
        ("other", "month"): 3,
    }


def test_past_the_limit_of_label_sets_request_types_are_one_and_tiers_are_not(
    tmp_path: Path,
) -> None:
    calls = [
        spent(number, "2026-11-18 08:00", 1, request_type=f"type-{number}", service_tier=tier)
        for number, tier in enumerate(["flex", "standard"] * 75)
    ]
    limits = {"label_sets": 100}
    found = of(shown(tmp_path, calls, tiers.tiers, NOW, limits=limits), names.TIER_SPEND)
    today = {labels[:-1]: usd for labels, usd in found.items() if labels[-1] == "today"}
    assert len(today) == 102
    assert sum(usd for labels, usd in today.items() if labels[5] == "flex") == 75
    assert sum(usd for labels, usd in today.items() if labels[2] == "other") == 50
