from __future__ import annotations

from pathlib import Path

import pytest

from taximeter_processor.names import BROKEN_OFF, COST, FEATURE_EXPECTED, OWNER_INFO, REQUESTS
from tests.taximeter_processor.observability.prometheus_tools import (
    Message,
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


@pytest.mark.parametrize(
    ("paid", "told"),
    [
        ({}, ""),  # not known, which is not zero
        ({"interactive": "1.5x400"}, "; errors that were billed cost it $1.50 today"),
        (
            {"interactive": "1.5x400", "batch": "0.25x400"},
            "; errors that were billed cost it $1.75 today",
        ),
        ({"interactive": "0x400"}, "; errors that were billed cost it $0.00 today"),
    ],
    ids=["unknown", "known", "of several request types", "nothing"],
)
def test_it_says_what_was_paid_for_errors_where_that_is_known(
    tmp_path: Path, paid: dict[str, str], told: str
) -> None:
    given = calls("0x60 0+10x60", "0+20x120")
    for kind, usd in paid.items():
        given[series(BROKEN_OFF, feature="chat", request_type=kind, window="today")] = usd
        given[series(BROKEN_OFF, feature="rag", request_type=kind, window="today")] = "9x400"
        given[series(BROKEN_OFF, feature="chat", request_type=kind, window="month")] = "70x400"
    message = Message(
        "100m",
        STORM,
        {"feature": "chat", "owner": "alice", "team": "growth", "severity": "warning"},
        "33.33% of the calls of feature chat failed in the last 30 minutes, while it spent $6.00 "
        f"in an hour{told}.",
        "The calls that are counted here failed without usage and cost nothing. Clients try again, "
        "and steps that had succeeded are often paid for twice, which is not known.",
    )
    promtool_test(tmp_path, given, message)


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
