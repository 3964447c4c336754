"""Who may do what: named bearer tokens with scopes."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from typing import Literal

from taximeter_processor.errors import BadRequest
from taximeter_processor.settings import Token

Scope = Literal["ingest", "read", "write"]


class Tokens:
    """The configured tokens, their secrets read once; without any, all is allowed (loopback)."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tuple((token, token.secret()) for token in tokens)

    def require(self, scope: Scope, authorization: str) -> str:
        """The name of the token that allows `scope`; raises `BadRequest` 401 or 403."""
        if not self._tokens:
            return ""
        presented = _bearer(authorization)
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


def _bearer(authorization: str) -> str:
    kind, _, secret = authorization.partition(" ")
    return secret.strip() if kind.lower() == "bearer" else ""
