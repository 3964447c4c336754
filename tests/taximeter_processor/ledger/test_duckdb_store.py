"""What is particular to the embedded engine."""

from __future__ import annotations

import contextlib
import resource
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from taximeter_processor.errors import LedgerBusy, LedgerError
from taximeter_processor.ledger.duckdb_store import DuckDBStore
from taximeter_processor.ledger.engines import open_ledger
from taximeter_processor.ledger.record import DeadLetter
from taximeter_processor.settings import Settings
from tests.support.records import CALL, NOON_US, call, calls


def test_the_file_and_its_log_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    store = open_ledger(Settings(ledger=str(tmp_path / "l.duckdb")))
    store.append([CALL])
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    store.close()
    assert modes == {"l.duckdb": 0o600, "l.duckdb.wal": 0o600}


def test_a_second_process_is_told_who_has_the_file(tmp_path: Path) -> None:
    path = tmp_path / "l.duckdb"
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys; from taximeter_processor.ledger.duckdb_store import DuckDBStore;"
            "store = DuckDBStore(sys.argv[1]); print('open', flush=True); sys.stdin.read()",
            str(path),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(LedgerBusy, match="open in another process"):
            DuckDBStore(path)
        holder.kill()


def test_a_file_that_is_no_ledger_is_refused_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "l.duckdb"
    path.write_text("not a database, but long enough to be read as one" * 200)
    with pytest.raises(LedgerError, match=r"l\.duckdb cannot be opened"):
        DuckDBStore(path)


def test_a_ledger_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    store = DuckDBStore(tmp_path / "l.duckdb")
    store._writer.execute("insert into taximeter_schema values (99, now()::timestamp)")
    store.close()
    with pytest.raises(LedgerError, match="upgrade Taximeter"):
        DuckDBStore(tmp_path / "l.duckdb")


def test_a_query_over_its_time_is_cut_off(tmp_path: Path) -> None:
    store = DuckDBStore(tmp_path / "l.duckdb", read_seconds=0.2)
    with pytest.raises(LedgerError, match=r"longer than 0\.2 s"):
        store.read("select count(*) from range(100000000000) a, range(100) b")
    store.close()


def test_queries_cannot_reach_files(tmp_path: Path) -> None:
    store = DuckDBStore(tmp_path / "l.duckdb")
    with pytest.raises(LedgerError, match="disabled by configuration"):
        store.read("select * from read_csv('/etc/passwd')")
    store.close()


def test_dead_letters_are_kept_newest_first_up_to_the_limit(tmp_path: Path) -> None:
    store = DuckDBStore(tmp_path / "l.duckdb", dead_letter_limit=3)
    for number in range(5):
        store.append([], [DeadLetter(NOON_US + number, "malformed", "", "", number, "")])
    kept = store.read("select size_bytes from dead_letters order by received_at desc")
    assert kept == [(4,), (3,), (2,)]
    store.close()


def test_a_failed_commit_changes_nothing_and_the_next_one_goes_through(tmp_path: Path) -> None:
    store = DuckDBStore(tmp_path / "l.duckdb")
    with pytest.raises(LedgerError, match="the commit failed"):
        store.append([CALL], [DeadLetter(2**70, "malformed", "", "", 0, "")])
    assert store.read("select count(*) from calls") == [(0,)]
    assert store.append([CALL]) == [CALL]
    store.close()


@contextlib.contextmanager
def no_file_longer_than(size_bytes: int) -> Iterator[None]:
    """As on a full disk, writing past this size fails."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def give_up(store: DuckDBStore) -> None:
    """Let the engine find no room as it tidies up its log, after which it does no more."""
    with (
        no_file_longer_than(store.path.stat().st_size),
        pytest.raises(duckdb.FatalException, match="checkpoint"),
    ):
        store._writer.execute("checkpoint")


def test_a_log_that_cannot_grow_fails_one_commit_and_no_more(tmp_path: Path) -> None:
    store = DuckDBStore(tmp_path / "l.duckdb")
    store.append([CALL])
    with no_file_longer_than(100_000), pytest.raises(LedgerError, match="the commit failed"):
        store.append(calls(2000, trace_id="1" * 32))
    assert store.append([CALL, call(1)]) == [call(1)]
    assert store.read("select count(*) from calls") == [(2,)]
    store.close()


def test_a_file_the_engine_gave_up_is_opened_anew_by_the_second_commit_after(
    tmp_path: Path,
) -> None:
    store = DuckDBStore(tmp_path / "l.duckdb")
    store.append(calls(3000))
    give_up(store)
    with pytest.raises(LedgerError, match="the commit failed"):
        store.append([CALL])
    with pytest.raises(LedgerError):
        store.read("select 1")
    assert store.append([CALL, call(5000)]) == [CALL, call(5000)]
    assert store.read("select count(*), count(distinct span_id) from calls") == [(3002, 3002)]
    store.close()


def test_calls_committed_as_the_file_was_given_up_are_counted_by_the_next_commit(
    tmp_path: Path,
) -> None:
    store = DuckDBStore(tmp_path / "l.duckdb")
    store.append([CALL, call(1)])
    # The commit's answer was an error, and yet it is in the file: only the second one is not.
    store._note(duckdb.FatalException("found no room after the commit"), [call(1), call(2)])
    assert store.append([call(1), call(3)]) == [call(1), call(3)]
    assert store.append([call(1)]) == []
    store.close()


def test_a_commit_of_nothing_fails_too_while_there_is_no_room(tmp_path: Path) -> None:
    store = DuckDBStore(tmp_path / "l.duckdb")
    store.append([CALL])
    with no_file_longer_than(30_000):
        with pytest.raises(LedgerError, match="the commit failed"):
            store.append(calls(2000, trace_id="1" * 32))
        for _ in range(3):
            with pytest.raises(LedgerError, match="the commit failed"):
                store.append([])
    assert store.append([]) == []
    store.close()
    assert (
        DuckDBStore(tmp_path / "l.duckdb").read("from duckdb_tables() where table_name='room'")
        == []
    )
