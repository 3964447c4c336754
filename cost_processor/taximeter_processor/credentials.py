"""The secrets a configuration names: where they are, what they allow, and who else can read them.

A secret is text that no `repr`, error or log shows; it is read from the configuration itself, the
environment or a file.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, SecretStr, model_validator

from taximeter_processor.strict import Strict

Scope = Literal["ingest", "read", "write"]
SHORTEST_SECRET: Final = 16
_Name = Annotated[str, Field(min_length=1, max_length=128)]


class Secret(Strict):
    """Exactly one of `value`, `env`, `file` says where a secret of 16 characters or more is."""

    value: SecretStr | None = None
    env: str | None = None
    file: Path | None = None

    @model_validator(mode="after")
    def _has_one_source(self) -> Secret:
        if sum(source is not None for source in (self.value, self.env, self.file)) != 1:
            raise ValueError("expected exactly one of value, env or file")
        self.secret()
        return self

    def secret(self) -> str:
        """Its text, without blanks around it. Raises `ValueError` when it is short or not there."""
        text = self._text().strip()
        if len(text) < SHORTEST_SECRET:
            raise ValueError(f"expected a secret of at least {SHORTEST_SECRET} characters")
        return text

    def _text(self) -> str:
        if self.env is not None:
            return os.environ.get(self.env, "")
        if self.file is not None:
            try:
                return self.file.read_text()
            except UnicodeDecodeError as error:
                raise ValueError(f"cannot read {self.file}: it is no text") from error
            except OSError as error:
                raise ValueError(f"cannot read {self.file}: {error.strerror}") from error
        return self.value.get_secret_value() if self.value else ""


class Pin(Strict):
    """Whose calls a sender may tell of (`*` globs); what is not named is not limited."""

    teams: tuple[_Name, ...] = ()
    tenants: tuple[_Name, ...] = ()
    services: tuple[_Name, ...] = ()

    @model_validator(mode="after")
    def _limits_something(self) -> Pin:
        if not (self.teams or self.tenants or self.services):
            raise ValueError("expected teams, tenants or services")
        return self


class Token(Secret):
    """A named bearer token and what it allows."""

    name: _Name
    scopes: tuple[Scope, ...] = Field(min_length=1)
    pin: Pin | None = None

    @model_validator(mode="after")
    def _pins_a_sender(self) -> Token:
        if self.pin is not None and self.scopes != ("ingest",):
            raise ValueError("expected the scope ingest alone: a pin limits what a sender tells")
        return self


class Tls(Strict):
    """PEM files of the server's certificate chain and key, and of whoever signs its clients."""

    certificate: Path
    key: Path
    client_ca: Path | None = None
    """With it, a client must show a certificate that one of these signed."""

    @model_validator(mode="after")
    def _loads(self) -> Tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            # A password that is asked for would wait for a terminal.
            context.load_cert_chain(self.certificate, self.key, password="")
        except (OSError, ValueError) as error:
            raise ValueError(
                f"{self.certificate} and {self.key} are no certificate with its key: "
                f"{_reason(error)}; expected PEM without password"
            ) from error
        if self.client_ca is not None:
            try:
                context.load_verify_locations(self.client_ca)
            except OSError as error:
                raise ValueError(
                    f"{self.client_ca} holds no certificates: {_reason(error)}; expected PEM"
                ) from error
        return self


def _reason(error: Exception) -> str:
    return getattr(error, "reason", None) or getattr(error, "strerror", None) or "unreadable"


def exposed(files: Iterable[tuple[str, Path]]) -> list[str]:
    """A sentence for each (what it holds, file) that is readable by more than who needs it.

    That is its owner and, of a file that is not ours, the group by which we are let in.
    """
    told = []
    for held, path in files:
        try:
            found = path.stat()
        except OSError:
            continue
        if found.st_mode & (0o077 if found.st_uid == os.geteuid() else 0o007):
            told.append(f"{path} holds {held}, and others can read it: chmod 600 {path}")
    return told
