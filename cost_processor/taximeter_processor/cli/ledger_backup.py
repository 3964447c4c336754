"""`taximeter ledger backup|restore`: the ledger as a file, and back."""

from __future__ import annotations

import argparse
import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from taximeter_processor.cli import access
from taximeter_processor.errors import LedgerError
from taximeter_processor.ledger.duckdb_backup import move, restore
from taximeter_processor.ledger.duckdb_store import DuckDBStore
from taximeter_processor.ledger.engines import is_server, open_ledger, open_vault
from taximeter_processor.ledger.store import LedgerStore
from taximeter_processor.reports.verify import verify_at_rest
from taximeter_processor.settings import Settings

BACKUP_SECONDS = 3600.0


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommands to those of `ledger`."""
    backing_up = commands.add_parser(
        "backup",
        help="copy the ledger to a file, also while it is written",
        description="Copy the ledger, as it is at one moment, to a file, while the service goes on "
        "taking spans. The copy of an embedded ledger is verified; one in PostgreSQL is dumped by "
        "pg_dump. Run it on the machine of the service.",
        epilog="Example: taximeter ledger backup /backups/2026-11-25.duckdb",
    )
    restoring = commands.add_parser(
        "restore",
        help="put a backup in the ledger's place",
        description="Check a backup and put it in the ledger's place; the present ledger is kept "
        "beside it under a dated name. Stop the service first. A ledger in PostgreSQL is restored "
        "into an empty database by pg_restore.",
        epilog="Example: taximeter ledger restore /backups/2026-11-25.duckdb",
    )
    for command, run in ((backing_up, _backup), (restoring, _restore)):
        access.add_common(command)
        command.add_argument("file", type=Path, metavar="FILE")
        command.set_defaults(run=run)


def _backup(arguments: argparse.Namespace) -> int:
    settings = access.settings_of(arguments)
    target = arguments.file.absolute()
    if target.exists():
        raise ValueError(f"{target} is there already: expected a new file")
    if not target.parent.is_dir():
        raise ValueError(f"{target.parent} is no folder: make it first")
    if is_server(settings):
        open_vault(settings).backup(target)
        answer: dict[str, Any] = {"file": str(target), "bytes": target.stat().st_size}
        return _print(arguments, answer, f"{target}: {answer['bytes']:,} bytes, one moment")
    move(_copied(settings), target)
    store = DuckDBStore(target, memory_mb=settings.limits.ledger_memory_mb)
    try:
        proof = verify_at_rest(store, settings)
    finally:
        store.close()
    answer = {"file": str(target), "bytes": target.stat().st_size, **_essence(proof)}
    return _print(arguments, answer, f"{target}: {answer['bytes']:,} bytes, {_told(proof)}")


def _copied(settings: Settings) -> Path:
    """A copy beside the ledger, made by the running service or by this process."""
    name = f"taximeter-{_stamp()}.duckdb"
    answer = access.tell_service(settings, "ledger/backup", {"name": name}, BACKUP_SECONDS)
    if answer is None:
        store = access.open_existing(settings)
        try:
            return store.backup(name)
        finally:
            store.close()
    made = Path(answer["file"])
    if not made.exists():
        raise LedgerError(
            f"the service wrote {made}, which is not on this machine: copy it from there"
        )
    return made


def _restore(arguments: argparse.Namespace) -> int:
    settings = access.settings_of(arguments)
    source = arguments.file.absolute()
    if not source.is_file():
        raise ValueError(f"{source} is no file: expected a backup")
    if is_server(settings):
        return _restore_server(arguments, settings, source)
    proof: dict[str, Any] = {}

    def check(store: LedgerStore) -> None:
        proof.update(verify_at_rest(store, settings))
        if not proof["ok"]:
            wrong = [one["check"] for one in proof["checks"] if not one["ok"]]
            raise LedgerError(f"{source} does not add up and is not restored: {'; '.join(wrong)}")

    ledger = Path(settings.ledger.removeprefix("duckdb:")).absolute()
    aside = restore(source, ledger, _stamp(), check)
    kept = str(aside) if aside.exists() else None
    answer = {"ledger": str(ledger), "kept": kept, **_essence(proof)}
    text = f"{ledger}: {_told(proof)}"
    return _print(arguments, answer, f"{text}\nthe ledger of before is {kept}" if kept else text)


def _restore_server(arguments: argparse.Namespace, settings: Settings, source: Path) -> int:
    open_vault(settings).restore(source)
    store = open_ledger(settings, writes=False)
    try:
        proof = verify_at_rest(store, settings)
    finally:
        store.close()
    answer = {"ledger": settings.shown_ledger, **_essence(proof)}
    _print(arguments, answer, f"{settings.shown_ledger}: {_told(proof)}")
    return 0 if proof["ok"] else 1


def _essence(proof: dict[str, Any]) -> dict[str, Any]:
    return {key: proof[key] for key in ("ok", "rows", "cost_usd")}


def _told(proof: dict[str, Any]) -> str:
    state = "verified" if proof["ok"] else "DOES NOT ADD UP: taximeter ledger verify says why"
    return f"{proof['rows']:,} calls, ${proof['cost_usd']}, {state}"


def _print(arguments: argparse.Namespace, answer: dict[str, Any], text: str) -> int:
    print(json.dumps(answer, indent=2) if arguments.json else text)
    return 0 if answer.get("ok", True) else 1


def _stamp() -> str:
    return f"{datetime.now(timezone.utc):%Y%m%dT%H%M%S}"
