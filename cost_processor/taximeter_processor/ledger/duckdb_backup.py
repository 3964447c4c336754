"""A backup of a DuckDB ledger takes its final place, or the place of the ledger."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb

from taximeter_processor.errors import LedgerBusy, LedgerError
from taximeter_processor.ledger.duckdb_copy import sync
from taximeter_processor.ledger.duckdb_store import DuckDBStore


def restore(source: Path, ledger: Path, stamp: str, check: Callable[[DuckDBStore], None]) -> Path:
    """Put a checked copy of `source` in the ledger's place; returns where the present one went.

    The one that was there is kept under its name with `stamp`. `check` raises when the copy is not
    to be used. Raises `LedgerBusy` while a service owns the ledger, `LedgerError` for a file that
    is none; nothing has changed then.
    """
    is_readable = _give_up(ledger)
    copy = ledger.with_name(f".{ledger.name}.restoring")
    try:
        _copy(source, copy)
        _assert_is_ledger(copy, source)
        with contextlib.closing(DuckDBStore(copy)) as store:
            check(store)
        sync(copy)
        aside = ledger.with_name(f"{ledger.name}.before-restore-{stamp}")
        log = Path(f"{ledger}.wal")
        if not is_readable and log.exists():
            log.rename(f"{aside}.wal")
        if ledger.exists():
            # A second name first, so that there is a ledger at every moment.
            os.link(ledger, aside)
        os.replace(copy, ledger)
        sync(ledger.parent)
    except OSError as error:
        raise LedgerError(f"{source} cannot be restored to {ledger}: {error}") from error
    finally:
        copy.unlink(missing_ok=True)
        Path(f"{copy}.wal").unlink(missing_ok=True)
    return aside


def move(backup: Path, target: Path) -> None:
    """Give a finished backup its final place, on this file system or another one."""
    try:
        try:
            os.rename(backup, target)
        except OSError:
            part = target.with_name(f".{target.name}.part")
            try:
                _copy(backup, part)
                os.replace(part, target)
            finally:
                part.unlink(missing_ok=True)
            backup.unlink()
        sync(target.parent)
    except OSError as error:
        raise LedgerError(f"the backup stays at {backup}: {error}") from error


def _give_up(ledger: Path) -> bool:
    """Whether the present ledger can be opened; then its log is in the file afterwards."""
    if not ledger.exists():
        return False
    try:
        DuckDBStore(ledger).close()
    except LedgerBusy:
        raise
    except LedgerError:
        return False
    return True


def _assert_is_ledger(path: Path, shown: Path) -> None:
    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            connection.execute("select max(version) from taximeter_schema")
    except duckdb.Error as error:
        raise LedgerError(f"{shown} is no ledger: {str(error).splitlines()[0]}") from error


def _copy(source: Path, target: Path) -> None:
    """A copy for its owner alone, on disk."""
    target.unlink(missing_ok=True)
    with _new(target) as descriptor, source.open("rb") as content:
        with os.fdopen(descriptor, "wb", closefd=False) as copy:
            shutil.copyfileobj(content, copy, 1 << 20)
        os.fsync(descriptor)


@contextlib.contextmanager
def _new(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
