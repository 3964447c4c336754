"""Who may do what: named bearer tokens with scopes, and a cookie that stands for one."""

from __future__ import annotations

from collections.abc import Sequence
from http.cookies import SimpleCookie
from typing import Final, Literal

from taximeter_processor.errors import BadRequest
from taximeter_processor.settings import Token

Scope = Literal["ingest", "read", "write"]
COOKIE: Final = "taximeter_token"


class Tokens:
    """The configured tokens; without any, everything is allowed (loopback only)."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tuple(tokens)

    def require(self, scope: Scope, authorization: str, cookie: str = "") -> str:
        """The name of the token that allows `scope`; raises `BadRequest` 401 or 403."""
        if not self._tokens:
            return ""
        presented = _presented(authorization, cookie)
        if not presented:
            raise BadRequest(401, "no_token", f"a bearer token with scope {scope} is required")
        # Every token is compared, so that the time taken does not tell which one was close.
        matching = [token for token in self._tokens if token.matches(presented)]
        if not matching:
            raise BadRequest(401, "bad_token", "the bearer token is not known")
        if scope not in matching[0].scopes:
            raise BadRequest(403, "scope", f"token {matching[0].name!r} lacks the scope {scope}")
        return matching[0].name


def _presented(authorization: str, cookie: str) -> str:
    kind, _, secret = authorization.partition(" ")
    if kind.lower() == "bearer" and secret.strip():
        return secret.strip()
    morsel = SimpleCookie(cookie).get(COOKIE) if cookie else None
    return morsel.value if morsel else ""
