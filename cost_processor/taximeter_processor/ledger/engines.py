"""Picks the ledger engine from the `ledger` setting: one line for each."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final

from taximeter_processor.errors import ConfigError
from taximeter_processor.ledger.duckdb_store import DuckDBStore
from taximeter_processor.ledger.store import LedgerStore
from taximeter_processor.settings import Settings


def open_ledger(settings: Settings) -> LedgerStore:
    """The ledger at `settings.ledger`: a path or `duckdb:PATH`.

    Raises `ConfigError` for an unknown engine, `LedgerBusy` when another process owns it.
    """
    # Whatever the engine writes beside the file (log, spill) is for its owner alone, too.
    os.umask(0o077)
    engine, _, rest = settings.ledger.partition(":")
    opener = ENGINES.get(engine) if rest else None
    if opener is None and "://" in settings.ledger:
        raise ConfigError(f"ledger {engine}: expected one of {', '.join(ENGINES)}, or a path")
    return opener(rest, settings) if opener else _open_duckdb(settings.ledger, settings)


def _open_duckdb(path: str, settings: Settings) -> LedgerStore:
    return DuckDBStore(
        path,
        memory_mb=settings.limits.ledger_memory_mb,
        read_seconds=settings.limits.read_seconds,
        dead_letter_limit=settings.limits.dead_letters,
    )


ENGINES: Final[dict[str, Callable[[str, Settings], LedgerStore]]] = {"duckdb": _open_duckdb}
