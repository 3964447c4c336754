from __future__ import annotations

from pathlib import Path

from taximeter_processor.names import COST, DEAD_LETTERS
from tests.taximeter_processor.observability.prometheus_tools import (
    Message,
    firing,
    promtool_test,
    series,
)

DOWN = "TaximeterProcessorDown"
DEAD = "TaximeterDeadLetters"
UNOWNED = {"owner": "unowned", "team": "unknown"}
PROCESSOR = 'job="taximeter",owner="unowned",team="unknown"'
MALFORMED = 'owner="unowned",reason="malformed",team="unknown"'


def up(values: str, instance: str = "main") -> dict[str, str]:
    return {f'up{{instance="{instance}",job="taximeter"}}': values}


def letters(values: str, instance: str = "main") -> dict[str, str]:
    return {series(DEAD_LETTERS, reason="malformed", instance=instance): values}


def test_it_fires_after_five_minutes_without_an_answer(tmp_path: Path) -> None:
    given = up("1x3 0x20")
    promtool_test(tmp_path, given, firing("8m", DOWN), firing("9m", DOWN, PROCESSOR))


def test_it_fires_when_no_processor_was_ever_there(tmp_path: Path) -> None:
    given = {'up{job="something-else"}': "1x10"}
    promtool_test(tmp_path, given, firing("5m", DOWN, PROCESSOR))


def test_it_does_not_fire_while_one_of_two_processors_answers(tmp_path: Path) -> None:
    promtool_test(tmp_path, up("0x20", "a") | up("1x20", "b"), firing("20m", DOWN))


def test_it_resolves_at_the_first_answer(tmp_path: Path) -> None:
    given = up("0x8 1x10")
    promtool_test(tmp_path, given, firing("8m", DOWN, PROCESSOR), firing("9m", DOWN))


def test_the_message_names_the_dollars_of_the_last_metered_hour(tmp_path: Path) -> None:
    # 2 cents a minute for 60 minutes.
    counted = {series(COST, feature="chat", meter="input"): "0+0.02x80"}
    message = Message(
        "80m",
        DOWN,
        {**UNOWNED, "job": "taximeter", "severity": "critical"},
        "No cost processor answers: spend is not being metered.",
        "It counted $1.20 in the hour that ended 10 minutes ago. The Collector keeps spans on "
        "disk until it is back; budget alerts are blind until then.",
    )
    promtool_test(tmp_path, up("1x70 0x20") | counted, message)


def test_the_first_dead_letter_of_a_reason_is_told(tmp_path: Path) -> None:
    given = up("1x130") | letters("_x60 1x70")
    moments = [firing("59m", DEAD), firing("60m", DEAD, MALFORMED), firing("130m", DEAD)]
    promtool_test(tmp_path, given, *moments)


def test_old_dead_letters_are_not_told_again(tmp_path: Path) -> None:
    promtool_test(tmp_path, up("1x130") | letters("7x130"), firing("125m", DEAD))


def test_more_dead_letters_are_told_with_how_many(tmp_path: Path) -> None:
    message = Message(
        "125m",
        DEAD,
        {**UNOWNED, "reason": "malformed", "severity": "warning"},
        "6 bodies or spans were kept aside as dead letters in the last hour: malformed.",
        "Their cost is in no total. `taximeter dead-letters` lists them.",
    )
    given = up("1x130") | letters("1x100 3x30") | letters("_x110 4x20", instance="b")
    promtool_test(tmp_path, given, message)


def test_without_data_no_dead_letter_is_told(tmp_path: Path) -> None:
    promtool_test(tmp_path, up("1x10"), firing("10m", DEAD))


def test_the_watchdog_always_fires(tmp_path: Path) -> None:
    who = 'owner="unowned",team="unknown"'
    promtool_test(tmp_path, up("1x10"), firing("0m", "TaximeterWatchdog", who))


def test_the_watchdog_says_what_it_is_for(tmp_path: Path) -> None:
    message = Message(
        "1m",
        "TaximeterWatchdog",
        {**UNOWNED, "severity": "none"},
        "Alerting works: this alert always fires.",
        "Send it to a dead man's switch, which calls when it stops arriving.",
    )
    promtool_test(tmp_path, up("1x10"), message)
