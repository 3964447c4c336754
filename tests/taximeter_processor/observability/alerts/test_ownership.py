from __future__ import annotations

from pathlib import Path

from taximeter_processor.names import OWNER_INFO, SPEND, UNOWNED
from tests.taximeter_processor.observability.prometheus_tools import (
    Message,
    firing,
    promtool_test,
    series,
)

ALERT = "TaximeterUnownedSpend"
NOBODY = 'feature="rag",owner="unowned",team="unknown"'


def spend(usd: str, owner: str = UNOWNED) -> dict[str, str]:
    return {
        series(SPEND, feature="rag", window="today"): usd,
        series(OWNER_INFO, feature="rag", owner=owner): "1x200",
    }


def test_it_fires_after_an_hour_above_a_dollar(tmp_path: Path) -> None:
    given = spend("2.5x90")
    promtool_test(tmp_path, given, firing("59m", ALERT), firing("60m", ALERT, NOBODY))


def test_it_does_not_fire_for_a_dollar(tmp_path: Path) -> None:
    promtool_test(tmp_path, spend("1x90"), firing("90m", ALERT))


def test_it_does_not_fire_for_an_owned_feature(tmp_path: Path) -> None:
    promtool_test(tmp_path, spend("1000x90", owner="alice"), firing("90m", ALERT))


def test_it_resolves_when_an_owner_is_named(tmp_path: Path) -> None:
    given = {
        series(SPEND, feature="rag", window="today"): "2.5x120",
        series(OWNER_INFO, feature="rag", owner=UNOWNED): "1x70 stale",
        series(OWNER_INFO, feature="rag", owner="alice"): "_x71 1x50",
    }
    promtool_test(tmp_path, given, firing("70m", ALERT, NOBODY), firing("85m", ALERT))


def test_without_data_it_does_not_fire(tmp_path: Path) -> None:
    promtool_test(tmp_path, {"up{job='taximeter'}": "1x90"}, firing("90m", ALERT))


def test_the_message_names_feature_and_dollars(tmp_path: Path) -> None:
    message = Message(
        "60m",
        ALERT,
        {"feature": "rag", "owner": "unowned", "team": "unknown", "severity": "warning"},
        "Nobody owns feature rag, which spent $2.50 today.",
        "Name its owner under `owners:` in taximeter.yaml.",
        "http://localhost:3000/d/taximeter-daily?var-feature=rag",
    )
    promtool_test(tmp_path, spend("2.5x90"), message)
