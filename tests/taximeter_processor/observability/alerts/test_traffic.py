from __future__ import annotations

from pathlib import Path

from taximeter_processor.names import COST, FEATURE_EXPECTED, OWNER_INFO, REQUESTS
from tests.taximeter_processor.observability.prometheus_tools import (
    firing,
    promtool_test,
    series,
)

STORM = "TaximeterRetryStorm"
SILENT = "TaximeterFeatureSilent"
ALICE = 'feature="chat",owner="alice",team="growth"'
OWNED = {series(OWNER_INFO, feature="chat", owner="alice"): "1x400"}


def calls(failed: str, priced: str, dollars: str = "0+0.1x400") -> dict[str, str]:
    return {
        series(REQUESTS, feature="chat", status="failed"): failed,
        series(REQUESTS, feature="chat", status="priced"): priced,
        series(COST, feature="chat", meter="input"): dollars,
        **OWNED,
    }


def test_a_third_of_many_calls_failing_fires(tmp_path: Path) -> None:
    given = calls("0x60 0+10x60", "0+20x120")
    promtool_test(tmp_path, given, firing("60m", STORM), firing("100m", STORM, ALICE))


def test_a_few_failures_do_not(tmp_path: Path) -> None:
    given = calls("0x60 0+10x60", "0+200x120")
    promtool_test(tmp_path, given, firing("100m", STORM))


def test_failures_of_a_feature_that_spends_nothing_do_not(tmp_path: Path) -> None:
    given = calls("0x60 0+10x60", "0+20x120", "0+0.001x400")
    promtool_test(tmp_path, given, firing("100m", STORM))


def test_the_storm_is_over_when_calls_succeed_again(tmp_path: Path) -> None:
    given = calls("0x60 0+10x30 300x90", "0+20x200")
    promtool_test(tmp_path, given, firing("90m", STORM, ALICE), firing("145m", STORM))


def expected(requests: str, **labels: str) -> dict[str, str]:
    return {
        series(FEATURE_EXPECTED, feature="chat"): "1x400",
        series(REQUESTS, feature="chat", status="priced"): requests,
        **OWNED,
    }


def test_two_silent_hours_of_a_feature_that_should_talk_fire(tmp_path: Path) -> None:
    given = expected("0+1x60 60x300")
    promtool_test(tmp_path, given, firing("180m", SILENT), firing("215m", SILENT, ALICE))


def test_a_feature_that_never_talked_at_all_fires(tmp_path: Path) -> None:
    given = {series(FEATURE_EXPECTED, feature="chat"): "1x400"}
    who = 'feature="chat",owner="unowned",team="unknown"'
    promtool_test(tmp_path, given, firing("40m", SILENT, who))


def test_any_other_feature_may_be_silent(tmp_path: Path) -> None:
    given = {series(REQUESTS, feature="chat", status="priced"): "60x400", **OWNED}
    promtool_test(tmp_path, given, firing("300m", SILENT))


def test_the_first_call_ends_the_silence(tmp_path: Path) -> None:
    given = expected("60x250 61x100")
    promtool_test(tmp_path, given, firing("250m", SILENT, ALICE), firing("253m", SILENT))
