"""Picks the ledger engine from the `ledger` setting: one line for each."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from taximeter_processor.errors import ConfigError
from taximeter_processor.ledger.duckdb_store import DuckDBStore
from taximeter_processor.ledger.store import LedgerStore
from taximeter_processor.settings import Settings

if TYPE_CHECKING:
    from taximeter_processor.ledger.postgres_backup import Vault
    from taximeter_processor.ledger.postgres_sharing import Sharing


def open_ledger(settings: Settings, *, writes: bool = True) -> LedgerStore:
    """The ledger at `settings.ledger`: a path, `duckdb:PATH` or `postgresql://USER@HOST/DATABASE`.

    Raises `ConfigError` for an unknown engine, `LedgerBusy` when another process owns it or, to
    write, the name `settings.writer` in it.
    """
    # Whatever the engine writes beside the file (log, spill) is for its owner alone, too.
    os.umask(0o077)
    engine, _, rest = settings.ledger.partition(":")
    opener = ENGINES.get(engine) if rest else None
    if opener is None and "://" in settings.ledger:
        raise ConfigError(f"ledger {engine}: expected one of {', '.join(ENGINES)}, or a path")
    if opener is None:
        return _open_duckdb(settings.ledger, settings, writes)
    return opener(rest, settings, writes)


def _open_duckdb(path: str, settings: Settings, _: bool) -> LedgerStore:
    return DuckDBStore(
        path,
        memory_mb=settings.limits.ledger_memory_mb,
        read_seconds=settings.limits.read_seconds,
        dead_letter_limit=settings.limits.dead_letters,
    )


def open_sharing(settings: Settings) -> Sharing:
    """What only a ledger that is a server can do. Raises `ConfigError` for another one."""
    if not is_server(settings):
        raise ConfigError(
            f"ledger is {settings.shown_ledger!r}: expected postgresql://USER@HOST/DATABASE, "
            "since an embedded ledger is read by one process alone"
        )
    with _client_wanted():
        from taximeter_processor.ledger.postgres_sharing import Sharing

        return Sharing(settings.ledger, settings.shown_ledger)


def is_server(settings: Settings) -> bool:
    """The ledger is a server's, copied and restored by the server's own programs."""
    return settings.ledger.startswith("postgresql:")


def open_vault(settings: Settings) -> Vault:
    """Backups of a ledger that is a server. Raises `ConfigError` without its client."""
    with _client_wanted():
        from taximeter_processor.ledger.postgres_backup import Vault

        return Vault(settings.ledger, settings.shown_ledger)


def _open_postgres(rest: str, settings: Settings, writes: bool) -> LedgerStore:
    with _client_wanted():
        from taximeter_processor.ledger.postgres_store import PostgresStore
    return PostgresStore(
        f"postgresql:{rest}",
        writer=settings.writer if writes else None,
        shown=settings.shown_ledger,
        memory_mb=settings.limits.ledger_memory_mb,
        read_seconds=settings.limits.read_seconds,
        dead_letter_limit=settings.limits.dead_letters,
    )


@contextlib.contextmanager
def _client_wanted() -> Iterator[None]:
    """PostgreSQL's client is an extra of its own, so that it is imported only when it is used."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"a ledger in PostgreSQL needs {error.name}: "
            'pip install "taximeter[processor,postgres]"'
        ) from error


ENGINES: Final[dict[str, Callable[[str, Settings, bool], LedgerStore]]] = {
    "duckdb": _open_duckdb,
    "postgresql": _open_postgres,
}
