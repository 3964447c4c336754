"""`taximeter.yaml`: a good one loads, a bad one is told line, key, value and what was expected."""

from __future__ import annotations

from datetime import timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from taximeter_processor.errors import ConfigError
from taximeter_processor.settings import Settings, load, parse

PATH = Path("taximeter.yaml")


def error_of(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse(text, PATH)
    return str(caught.value)


def test_an_empty_file_is_all_defaults() -> None:
    assert parse("", PATH) == Settings()


def test_no_file_at_all_is_all_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load(environ={}) == Settings()


def test_a_named_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path / "absent.yaml", environ={})


def test_the_environment_overrides_a_scalar() -> None:
    environ = {"TAXIMETER_WRITER": "second", "TAXIMETER_BIRTH_HOLD_SECONDS": "5"}
    settings = parse("writer: first", PATH, environ)
    assert (settings.writer, settings.birth_hold_seconds) == ("second", 5.0)


def test_an_unknown_key_is_named_with_its_line() -> None:
    message = error_of("writer: main\nledgr: x.duckdb\n")
    assert message.startswith("taximeter.yaml:2: ledgr")
    assert "not permitted" in message


def test_an_error_deep_inside_names_its_own_line() -> None:
    message = error_of("owners:\n  - name: alice\n    features: [chat]\n    contact: {mail: x}\n")
    assert message.startswith("taximeter.yaml:4: owners.0.contact.mail")


def test_every_error_is_told_at_once() -> None:
    assert len(error_of("listen: here\ntimezone: Mars\n").splitlines()) == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("timezone: Mars/Olympus", "expected an IANA time zone such as Europe/Berlin"),
        ("listen: '4319'", "expected HOST:PORT"),
        ("listen: 127.0.0.1:99999", "expected HOST:PORT"),
        ("writer: 'two words'", "String should match pattern"),
        ("budgets: [{name: a, usd: -5}]", "String should match pattern"),
        ("owners: [{name: a, features: [x]}, {name: b, features: [x]}]", "named twice"),
        ("budgets: [{name: a, usd: 5, owner: ghost}]", "who is not in owners"),
        ("optimizations: [{name: a, feature: b, date: soon}]", "date is 'soon'"),
        (
            "optimizations: [{name: a, feature: b, date: 2026-11-01, expected_saving: 30}]",
            "expected_saving is '30'",
        ),
        (
            "optimizations: [{name: a, feature: b, date: 2026-11-01},"
            " {name: a, feature: c, date: 2026-11-02}]",
            "'a' is named twice",
        ),
        ("tokens: [{name: t, scopes: [read], value: short}]", "at least 16 characters"),
        ("tokens: [{name: t, scopes: [read]}]", "exactly one of value, env or file"),
        ("- a list", "expected keys and values"),
        ("a: [", "expected YAML"),
    ],
)
def test_a_bad_value_says_what_was_expected(text: str, expected: str) -> None:
    assert expected in error_of(text)


def test_a_public_address_without_tokens_is_refused() -> None:
    assert "there are no tokens" in error_of("listen: 0.0.0.0:4319")


def test_a_public_address_with_a_token_is_accepted() -> None:
    text = "listen: 0.0.0.0:4319\ntokens: [{name: t, scopes: [ingest], value: 0123456789abcdef}]"
    assert not parse(text, PATH).is_loopback


@pytest.mark.parametrize("listen", ["127.0.0.1:1", "localhost:1", "[::1]:1", "127.9.9.9:1"])
def test_loopback_needs_no_token(listen: str) -> None:
    assert parse(f'listen: "{listen}"', PATH).is_loopback


def test_a_secret_never_appears_in_an_error() -> None:
    message = error_of("tokens: [{name: t, scopes: [everything], value: super-secret-0123456789}]")
    assert "super-secret" not in message


def test_money_may_be_written_as_a_number() -> None:
    (budget,) = parse("budgets: [{name: a, usd: 12.5}]", PATH).budgets
    assert budget.usd == "12.5"


def test_the_zone_is_ready_to_use() -> None:
    assert parse("timezone: Europe/Berlin", PATH).zone == ZoneInfo("Europe/Berlin")
    assert parse("", PATH).zone == timezone.utc


def test_a_price_knows_the_line_it_was_written_on() -> None:
    text = "writer: main\nprices:\n  - {model: a, percent: 1}\n\n  - model: b\n    percent: 2\n"
    assert [override.line for override in parse(text, PATH).prices] == [3, 5]
