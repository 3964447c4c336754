"""Secrets: where they may be, what a pin may limit, and that nothing shows them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from taximeter_processor.credentials import Pin, Token, exposed
from taximeter_processor.errors import ConfigError
from taximeter_processor.settings import Settings, parse

SECRET = "super-secret-0123456789"
PATH = Path("taximeter.yaml")


def error_of(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse(text, PATH)
    return str(caught.value)


def test_a_secret_is_in_no_repr() -> None:
    settings = parse(
        f"tokens: [{{name: t, scopes: [read], value: {SECRET}}}]\n"
        f"tags: {{hash_tenants: {{value: {SECRET}}}}}",
        PATH,
    )
    shown = f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
    assert SECRET not in shown
    assert settings.tokens[0].secret() == SECRET


@pytest.mark.parametrize(
    "text",
    [
        f"tokens: [{{name: t, scopes: [all], value: {SECRET}}}]",
        f"tokens: [{{name: t, scopes: [read], secret: {SECRET}}}]",
        f"tokens: {SECRET}",
        f"tokens: [{SECRET}]",
        f"tokens: [{{name: t, scopes: [read], value: *{SECRET}}}]",
        f"tokens: [{{name: t, scopes: [read], value: !{SECRET} x}}]",
        f"tokens: [{{name: t, scopes: [read], value: {SECRET}, env: X}}]",
        f"tags: {{hash_tenants: {{value: [{SECRET}]}}}}",
        f"tags: {{hash_tenants: {SECRET}}}",
        f"tokens: [{{name: a, scopes: [read], value: {SECRET}}}, "
        f"{{name: b, scopes: [read], value: {SECRET}}}]",
    ],
)
def test_a_secret_is_in_no_error(text: str) -> None:
    assert SECRET not in error_of(text)


def test_two_tokens_of_one_secret_are_refused() -> None:
    token = "{name: %s, scopes: [read], value: 0123456789abcdef}"
    message = error_of(f"tokens: [{token % 'a'}, {token % 'b'}]")
    assert "two have the same secret" in message


def test_blanks_around_a_secret_are_not_part_of_it(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"  {SECRET}\n")
    assert Token(name="t", scopes=("read",), file=tmp_path / "token").secret() == SECRET


@pytest.mark.parametrize(
    ("pin", "expected"),
    [("{}", "expected teams, tenants or services"), ("{features: [a]}", "not permitted")],
)
def test_a_pin_limits_what_it_can(pin: str, expected: str) -> None:
    text = f"tokens: [{{name: t, scopes: [ingest], value: {SECRET}, pin: {pin}}}]"
    assert expected in error_of(text)


@pytest.mark.parametrize("scopes", ["[read]", "[ingest, read]"])
def test_only_what_a_sender_tells_can_be_pinned(scopes: str) -> None:
    text = f"tokens: [{{name: t, scopes: {scopes}, value: {SECRET}, pin: {{teams: [a]}}}}]"
    assert "expected the scope ingest alone" in error_of(text)


def test_who_else_can_read_a_secret_is_told(tmp_path: Path) -> None:
    mine, theirs = tmp_path / "mine", tmp_path / "theirs"
    for path, mode in ((mine, 0o600), (theirs, 0o640)):
        path.write_text(f"{path.name}-{SECRET}")
        path.chmod(mode)
    tokens = tuple(
        Token(name=path.name, scopes=("ingest",), file=path, pin=Pin(teams=("a",)))
        for path in (mine, theirs)
    )
    assert exposed(Settings(tokens=tokens).secret_files()) == [
        f"{theirs} holds the token theirs, and others can read it: chmod 600 {theirs}"
    ]


@pytest.mark.parametrize(("mode", "told"), [(0o440, 0), (0o444, 1)])
def test_a_file_of_another_user_may_be_read_by_the_group_it_is_given_to(
    mode: int, told: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "token"
    path.touch()
    path.chmod(mode)
    monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    assert len(exposed([("the token", path)])) == told


def test_a_configuration_without_secrets_may_be_read_by_all() -> None:
    assert not Settings().holds_secrets
    assert parse(f"tokens: [{{name: t, scopes: [read], value: {SECRET}}}]", PATH).holds_secrets
