"""Who may do what: named bearer tokens with scopes, and a cookie that may read for one."""

from __future__ import annotations

import hmac
import time
from collections.abc import Sequence
from typing import Literal

from taximeter_processor.api.session import is_good, session, session_in, session_key
from taximeter_processor.errors import BadRequest
from taximeter_processor.settings import Token

Scope = Literal["ingest", "read", "write"]


class Tokens:
    """The configured tokens, their secrets read once; without any, all is allowed (loopback)."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tuple((token, token.secret()) for token in tokens)

    def require(self, scope: Scope, authorization: str, cookie: str = "") -> str:
        """The name of the token that allows `scope`; raises `BadRequest` 401 or 403."""
        if not self._tokens:
            return ""
        presented = _bearer(authorization)
        if not presented and scope == "read" and (reader := self._reader(cookie)):
            return reader
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

    def session(self, name: str) -> str:
        """The value of a cookie that may read as the named token from now on."""
        (secret,) = [secret for token, secret in self._tokens if token.name == name]
        return session(session_key(secret), int(time.time()))

    def _reader(self, cookies: str) -> str:
        """The name of the token that a request's cookie may read for; empty when for none."""
        value, now_s = session_in(cookies), int(time.time())
        matching = [
            token.name
            for token, secret in self._tokens
            if "read" in token.scopes and is_good(session_key(secret), value, now_s)
        ]
        return matching[0] if matching else ""


def _bearer(authorization: str) -> str:
    kind, _, secret = authorization.partition(" ")
    return secret.strip() if kind.lower() == "bearer" else ""
