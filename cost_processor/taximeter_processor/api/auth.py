"""Who may do what: named bearer tokens with scopes, and a cookie that may read for one.

The cookie is `expiry.signature`, signed with the token's own secret: it tells nothing of the
secret, is good in every process that has the token, and ends with it. It never writes or ingests.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Sequence
from typing import Final, Literal

from taximeter_processor.errors import BadRequest
from taximeter_processor.settings import Token

Scope = Literal["ingest", "read", "write"]
COOKIE: Final = "taximeter_session"
SESSION_SECONDS: Final = 12 * 3600


class Tokens:
    """The configured tokens, their secrets read once; without any, all is allowed (loopback)."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tuple((token, token.secret()) for token in tokens)

    def require(self, scope: Scope, authorization: str, cookie: str = "") -> str:
        """The name of the token that allows `scope`; raises `BadRequest` 401 or 403."""
        if not self._tokens:
            return ""
        presented = _bearer(authorization)
        if not presented and scope == "read" and (found := self._reader_of(cookie)):
            return found
        if not presented:
            raise BadRequest(401, "no_token", f"a bearer token with scope {scope} is required")
        # Every token is compared, so that the time taken does not tell which one was close.
        matching = [
            token
            for token, secret in self._tokens
            if hmac.compare_digest(secret.encode(), presented.encode())
        ]
        if not matching:
            raise BadRequest(401, "bad_token", "the bearer token is not known")
        if scope not in matching[0].scopes:
            raise BadRequest(403, "scope", f"token {matching[0].name!r} lacks the scope {scope}")
        return matching[0].name

    def session(self, name: str, now_s: int) -> str:
        """The value of a cookie that may read as the named token for `SESSION_SECONDS`."""
        expiry = str(now_s + SESSION_SECONDS)
        (secret,) = [secret for token, secret in self._tokens if token.name == name]
        return f"{expiry}.{_signature(secret, expiry)}"

    def _reader_of(self, cookie: str) -> str:
        """The name of the token a cookie header was made from; empty when it is none, or over."""
        expiry, _, signature = _session(cookie).partition(".")
        if not (expiry.isascii() and expiry.isdigit()) or int(expiry[:12]) < time.time():
            return ""
        matching = [
            token.name
            for token, secret in self._tokens
            if hmac.compare_digest(_signature(secret, expiry).encode(), signature.encode())
            and "read" in token.scopes
        ]
        return matching[0] if matching else ""


def _signature(secret: str, expiry: str) -> str:
    return hmac.new(secret.encode(), f"taximeter session {expiry}".encode(), "sha256").hexdigest()


def _bearer(authorization: str) -> str:
    kind, _, secret = authorization.partition(" ")
    return secret.strip() if kind.lower() == "bearer" else ""


def _session(cookie: str) -> str:
    # By hand: other services of this host may have set cookies that no strict parser accepts.
    for pair in cookie.split(";"):
        name, _, value = pair.strip().partition("=")
        if name == COOKIE:
            return value.strip('"')
    return ""
