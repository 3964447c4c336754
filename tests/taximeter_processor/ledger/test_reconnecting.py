"""A ledger that is lost for a while: nothing is lost or counted twice, and the name stays safe."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from taximeter_processor.errors import LedgerBusy, LedgerError
from taximeter_processor.ledger.postgres_store import PostgresStore
from taximeter_processor.metrics.counters import CostCounters
from taximeter_processor.reports.verify import verify
from tests.support.cutting_proxy import CuttingProxy, Moment
from tests.support.records import CALL, NOON_US, call
from tests.support.servers import Postgres


@pytest.fixture
def proxy(postgres: Postgres) -> Iterator[CuttingProxy]:
    running = CuttingProxy(postgres.port)
    yield running
    running.stop()


@pytest.fixture
def store(postgres: Postgres, postgres_url: str, proxy: CuttingProxy) -> Iterator[PostgresStore]:
    """Behind the proxy, with one call in it, so that no partition is missing."""
    url = postgres_url.replace(str(postgres.port), str(proxy.port))
    opened = PostgresStore(url, writer="main")
    opened.append([CALL])
    yield opened
    opened.close()


@pytest.mark.parametrize(("moment", "stored"), [("before", 1), ("after", 2)])
def test_a_commit_whose_answer_was_lost_is_counted_once_whether_it_happened_or_not(
    store: PostgresStore, proxy: CuttingProxy, postgres_url: str, moment: Moment, stored: int
) -> None:
    counters = CostCounters(birth_hold_seconds=0)
    counters.seed(store, "main")
    proxy.cut_at = moment
    with pytest.raises(LedgerError, match="the commit failed"):
        store.append([call(1)])
    # The client was told to come back, and does.
    counted = store.append([call(1), call(2)])
    assert sorted(record.span_id for record in counted) == [call(1).span_id, call(2).span_id]
    counters.apply(counted)
    proof = verify(store, "main", counters, NOON_US + 60_000_000)
    assert proof["ok"], proof
    assert proof["rows"] == 3


def test_a_lost_answer_is_settled_by_the_next_empty_commit(
    store: PostgresStore, proxy: CuttingProxy
) -> None:
    proxy.cut_at = "after"
    with pytest.raises(LedgerError):
        store.append([call(1)])
    assert store.append([]) == [call(1)]
    assert store.append([]) == []


def test_a_commit_that_a_crash_undid_is_not_mistaken_for_one_that_has_its_number(
    own_postgres: Postgres,
) -> None:
    # A server that crashed gives the numbers of what it had not written down yet again.
    proxy = CuttingProxy(own_postgres.port)
    url = own_postgres.new_database().replace(str(own_postgres.port), str(proxy.port))
    store = PostgresStore(url, writer="main")
    store.append([CALL])
    proxy.cut_at = "before"
    with pytest.raises(LedgerError):
        store.append([call(1)])
    own_postgres.crash()
    own_postgres.start()
    assert store.append([]) == []
    assert store.append([call(1)]) == [call(1)]
    store.close()
    proxy.stop()


def test_a_name_that_another_took_meanwhile_is_not_taken_back(
    store: PostgresStore, proxy: CuttingProxy, postgres: Postgres, postgres_url: str
) -> None:
    proxy.cut_at = "before"
    with pytest.raises(LedgerError):
        store.append([call(1)])
    other = PostgresStore(postgres_url, writer="main")
    with pytest.raises(LedgerBusy, match="another process is writer 'main'"):
        store.append([call(1)])
    assert other.read("select count(*) from calls") == [(1,)]
    other.close()
    assert store.append([call(1)]) == [call(1)]


def test_reads_and_appends_go_on_after_the_server_was_restarted(own_postgres: Postgres) -> None:
    store = PostgresStore(own_postgres.new_database(), writer="main")
    assert store.append([CALL]) == [CALL]
    assert store.read("select count(*) from calls") == [(1,)]
    own_postgres.crash()
    with pytest.raises(LedgerError, match="refused"):
        store.read("select 1")
    own_postgres.start()
    assert store.read("select count(*) from calls") == [(1,)]
    assert store.append([CALL, call(1)]) == [call(1)]
    store.close()
