"""A cookie reads for the token it was made from, for half a day, and for nothing else."""

from __future__ import annotations

import time

import pytest

from taximeter_processor.api.auth import Tokens
from taximeter_processor.api.session import COOKIE, SESSION_SECONDS, session, session_key
from taximeter_processor.errors import BadRequest
from taximeter_processor.settings import Token

READER = Token(name="people", scopes=("read",), value="read-token-0123456789ab")
ADMIN = Token(name="admin", scopes=("read", "write"), value="admin-token-0123456789a")
SENDER = Token(name="collector", scopes=("ingest",), value="ingest-token-0123456789")
TOKENS = Tokens((READER, ADMIN, SENDER))


def cookie(tokens: Tokens = TOKENS, name: str = "people") -> str:
    return f"{COOKIE}={tokens.session(name)}"


def refusal(tokens: Tokens, scope: str, header: str) -> tuple[int, str]:
    with pytest.raises(BadRequest) as refused:
        tokens.require(scope, "", header)  # type: ignore[arg-type]
    return refused.value.status, refused.value.reason


def test_a_cookie_reads_as_its_token() -> None:
    assert TOKENS.require("read", "", cookie()) == "people"
    assert TOKENS.require("read", "", cookie(name="admin")) == "admin"


def test_a_cookie_never_writes_or_sends() -> None:
    assert refusal(TOKENS, "write", cookie(name="admin")) == (401, "no_token")
    assert refusal(TOKENS, "ingest", cookie(name="collector")) == (401, "no_token")


def test_a_cookie_of_a_token_that_may_not_read_reads_nothing() -> None:
    assert refusal(TOKENS, "read", cookie(name="collector")) == (401, "no_token")


def test_a_cookie_ends() -> None:
    key = session_key(READER.secret())
    old = session(key, int(time.time()) - SESSION_SECONDS - 1)
    assert refusal(TOKENS, "read", f"{COOKIE}={old}") == (401, "no_token")


def test_a_cookie_ends_with_its_token() -> None:
    rotated = Tokens((READER.model_copy(update={"value": "another-token-0123456"}),))
    assert refusal(rotated, "read", cookie()) == (401, "no_token")


def test_another_process_with_the_token_takes_the_cookie() -> None:
    assert Tokens((READER,)).require("read", "", cookie()) == "people"


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
    assert refusal(TOKENS, "read", f"{COOKIE}={value}") == (401, "no_token")


def test_a_longer_life_breaks_the_signature() -> None:
    expiry, _, signature = TOKENS.session("people").partition(".")
    forged = f"{COOKIE}={int(expiry) + 3600}.{signature}"
    assert refusal(TOKENS, "read", forged) == (401, "no_token")
