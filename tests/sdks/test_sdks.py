"""Real SDKs, oldest and newest, see nothing of Taximeter, and Taximeter sees all of them."""

from __future__ import annotations

import re
import sys

import pytest

from tests.sdks import checks, table
from tests.sdks.checks import Check
from tests.sdks.matrix import ROOT, RUNS, run

VERSIONS = re.compile(r"^(\| [\w-]+) \| [\d.]+ \|", re.MULTILINE)


def complaints(environment: str, sdk: str, check: Check) -> list[str]:
    return [
        f"{played.name}: {complaint}"
        for played in run(environment, sdk).played
        for complaint in check(played)
    ]


each_sdk = pytest.mark.parametrize(("environment", "sdk"), RUNS)


@each_sdk
def test_it_works(environment: str, sdk: str) -> None:
    assert complaints(environment, sdk, checks.does_not_work) == []


@each_sdk
def test_application_and_provider_see_the_same_as_without(environment: str, sdk: str) -> None:
    assert complaints(environment, sdk, checks.looks_different) == []


@each_sdk
def test_every_attempt_has_exactly_one_span(environment: str, sdk: str) -> None:
    assert complaints(environment, sdk, checks.not_one_span_an_attempt) == []


@each_sdk
def test_token_counts_are_those_of_the_answer(environment: str, sdk: str) -> None:
    assert complaints(environment, sdk, checks.counts_differ) == []


@each_sdk
def test_a_span_tells_how_its_attempt_ended(environment: str, sdk: str) -> None:
    assert complaints(environment, sdk, checks.outcome_differs) == []


@each_sdk
def test_all_four_tags_arrive(environment: str, sdk: str) -> None:
    assert complaints(environment, sdk, checks.tags_are_missing) == []


@each_sdk
def test_retries_are_numbered_if_the_sdk_says_which_they_are(environment: str, sdk: str) -> None:
    assert complaints(environment, sdk, checks.retries_are_miscounted) == []


@each_sdk
def test_nothing_stays_open_and_nothing_of_ours_fails(environment: str, sdk: str) -> None:
    assert complaints(environment, sdk, checks.something_of_ours_is_left) == []


def test_every_locked_environment_is_used() -> None:
    locked = {path.stem for path in (ROOT / "requirements" / "sdks").glob("*.txt")}
    assert {environment for environment, _ in RUNS} == locked


def test_the_documented_table_is_what_was_tested() -> None:
    written, tested = table.PAGE.read_text(), table.page()
    python = f"Python {sys.version_info.major}.{sys.version_info.minor}."
    if python not in written:  # another Python is given other versions of some SDKs
        written, tested = (VERSIONS.sub(r"\1 |", text) for text in (written, tested))
        written = re.sub(r"^Python 3\.\d+\.", python, written, flags=re.MULTILINE)
    assert written == tested, "run: .venv/bin/python -m tests.sdks.table"
