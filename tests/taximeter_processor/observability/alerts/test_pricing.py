from __future__ import annotations

from pathlib import Path

from taximeter_processor.names import OWNER_INFO, SPEND, SPEND_REQUESTS, UNPRICED
from tests.taximeter_processor.observability.prometheus_tools import (
    Message,
    firing,
    promtool_test,
    series,
)

ALERT = "TaximeterUnpricedSpend"
ALICE = 'feature="chat",owner="alice",team="growth"'


def calls(unpriced: str, priced: str, **labels: str) -> dict[str, str]:
    def counted(status: str) -> str:
        return series(SPEND_REQUESTS, feature="chat", status=status, window="today", **labels)

    return {
        counted("unpriced"): unpriced,
        counted("priced"): priced,
        series(OWNER_INFO, feature="chat", owner="alice", **labels): "1x100",
        series(SPEND, feature="chat", window="today", **labels): "41.2x100",
    }


def test_it_fires_for_the_owner_after_ten_minutes_above_one_percent(tmp_path: Path) -> None:
    given = calls("6x30", "494x30")
    promtool_test(tmp_path, given, firing("9m", ALERT), firing("10m", ALERT, ALICE))


def test_it_does_not_fire_for_fewer_than_five_calls(tmp_path: Path) -> None:
    promtool_test(tmp_path, calls("4x30", "10x30"), firing("30m", ALERT))


def test_it_does_not_fire_at_one_percent(tmp_path: Path) -> None:
    promtool_test(tmp_path, calls("10x30", "990x30"), firing("30m", ALERT))


def test_failed_and_cached_calls_do_not_dilute_the_share(tmp_path: Path) -> None:
    cached = series(SPEND_REQUESTS, feature="chat", status="cached", window="today")
    given = calls("6x30", "494x30") | {cached: "100000x30"}
    promtool_test(tmp_path, given, firing("30m", ALERT, ALICE))


def test_it_fires_when_no_call_at_all_has_a_price(tmp_path: Path) -> None:
    unpriced = series(SPEND_REQUESTS, feature="new", status="unpriced", window="today")
    given = {unpriced: "5x30", series(SPEND, feature="new", window="today"): "0x30"}
    who = 'feature="new",owner="unowned",team="unknown"'
    promtool_test(tmp_path, given, firing("30m", ALERT, who))


def test_it_resolves_when_the_calls_have_prices(tmp_path: Path) -> None:
    given = calls("6x20 0x30", "494x20 500x30")
    promtool_test(tmp_path, given, firing("20m", ALERT, ALICE), firing("32m", ALERT))


def test_without_data_it_does_not_fire(tmp_path: Path) -> None:
    promtool_test(tmp_path, {"up{job='taximeter'}": "1x30"}, firing("30m", ALERT))


def test_two_replicas_send_one_alert(tmp_path: Path) -> None:
    given = calls("6x30", "494x30", instance="a") | calls("6x30", "494x30", instance="b")
    promtool_test(tmp_path, given, firing("30m", ALERT, ALICE))


def test_the_message_names_share_dollars_feature_and_the_models_without_a_price(
    tmp_path: Path,
) -> None:
    unpriced = series(UNPRICED, feature="chat", model="gpt-9", reason="unknown_model")
    message = Message(
        "30m",
        ALERT,
        {"feature": "chat", "owner": "alice", "team": "growth", "severity": "warning"},
        "1.2% of today's calls of feature chat have no price, so its $41.20 today is too low.",
        "openai/gpt-9: unknown_model. Add a price under `prices:` in taximeter.yaml.",
        "http://localhost:3000/d/taximeter-daily?var-feature=chat",
    )
    promtool_test(tmp_path, calls("6x30", "494x30") | {unpriced: "0 6x30"}, message)
