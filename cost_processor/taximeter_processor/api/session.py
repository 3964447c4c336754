"""A cookie that may read for a token: `expiry.signature`, under a key made from its secret.

It tells nothing of the secret, is good in every process that has the token, and ends with it.
"""

from __future__ import annotations

import hmac
from typing import Final

COOKIE: Final = "taximeter_session"
SESSION_SECONDS: Final = 12 * 3600


def session_key(secret: str) -> bytes:
    """What a token signs its cookies with."""
    return hmac.digest(secret.encode(), b"taximeter session", "sha256")


def session(key: bytes, now_s: int) -> str:
    """The value of a cookie that is good for `SESSION_SECONDS`."""
    expiry = str(now_s + SESSION_SECONDS)
    return f"{expiry}.{_signature(key, expiry)}"


def is_good(key: bytes, value: str, now_s: int) -> bool:
    """The key made it, and it is not over."""
    expiry, _, signature = value.partition(".")
    if not (expiry.isascii() and expiry.isdigit() and len(expiry) < 13) or int(expiry) < now_s:
        return False
    return hmac.compare_digest(_signature(key, expiry).encode(), signature.encode())


def session_in(cookies: str) -> str:
    """The value among a request's cookies; empty without one.

    By hand: other services of this host may have set cookies that no strict parser accepts.
    """
    for pair in cookies.split(";"):
        name, _, value = pair.strip().partition("=")
        if name == COOKIE:
            return value.strip('"')
    return ""


def _signature(key: bytes, expiry: str) -> str:
    return hmac.digest(key, expiry.encode(), "sha256").hex()
