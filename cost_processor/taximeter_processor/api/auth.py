"""Who may do what: named bearer tokens with scopes, and a cookie that stands for one."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from typing import Final, Literal
from urllib.parse import unquote

from taximeter_processor.errors import BadRequest
from taximeter_processor.settings import Token

Scope = Literal["ingest", "read", "write"]
COOKIE: Final = "taximeter_token"


class Tokens:
    """The configured tokens, their secrets read once; without any, all is allowed (loopback)."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tuple((token, token.secret()) for token in tokens)

    def require(self, scope: Scope, authorization: str, cookie: str = "") -> str:
        """The name of the token that allows `scope`; raises `BadRequest` 401 or 403."""
        if not self._tokens:
            return ""
        presented = _presented(authorization, cookie)
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


def _presented(authorization: str, cookie: str) -> str:
    kind, _, secret = authorization.partition(" ")
    if kind.lower() == "bearer" and secret.strip():
        return secret.strip()
    # By hand: other services of this host may have set cookies that no strict parser accepts.
    for pair in cookie.split(";"):
        name, _, value = pair.strip().partition("=")
        if name == COOKIE:
            return unquote(value.strip('"'))
    return ""
