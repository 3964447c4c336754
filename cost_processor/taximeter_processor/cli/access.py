"""Reads for the command line: from the running service, or from the ledger file when it is free."""

from __future__ import annotations

import argparse
import contextlib
import os
import ssl
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import httpx2

from taximeter_processor.credentials import Scope
from taximeter_processor.errors import LedgerError, TaximeterError
from taximeter_processor.ledger.engines import open_ledger
from taximeter_processor.ledger.store import LedgerStore
from taximeter_processor.reports.asked import Asked
from taximeter_processor.reports.reads import READS
from taximeter_processor.settings import Settings, load

TIMEOUT_SECONDS = 60.0


class NoLedger(LedgerError):
    """Neither a service nor a ledger file is there yet."""


class NotFound(TaximeterError):
    """The ledger knows nothing of what was asked for."""


def add_common(parser: argparse.ArgumentParser) -> None:
    """Options of every command that reads the ledger."""
    parser.add_argument(
        "--config", type=Path, help="taximeter.yaml to use (default: ./taximeter.yaml)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def settings_of(arguments: argparse.Namespace) -> Settings:
    """The settings the command line names."""
    return load(arguments.config)


def read(settings: Settings, name: str, parameters: Mapping[str, str]) -> dict[str, Any]:
    """A named read, from whoever owns the ledger now. Raises `TaximeterError` or `ValueError`."""
    answer = ask_service(settings, name, parameters)
    if answer is not None:
        return answer
    store = open_existing(settings)
    try:
        return READS[name](Asked(store, settings, parameters, datetime.now(timezone.utc)))
    finally:
        store.close()


def open_existing(settings: Settings, *, writes: bool = False) -> LedgerStore:
    """The ledger, which must be there. Raises `NoLedger` saying how to begin."""
    if not _exists(settings):
        raise NoLedger(
            f"there is no ledger at {settings.shown_ledger} and no service on {settings.listen}: "
            "start one with `taximeter serve`, or try `taximeter demo`"
        )
    return open_ledger(settings, writes=writes)


def ask_service(
    settings: Settings, name: str, parameters: Mapping[str, str]
) -> dict[str, Any] | None:
    """The running service's answer, or None when nothing listens there."""
    return _asked("GET", settings, name, "read", params=dict(parameters))


def tell_service(
    settings: Settings,
    name: str,
    body: Mapping[str, Any],
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> dict[str, Any] | None:
    """The same for what changes the ledger, which needs a token with scope write."""
    return _asked("POST", settings, name, "write", timeout_seconds, json=dict(body))


def _told(response: httpx2.Response) -> str:
    """What a refusal says, on one line."""
    text = response.text
    with contextlib.suppress(ValueError, AttributeError):
        text = str(response.json().get("detail", text))
    return " ".join(text.split())[:1000]


def _asked(
    method: str,
    settings: Settings,
    name: str,
    scope: Scope,
    timeout_seconds: float = TIMEOUT_SECONDS,
    **content: Any,
) -> dict[str, Any] | None:
    url = f"{service_url(settings)}/api/v1/{name}"
    try:
        response = httpx2.request(
            method,
            url,
            **content,
            headers=authorization(settings, scope),
            timeout=timeout_seconds,
            trust_env=False,
            verify=trust(settings),
        )
    except httpx2.ConnectError as error:
        if (refused := _tls_error(error)) is None:
            return None
        raise TaximeterError(f"{url}: {refused}: is another certificate served there?") from error
    except httpx2.HTTPError as error:
        raise TaximeterError(f"{url}: {error}") from error
    if response.status_code == 400:
        raise ValueError(_told(response))
    if response.status_code == 404:
        raise NotFound(f"{url} answered 404: {_told(response)}")
    if response.status_code != 200:
        raise TaximeterError(f"{url} answered {response.status_code}: {_told(response)}")
    answer: dict[str, Any] = response.json()
    return answer


def _tls_error(error: BaseException | None) -> ssl.SSLError | None:
    """What TLS had against a connection, if somebody is there at all."""
    while error is not None and not isinstance(error, ssl.SSLError):
        error = error.__cause__ or error.__context__
    return error


def service_url(settings: Settings) -> str:
    """Where the service of these settings listens, as seen from this machine."""
    host = settings.host if settings.host not in ("0.0.0.0", "::") else "127.0.0.1"
    scheme = "https" if settings.tls else "http"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{settings.port}"


def trust(settings: Settings) -> ssl.SSLContext | bool:
    """How the service of these settings proves who it is: by exactly the configured certificate.

    A service that asks for one is shown TAXIMETER_CLIENT_CERTIFICATE with TAXIMETER_CLIENT_KEY.
    """
    if settings.tls is None:
        return False  # plain HTTP: loading certificates would only take time
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # It is called by its address here, which no certificate names; another one is not trusted.
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(settings.tls.certificate)
    if certificate := os.environ.get("TAXIMETER_CLIENT_CERTIFICATE"):
        try:
            context.load_cert_chain(certificate, os.environ.get("TAXIMETER_CLIENT_KEY"))
        except OSError as error:
            raise TaximeterError(
                f"TAXIMETER_CLIENT_CERTIFICATE={certificate} cannot be used: {error}; expected "
                "PEM with its key there or in TAXIMETER_CLIENT_KEY"
            ) from error
    return context


def authorization(settings: Settings, scope: Scope) -> dict[str, str]:
    """The header that shows TAXIMETER_TOKEN, or else the first configured token of this scope.

    One without a pin is preferred.
    """
    secret = os.environ.get("TAXIMETER_TOKEN")
    if secret is None:
        fitting = [token for token in settings.tokens if scope in token.scopes]
        fitting.sort(key=lambda token: token.pin is not None)
        secret = fitting[0].secret() if fitting else None
    return {"authorization": f"Bearer {secret}"} if secret else {}


def _exists(settings: Settings) -> bool:
    path = settings.ledger.removeprefix("duckdb:")
    return "://" in settings.ledger or Path(path).exists()
