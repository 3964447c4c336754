"""A copy of the embedded ledger while it is written, and one that takes its place."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import duckdb
import pytest

from taximeter_processor.errors import LedgerError
from taximeter_processor.ledger.duckdb_backup import move, restore
from taximeter_processor.ledger.duckdb_store import DuckDBStore
from taximeter_processor.ledger.erase import erase_slice
from tests.soak.disks import small_disk
from tests.support.records import CALL, NOON_US, call, calls

STAMP = "20261118T120000"


def accept(_: DuckDBStore) -> None:
    """Every copy is good."""


def count(path: Path) -> int:
    store = DuckDBStore(path)
    try:
        return int(store.read("select count(*) from calls")[0][0])
    finally:
        store.close()


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """Of one call."""
    path = tmp_path / "it's" / "l.duckdb"
    store = DuckDBStore(path)
    store.append([CALL])
    store.close()
    return path


def backup_of(ledger: Path, name: str = "b.duckdb") -> Path:
    store = DuckDBStore(ledger)
    try:
        return store.backup(name)
    finally:
        store.close()


def test_a_copy_holds_what_was_committed_and_is_for_its_owner_alone(ledger: Path) -> None:
    store = DuckDBStore(ledger)
    made = store.backup("b.duckdb")
    store.append(calls(5))
    store.close()
    assert made == ledger.parent / "backups" / "b.duckdb"
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    assert stat.S_IMODE(made.parent.stat().st_mode) == 0o700
    assert list(made.parent.iterdir()) == [made]
    assert (count(made), count(ledger)) == (1, 6)


def test_a_copy_has_all_that_a_ledger_has(ledger: Path) -> None:
    schema = "select table_name, column_name, data_type from information_schema.columns"
    key = "select table_name, constraint_text from duckdb_constraints() where constraint_type = 'PRIMARY KEY'"  # noqa: E501
    made = backup_of(ledger)
    stores = DuckDBStore(ledger), DuckDBStore(made)
    for question in (schema, key):
        found = [set(store.read(question)) for store in stores]
        assert found[0] == found[1] != set()
    for store in stores:
        store.close()


@pytest.mark.parametrize(
    "name", ["", "b", "../b.duckdb", "/tmp/b.duckdb", "a/b.duckdb", ".b.duckdb", "b.duckdb\n"]
)
def test_a_name_that_is_no_plain_file_name_is_refused(ledger: Path, name: str) -> None:
    with pytest.raises(ValueError, match="expected a plain file name"):
        backup_of(ledger, name)


def test_a_backup_is_never_written_over(ledger: Path) -> None:
    backup_of(ledger)
    with pytest.raises(ValueError, match=r"b\.duckdb' is there already"):
        backup_of(ledger)


def test_a_copy_that_was_cut_off_by_a_crash_is_no_obstacle(ledger: Path) -> None:
    folder = ledger.parent / "backups"
    folder.mkdir()
    for name in (".b.duckdb.part", ".sunday.duckdb.part", ".sunday.duckdb.part.wal"):
        (folder / name).write_text("half")
    assert count(backup_of(ledger)) == 1
    assert [file.name for file in folder.iterdir()] == ["b.duckdb"]


def test_a_full_disk_leaves_no_half_copy_and_the_next_one_is_whole(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 24) as disk:
        store = DuckDBStore(disk.path / "ledger.duckdb")
        store.append(calls(2000))
        disk.fill(os.getpid(), 200_000)
        with pytest.raises(LedgerError, match="cannot be copied"):
            store.backup("b.duckdb")
        assert list((disk.path / "backups").iterdir()) == []
        disk.free(os.getpid())
        assert len(store.append([call(3000)])) == 1
        assert count(store.backup("b.duckdb")) == 2001
        store.close()


def test_a_copy_that_fails_leaves_nothing_and_the_ledger_goes_on(ledger: Path) -> None:
    (ledger.parent / "backups").write_text("a file where the folder should be")
    store = DuckDBStore(ledger)
    with pytest.raises(LedgerError, match="cannot be copied"):
        store.backup("b.duckdb")
    assert len(store.append(calls(2))) == 2
    store.close()


def test_sql_still_reaches_no_other_file(ledger: Path) -> None:
    store = DuckDBStore(ledger)
    outside = ledger.parent / "outside.duckdb"
    for statement in (
        f"attach '{str(outside).replace(chr(39), chr(39) * 2)}' as o",
        "copy calls to '/tmp/calls.csv'",
        "set enable_external_access = true",
        "set allowed_directories = ['/tmp']",
    ):
        with pytest.raises(duckdb.Error):
            store._writer.execute(statement)
    store.close()


def test_a_forgotten_name_is_nowhere_in_a_copy_made_afterwards(ledger: Path) -> None:
    store = DuckDBStore(ledger)
    store.append(calls(3000, tenant="Erika Mustermann"))
    before = store.backup("before.duckdb")
    erase_slice(store, ["Erika Mustermann"], 0, NOON_US)
    after = store.backup("after.duckdb")
    store.close()
    assert b"Erika Mustermann" in before.read_bytes()
    assert b"Erika Mustermann" not in after.read_bytes()


def test_a_backup_takes_the_ledger_s_place_and_the_ledger_is_kept(ledger: Path) -> None:
    made = backup_of(ledger)
    store = DuckDBStore(ledger)
    store.append(calls(5))
    store.close()
    aside = restore(made, ledger, STAMP, accept)
    assert aside == ledger.with_name(f"l.duckdb.before-restore-{STAMP}")
    assert (count(ledger), count(aside), count(made)) == (1, 6, 1)
    assert stat.S_IMODE(ledger.stat().st_mode) == 0o600


def test_a_backup_becomes_a_ledger_where_there_is_none(ledger: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.duckdb"
    assert not restore(backup_of(ledger), elsewhere, STAMP, accept).exists()
    assert count(elsewhere) == 1


def test_a_ledger_that_cannot_be_opened_any_more_is_replaced_with_its_log(ledger: Path) -> None:
    made = backup_of(ledger)
    ledger.write_bytes(b"broken" * 4096)
    log = Path(f"{ledger}.wal")
    log.write_bytes(b"of the broken one")
    aside = restore(made, ledger, STAMP, accept)
    assert count(ledger) == 1
    assert aside.read_bytes()[:6] == b"broken"
    assert Path(f"{aside}.wal").read_bytes() == b"of the broken one"


@pytest.mark.parametrize("kind", ["text", "another database"])
def test_a_file_that_is_no_ledger_changes_nothing(ledger: Path, kind: str) -> None:
    file = ledger.parent / "no-ledger"
    if kind == "text":
        file.write_text("text" * 5000)
    else:
        with duckdb.connect(str(file)) as connection:
            connection.execute("create table mine as select 1")
    with pytest.raises(LedgerError, match="no-ledger is no ledger"):
        restore(file, ledger, STAMP, accept)
    assert count(ledger) == 1
    assert not list(ledger.parent.glob(".l.duckdb*"))


def test_a_copy_that_does_not_pass_the_check_changes_nothing(ledger: Path) -> None:
    made = backup_of(ledger)

    def refuse(_: DuckDBStore) -> None:
        raise LedgerError("it does not add up")

    with pytest.raises(LedgerError, match="does not add up"):
        restore(made, ledger, STAMP, refuse)
    assert sorted(path.name for path in ledger.parent.iterdir()) == ["backups", "l.duckdb"]


def test_a_moved_backup_is_whole_and_alone(ledger: Path, tmp_path: Path) -> None:
    made = backup_of(ledger)
    move(made, tmp_path / "moved.duckdb")
    assert count(tmp_path / "moved.duckdb") == 1
    assert not made.exists()
