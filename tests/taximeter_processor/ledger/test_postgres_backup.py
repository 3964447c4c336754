"""What is particular to backups of a ledger in PostgreSQL; the journey restores one elsewhere."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

import pytest

from taximeter_processor.errors import ConfigError, LedgerError
from taximeter_processor.ledger.postgres_backup import Vault
from taximeter_processor.ledger.postgres_store import PostgresStore
from taximeter_processor.ledger.prune import prune_slice
from taximeter_processor.metrics.counters import BUCKETS_PICO, CostCounters
from taximeter_processor.reports.verify import verify
from tests.support.records import NOON_US, call
from tests.support.servers import Postgres

SECRET = "not-for-the-process-list"
MONTH_US = 31 * 86_400_000_000


@pytest.fixture
def ledger(postgres_url: str) -> str:
    """Of calls in three months, of which the oldest was pruned."""
    store = PostgresStore(postgres_url, writer="main")
    store.append([call(n, start_time=NOON_US - n * MONTH_US) for n in range(3)])
    prune_slice(store, NOON_US - MONTH_US - 1, BUCKETS_PICO, NOON_US)
    store.close()
    return postgres_url


def test_all_tables_sums_and_proofs_are_there_again(
    ledger: str, postgres: Postgres, tmp_path: Path
) -> None:
    file, elsewhere = tmp_path / "b.dump", postgres.new_database()
    Vault(ledger, "costs").backup(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]
    Vault(elsewhere, "other").restore(file)
    stores = [PostgresStore(url, writer="main") for url in (ledger, elsewhere)]
    tables = "select relname from pg_class where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p', 'v', 'i') order by relname"  # noqa: E501
    for question in (tables, "select * from calls order by start_time", "select * from carried"):
        first, second = (sorted(map(repr, store.read(question))) for store in stores)
        assert first == second != []
    counters = CostCounters(birth_hold_seconds=0)
    counters.seed(stores[1], "main")
    assert verify(stores[1], "main", counters, NOON_US)["ok"]
    assert stores[1].append([call(0, start_time=NOON_US)]) == []
    assert len(stores[1].append([call(9, start_time=NOON_US + MONTH_US)])) == 1
    for store in stores:
        store.close()


def test_a_password_is_on_no_command_line(
    ledger: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = shutil.which("pg_dump")
    shown = tmp_path / "shown"
    wrapper = tmp_path / "bin" / "pg_dump"
    wrapper.parent.mkdir()
    wrapper.write_text(f'#!/bin/sh\necho "$@; $PGPASSWORD" > {shown}\nexec {real} "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", str(wrapper.parent), prepend=":")
    Vault(ledger.replace("taximeter@", f"taximeter:{SECRET}@"), "costs").backup(tmp_path / "b")
    command, _, environment = shown.read_text().partition("; ")
    assert "--format=custom" in command
    assert (SECRET in command, environment.strip()) == (False, SECRET)


@pytest.mark.parametrize("work", ["backup", "restore"])
def test_without_the_client_programs_the_package_is_named(
    ledger: str, postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, work: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    vault = Vault(ledger if work == "backup" else postgres.new_database(), "costs")
    with pytest.raises(ConfigError, match="apt install postgresql-client"):
        getattr(vault, work)(tmp_path / "b")
    assert list(tmp_path.iterdir()) == []


def test_a_database_without_a_ledger_has_nothing_to_back_up(
    postgres_url: str, tmp_path: Path
) -> None:
    with pytest.raises(LedgerError, match="costs has no ledger in its schema public"):
        Vault(postgres_url, "costs").backup(tmp_path / "b")


def test_a_database_that_holds_anything_is_not_restored_into(ledger: str, tmp_path: Path) -> None:
    Vault(ledger, "costs").backup(tmp_path / "b")
    with pytest.raises(LedgerError, match=r"costs is not empty: restore into a new database"):
        Vault(ledger, "costs").restore(tmp_path / "b")


def test_a_server_that_is_away_is_named_without_its_password(tmp_path: Path) -> None:
    vault = Vault(f"postgresql://taximeter:{SECRET}@127.0.0.1:1/costs", "costs")
    with pytest.raises(LedgerError, match="costs: connection failed") as caught:
        vault.backup(tmp_path / "b")
    assert SECRET not in str(caught.value)
