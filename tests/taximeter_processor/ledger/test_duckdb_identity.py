"""What a commit is held against is bounded: links, traces and rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from taximeter_processor.errors import LedgerError
from taximeter_processor.ledger import duckdb_identity, duckdb_links
from taximeter_processor.ledger.duckdb_store import DuckDBStore
from taximeter_processor.ledger.identity import Links
from taximeter_processor.ledger.record import DeadLetter
from tests.support.records import NOON_US
from tests.taximeter_processor.ledger.test_identity import BELOW, FIRST, LINKS, SECOND, SUM, spans


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DuckDBStore]:
    opened = DuckDBStore(tmp_path / "l.duckdb")
    yield opened
    opened.close()


def others(first: int, count: int) -> Links:
    """Links of traces of their own."""
    return {(f"{number:032x}", "8" * 16): "9" * 16 for number in range(first, first + count)}


def kept(store: DuckDBStore) -> list[str]:
    return [row[0] for row in store.read("select trace_id from links order by trace_id")]


def test_calls_alone_leave_no_link(store: DuckDBStore) -> None:
    store.append(BELOW)
    assert kept(store) == []


def test_the_newest_links_are_kept(store: DuckDBStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duckdb_links, "MOST_LINKS", 100)
    monkeypatch.setattr(duckdb_links, "SPARE_LINKS", 10)
    for first in range(1, 200, 20):
        store.append([], links=others(first, 20))
    # Each 20 take their number past 110.
    assert kept(store) == [f"{number:032x}" for number in range(101, 201)]
    assert store.let_go == {"links": 100}


def test_a_commit_that_fails_keeps_none_of_its_links(store: DuckDBStore) -> None:
    never = DeadLetter(NOON_US, "reason", "detail", "peer", 2**70, "")
    with pytest.raises(LedgerError):
        store.append([], [never], LINKS)
    assert kept(store) == []
    store.append([*BELOW, SUM])
    assert spans(store) == ["3", "4", "9"]


def test_past_the_limit_of_open_traces_the_one_told_of_first_is_forgotten(
    store: DuckDBStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duckdb_identity, "MOST_OPEN", 1)
    store.append([SUM])
    store.append([SUM._replace(trace_id="e" * 32)])
    store.append(BELOW)
    # The link alone no longer makes the sum be looked at; anything else of its trace does.
    store.append([], links=LINKS)
    assert spans(store) == ["3", "4", "9", "9"]
    assert store.let_go["open_traces"] == 1


def test_a_commit_is_held_against_so_many_rows_and_no_more(
    store: DuckDBStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duckdb_identity, "MOST_ROWS", 1)
    store.append([FIRST, SECOND])
    store.append([SUM])
    # Held against one of its two calls it is no sum.
    assert spans(store) == ["3", "4", "9"]
    assert store.let_go["rows"] == 1
