"""A copy of a DuckDB ledger as it is at one moment, made while it is read and written."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from typing import Final

import duckdb

from taximeter_processor.errors import LedgerError

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.duckdb")
_ATTACHED: Final = "taximeter_backup"


def backups_of(ledger: Path) -> Path:
    """The only folder, beside the ledger, that its process may write anything else to."""
    return ledger.resolve().parent / "backups"


def copy_out(connection: duckdb.DuckDBPyConnection, ledger: Path, name: str) -> Path:
    """Write what is committed now to `backups/NAME`, for its owner alone, and to disk.

    It has its name only once it is whole; one copy is made at a time. Raises `ValueError` for a
    name that is no plain file name or is taken, `LedgerError` when the copy fails.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r}: expected a plain file name such as monday.duckdb")
    folder = backups_of(ledger)
    target, part = folder / name, folder / f".{name}.part"
    if target.exists():
        raise ValueError(f"{name!r} is there already: expected a new name")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        _clear(folder)
        _copy(connection, part)
        os.chmod(part, 0o600)
        sync(part)
        os.rename(part, target)
        sync(folder)
    except (duckdb.Error, OSError) as error:
        with contextlib.suppress(OSError):
            _clear(folder)
        raise LedgerError(f"{ledger} cannot be copied to {target}: {error}") from error
    return target


def sync(path: Path) -> None:
    """Wait until a file, or a folder's names, are on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def quoted(path: Path) -> str:
    """A path as text in SQL."""
    return "'{}'".format(str(path).replace("'", "''"))


def _clear(folder: Path) -> None:
    """Remove what is left of copies that were not finished, with their logs."""
    for part in folder.glob(".*.part*"):
        part.unlink()


def _copy(connection: duckdb.DuckDBPyConnection, part: Path) -> None:
    """One statement reads one snapshot, whatever is committed meanwhile."""
    with connection.cursor() as cursor:
        ((name,),) = cursor.execute("select current_database()").fetchall()
        source = '"{}"'.format(name.replace('"', '""'))
        cursor.execute(f"attach {quoted(part)} as {_ATTACHED}")
        try:
            cursor.execute(f"copy from database {source} to {_ATTACHED}")
            cursor.execute(f"checkpoint {_ATTACHED}")
        finally:
            with contextlib.suppress(duckdb.Error):
                cursor.execute(f"detach {_ATTACHED}")
