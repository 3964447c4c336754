"""A connection to a DuckDB file: opened with its limits, its queries held to a time."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import duckdb

from taximeter_processor.errors import LedgerBusy, LedgerError
from taximeter_processor.ledger.duckdb_copy import backups_of, quoted

GIVEN_UP: Final = (duckdb.FatalException, duckdb.InternalException)
"""After one of these the engine answers nothing more until the file is opened anew."""


def open_file(path: Path, memory_mb: int) -> duckdb.DuckDBPyConnection:
    """A connection to the file, made readable by its owner alone. Raises `LedgerBusy`."""
    options: dict[str, Any] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "memory_limit": f"{memory_mb}MB",
        "threads": 1,
        "preserve_insertion_order": False,
        "wal_autocheckpoint": "64MB",
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = duckdb.connect(str(path), config=options)
        # In this order: afterwards neither can be changed.
        connection.execute(f"set allowed_directories = [{quoted(backups_of(path))}]")
        connection.execute("set enable_external_access = false")
        os.chmod(path, 0o600)
    except duckdb.IOException as error:
        if "lock" in str(error):
            raise LedgerBusy(
                f"{path} is open in another process: ask the running service, or stop it first"
            ) from error
        raise LedgerError(f"{path} cannot be opened: {error}") from error
    except (duckdb.Error, OSError) as error:
        raise LedgerError(f"{path} cannot be opened: {error}") from error
    return connection


@contextlib.contextmanager
def interrupted(cursor: duckdb.DuckDBPyConnection, seconds: float) -> Iterator[None]:
    """Queries on this cursor are given so long; then they raise `duckdb.InterruptException`."""
    timer = threading.Timer(seconds, cursor.interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
