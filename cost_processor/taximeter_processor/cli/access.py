"""Reads for the command line: from the running service, or from the ledger file when it is free."""

from __future__ import annotations

import argparse
import os
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


def open_existing(settings: Settings) -> LedgerStore:
    """The ledger, which must be there. Raises `NoLedger` saying how to begin."""
    if not _exists(settings):
        raise NoLedger(
            f"there is no ledger at {settings.ledger} and no service on {settings.listen}: "
            "start one with `taximeter serve`, or try `taximeter demo`"
        )
    return open_ledger(settings)


def ask_service(
    settings: Settings, name: str, parameters: Mapping[str, str]
) -> dict[str, Any] | None:
    """The running service's answer, or None when nothing listens there."""
    return _asked("GET", settings, name, "read", params=dict(parameters))


def tell_service(settings: Settings, name: str, body: Mapping[str, Any]) -> dict[str, Any] | None:
    """The same for what changes the ledger, which needs a token with scope write."""
    return _asked("POST", settings, name, "write", json=dict(body))


def _asked(
    method: str, settings: Settings, name: str, scope: Scope, **content: Any
) -> dict[str, Any] | None:
    url = f"{service_url(settings)}/api/v1/{name}"
    try:
        response = httpx2.request(
            method,
            url,
            **content,
            headers=authorization(settings, scope),
            timeout=TIMEOUT_SECONDS,
            trust_env=False,
            verify=False,  # plain HTTP: loading certificates would only take time
        )
    except httpx2.ConnectError:
        return None
    except httpx2.HTTPError as error:
        raise TaximeterError(f"{url}: {error}") from error
    if response.status_code == 400:
        raise ValueError(str(response.json().get("detail", response.text)))
    if response.status_code != 200:
        raise TaximeterError(f"{url} answered {response.status_code}: {response.text[:200]}")
    answer: dict[str, Any] = response.json()
    return answer


def service_url(settings: Settings) -> str:
    """Where the service of these settings listens, as seen from this machine."""
    host = settings.host if settings.host not in ("0.0.0.0", "::") else "127.0.0.1"
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


def authorization(settings: Settings, scope: Scope) -> dict[str, str]:
    """The header that shows TAXIMETER_TOKEN, or else the first configured token of this scope."""
    secret = os.environ.get("TAXIMETER_TOKEN")
    if secret is None:
        fitting = [token for token in settings.tokens if scope in token.scopes]
        secret = fitting[0].secret() if fitting else None
    return {"authorization": f"Bearer {secret}"} if secret else {}


def _exists(settings: Settings) -> bool:
    path = settings.ledger.removeprefix("duckdb:")
    return "://" in settings.ledger or Path(path).exists()
