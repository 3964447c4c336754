"""A cookie reads for the token it was made from, for half a day, and in every process."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from taximeter_processor.api.session import COOKIE, SESSION_SECONDS, Sessions
from taximeter_processor.credentials import Token

NOW = 1_795_003_200
READER = Token(name="people", scopes=("read",), value=SecretStr("read-token-0123456789ab"))
ADMIN = Token(name="admin", scopes=("read", "write"), value=SecretStr("admin-token-0123456789a"))
SENDER = Token(name="collector", scopes=("ingest",), value=SecretStr("ingest-token-0123456789"))


def sessions(*tokens: Token, at: float = NOW) -> Sessions:
    return Sessions(tokens or (READER, ADMIN, SENDER), lambda: at)


def cookie(name: str = "people") -> str:
    return f"{COOKIE}={sessions().begin(name)}"


def test_a_cookie_reads_as_its_token() -> None:
    assert sessions().reader(cookie()) == "people"
    assert sessions().reader(cookie("admin")) == "admin"
    assert sessions().reader(f"other=1; {cookie()}; more=2") == "people"


def test_a_token_that_may_not_read_begins_no_session() -> None:
    with pytest.raises(KeyError):
        sessions().begin("collector")
    forged = Sessions((SENDER.model_copy(update={"scopes": ("read",)}),), lambda: NOW)
    assert sessions().reader(f"{COOKIE}={forged.begin('collector')}") == ""


def test_a_cookie_ends() -> None:
    assert sessions(at=NOW + SESSION_SECONDS).reader(cookie()) == "people"
    assert sessions(at=NOW + SESSION_SECONDS + 1).reader(cookie()) == ""


def test_a_cookie_ends_with_its_token() -> None:
    assert sessions(ADMIN, SENDER).reader(cookie()) == ""
    changed = READER.model_copy(update={"value": SecretStr("another-token-0123456")})
    assert sessions(changed).reader(cookie()) == ""


def test_a_secret_that_is_replaced_in_its_file_ends_its_cookies_at_once(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("read-token-0123456789ab")
    found = sessions(Token(name="people", scopes=("read",), file=path))
    header = f"{COOKIE}={found.begin('people')}"
    assert found.reader(header) == "people"
    path.write_text("another-token-0123456")
    assert found.reader(header) == ""


def test_while_a_secret_cannot_be_read_nothing_is_its_signature(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("read-token-0123456789ab")
    found = sessions(Token(name="people", scopes=("read",), file=path))
    path.write_text("")
    assert found.reader(f"{COOKIE}={NOW + 9}.") == ""
    path.unlink()
    assert found.reader(f"{COOKIE}={NOW + 9}.") == ""


def test_another_process_with_the_token_takes_the_cookie() -> None:
    assert sessions(READER).reader(cookie()) == "people"


def test_the_cookie_does_not_tell_the_token() -> None:
    assert "read-token" not in cookie()


@pytest.mark.parametrize(
    "value",
    [
        "",
        ".",
        "9999999999.",
        "9999999999.0123",
        "read-token-0123456789ab",
        "\N{SUPERSCRIPT TWO}.x",
        "99999999999999999999999999.x",
    ],
)
def test_a_made_up_cookie_opens_nothing(value: str) -> None:
    assert sessions().reader(f"{COOKIE}={value}") == ""


def test_a_longer_life_breaks_the_signature() -> None:
    expiry, _, signature = sessions().begin("people").partition(".")
    assert sessions().reader(f"{COOKIE}={int(expiry) + 3600}.{signature}") == ""


def test_without_tokens_no_cookie_is_good() -> None:
    assert Sessions((), lambda: NOW).reader(cookie()) == ""
