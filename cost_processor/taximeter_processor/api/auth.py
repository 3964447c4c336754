"""Who may do what: named bearer tokens with scopes."""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import secrets
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from taximeter_processor.credentials import Pin, Scope, Token
from taximeter_processor.errors import BadRequest

LOOK_SECONDS: Final = 2.0
"""A token's file is looked at this often, when somebody shows a token."""

_log = logging.getLogger(__name__)


class Caller(NamedTuple):
    """Whose token was shown, and what it is limited to."""

    name: str = ""
    pin: Pin | None = None


class Tokens:
    """The configured tokens; without any, all is allowed (loopback). Used by several threads."""

    def __init__(
        self, tokens: Sequence[Token], clock: Callable[[], float] = time.monotonic
    ) -> None:
        # Digests under a key of this process: the time a comparison takes says nothing of a secret,
        # not even how long it is.
        self._key = secrets.token_bytes(32)
        self._clock = clock
        self._digests = [(token, self._digest(token.secret())) for token in tokens]
        self._files = {token.file: _stamp(token.file) for token in tokens if token.file}
        self._next_look = clock() + LOOK_SECONDS

    def require(self, scope: Scope, authorization: str) -> Caller:
        """Whose token allows `scope`; raises `BadRequest` 401 or 403."""
        if not self._digests:
            return Caller()
        presented = _bearer(authorization)
        if not presented:
            raise BadRequest(401, "no_token", f"a bearer token with scope {scope} is required")
        self._look_at_files()
        digest = self._digest(presented)
        # Every token is compared, so that the time taken does not tell which one it was.
        matching = [t for t, known in self._digests if hmac.compare_digest(known, digest)]
        if not matching:
            raise BadRequest(401, "bad_token", "the bearer token is not known")
        token = matching[0]
        if scope not in token.scopes:
            raise BadRequest(403, "scope", f"token {token.name!r} lacks the scope {scope}")
        return Caller(token.name, token.pin)

    def _digest(self, secret: str) -> bytes:
        return hmac.new(self._key, secret.encode(), hashlib.sha256).digest()

    def _look_at_files(self) -> None:
        """Take over the secrets of files that changed; an unusable one changes nothing."""
        now = self._clock()
        if not self._files or now < self._next_look:
            return
        self._next_look = now + LOOK_SECONDS
        stamps = {path: _stamp(path) for path in self._files}
        if stamps == self._files:
            return
        changed = {path for path, stamp in stamps.items() if stamp != self._files[path]}
        self._files = stamps
        self._digests = [
            (token, self._digest_now(token, digest) if token.file in changed else digest)
            for token, digest in self._digests
        ]

    def _digest_now(self, token: Token, before: bytes) -> bytes:
        try:
            digest = self._digest(token.secret())
        except ValueError as error:
            _log.warning("token %s keeps its secret: %s", token.name, error)
            return before
        _log.info("token %s has the secret that its file holds now", token.name)
        return digest


def _stamp(path: Path) -> tuple[int, ...]:
    """What changes when a file is written or replaced, by a link to another as well."""
    try:
        status = os.stat(path)
    except OSError:
        return ()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _bearer(authorization: str) -> str:
    kind, _, secret = authorization.partition(" ")
    return secret.strip() if kind.lower() == "bearer" else ""
