"""An owner is a person, or a rota with a person; the configuration says where it is not so."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taximeter_processor.errors import ConfigError
from taximeter_processor.people import Contact, Rota
from taximeter_processor.settings import parse
from tests.support.servers import run_taximeter

ROTA = (
    "owners:\n  - {name: alice}\n  - name: oncall\n    rota: {persons: [%s], since: 2026-01-05}\n"
)


def error_of(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse(text, Path("taximeter.yaml"))
    return str(caught.value)


def test_a_rota_of_persons_is_good() -> None:
    settings = parse(ROTA % "alice", Path("taximeter.yaml"))
    assert settings.owners[1].is_person is False


def test_check_names_the_line_of_a_rota_without_persons(tmp_path: Path) -> None:
    path = tmp_path / "taximeter.yaml"
    path.write_text(ROTA % "")
    answer = run_taximeter("check", str(path))
    assert answer.returncode == 2
    assert f"{path}:4: owners.1.rota.persons" in answer.stderr
    assert "expected at least one person" in answer.stderr


@pytest.mark.parametrize("name", ["dave", "oncall"])
def test_a_rota_of_somebody_who_is_no_person_is_refused(name: str) -> None:
    assert f"names '{name}', who is no person in owners; expected one of alice" in error_of(
        ROTA % name
    )


@pytest.mark.parametrize("name", ["dave", "alice"])
def test_nobody_escalates_to_themselves_or_to_a_stranger(name: str) -> None:
    text = f"owners:\n  - {{name: alice, escalate_to: {name}}}\n  - {{name: bob}}\n"
    assert f"'alice' escalates to '{name}'; expected another one of owners" in error_of(text)


def test_hours_that_end_before_they_begin_are_refused() -> None:
    text = "owners:\n  - {name: alice, working_hours: {start: '18:00', end: '09:00'}}\n"
    assert "18:00 to 09:00: expected a start before the end" in error_of(text)


def test_a_turn_is_a_whole_week_from_the_first_day_on() -> None:
    rota = Rota(persons=("alice", "bob"), since=date(2026, 1, 5))
    days = [date(2026, 1, 4) + timedelta(days=n) for n in (0, 1, 7, 8, 14, 15)]
    assert [rota.on_duty(day) for day in days] == ["bob", "alice", "alice", "bob", "bob", "alice"]


@given(st.dates(), st.integers(1, 5), st.sampled_from(["day", "week"]))
def test_everybody_has_a_turn_before_anybody_has_a_second(
    since: date, count: int, turn: str
) -> None:
    persons = tuple(f"p{number}" for number in range(count))
    rota = Rota.model_validate({"persons": persons, "since": since, "turn": turn})
    length = 7 if turn == "week" else 1
    start = min(since, date.max - timedelta(days=40))
    found = [rota.on_duty(start + timedelta(days=n * length)) for n in range(count)]
    assert sorted(found) == sorted(persons)


@pytest.mark.parametrize(
    "contact",
    [
        {"webhook_url": "http://x"},
        {"email": "a@b"},
        {"pagerduty_routing_key_file": "/k"},
        {"opsgenie_api_key_file": "/k"},
        {"slack_channel": "#c", "slack_api_url_file": "/s"},
    ],
)
def test_one_whole_channel_is_a_contact(contact: dict[str, str]) -> None:
    assert Contact.model_validate(contact).is_complete


def test_half_a_channel_is_none() -> None:
    assert not Contact(slack_channel="#c").is_complete
    assert not Contact(pagerduty_url="http://x").is_complete
