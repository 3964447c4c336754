"""A browser's cookie that may read for a token: `expiry.signature`, under a key of its secret.

It tells nothing of the secret, is good in every process that has the token, and ends with it.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable, Sequence
from typing import Final

from taximeter_processor.credentials import Token

COOKIE: Final = "taximeter_session"
SESSION_SECONDS: Final = 12 * 3600


class Sessions:
    """Makes and checks cookies; a secret is read when needed, so that a new one holds at once."""

    def __init__(self, tokens: Sequence[Token], clock: Callable[[], float] = time.time) -> None:
        self._tokens = {token.name: token for token in tokens if "read" in token.scopes}
        self._clock = clock

    def begin(self, name: str) -> str:
        """The value of a cookie that reads as the named token for `SESSION_SECONDS`."""
        expiry = str(int(self._clock()) + SESSION_SECONDS)
        return f"{expiry}.{_signature(self._tokens[name].secret(), expiry)}"

    def reader(self, cookies: str) -> str:
        """The name of the token that a request's cookies read for; empty when for none."""
        expiry, _, signature = _value_in(cookies).partition(".")
        is_number = expiry.isascii() and expiry.isdigit() and len(expiry) < 13
        if not is_number or int(expiry) < self._clock():
            return ""
        # Every token is compared, so that the time taken does not tell which one was close.
        matching = [name for name, token in self._tokens.items() if _made(token, expiry, signature)]
        return matching[0] if matching else ""


def _signature(secret: str, expiry: str) -> str:
    return hmac.digest(secret.encode(), f"taximeter session {expiry}".encode(), "sha256").hex()


def _made(token: Token, expiry: str, signature: str) -> bool:
    """The token's secret made the signature; not so while its secret cannot be read."""
    try:
        secret = token.secret()
    except ValueError:
        return False
    expected = _signature(secret, expiry)
    return bool(secret) and hmac.compare_digest(expected.encode(), signature.encode())


def _value_in(cookies: str) -> str:
    """The cookie's value; empty without one.

    By hand: other services of this host may have set cookies that no strict parser accepts.
    """
    for pair in cookies.split(";"):
        name, _, value = pair.strip().partition("=")
        if name == COOKIE:
            return value.strip('"')
    return ""
