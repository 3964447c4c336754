"""What is particular to the ledger in PostgreSQL: hostile text, limits, months, its own names."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taximeter_processor.errors import ConfigError, LedgerError
from taximeter_processor.ledger import postgres_links
from taximeter_processor.ledger.engines import open_ledger
from taximeter_processor.ledger.postgres_readers import numbered
from taximeter_processor.ledger.postgres_store import PostgresStore
from taximeter_processor.ledger.record import DeadLetter, Restatement
from taximeter_processor.settings import Settings
from tests.support.records import CALL, NOON_US, call
from tests.support.servers import Postgres

DAY_US = 86_400_000_000


@pytest.fixture
def store(postgres_url: str) -> Iterator[PostgresStore]:
    opened = PostgresStore(postgres_url, writer="main", read_seconds=5, dead_letter_limit=3)
    yield opened
    opened.close()


def partitions(store: PostgresStore) -> list[str]:
    rows = store.read("select relid::text from pg_partition_tree('calls') where isleaf order by 1")
    return [name for (name,) in rows]


@pytest.mark.parametrize(
    "text",
    ["None", "\\N", "a\tb", "a\nb", "a\rb", "\\", "\\t", "\\.", "", "null", "ünï 🚕", "e-12"],
)
def test_text_comes_back_as_it_was(store: PostgresStore, text: str) -> None:
    store.append([call(1, feature=text), call(2, tenant="plain")])
    assert store.read("select feature from calls order by span_id")[0] == (text,)


def test_what_postgresql_cannot_hold_does_not_stop_a_commit(store: PostgresStore) -> None:
    letter = DeadLetter(NOON_US, "malformed", "a\0b", "", 1, "")
    assert len(store.append([call(1, model="a\0b"), call(2, model="a\ud800b")], [letter])) == 2
    assert store.read("select model from calls order by span_id") == [("a\ufffdb",), ("a?b",)]
    assert store.read("select detail from dead_letters") == [("a\ufffdb",)]


@given(st.text(max_size=20), st.text(max_size=20), st.integers(-(10**23), 10**23))
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_and_money_survive(store: PostgresStore, one: str, other: str, pico: int) -> None:
    store.append([call(1, feature=one, raw_usage=other, cost_usd=pico, reported_cost_usd=pico)])
    (row,) = store.read("select feature, raw_usage, cost_usd, reported_cost_usd from calls")
    usd = Decimal(pico).scaleb(-12)
    kept = [
        text.replace("\0", "\ufffd").encode("utf-8", "replace").decode() for text in (one, other)
    ]
    assert row == (*kept, usd, usd)
    store._writing().run(lambda connection: connection.execute("truncate calls"))


def test_each_month_is_a_partition_and_the_distant_past_is_one(store: PostgresStore) -> None:
    times = (NOON_US, NOON_US + 13 * DAY_US, NOON_US - 4000 * DAY_US, 0, 1)
    store.append([call(number, start_time=start) for number, start in enumerate(times)])
    assert partitions(store) == ["calls_2026_11", "calls_2026_12", "calls_before_2020"]
    assert store.read("select count(*) from calls_before_2020") == [(3,)]


def test_a_month_ends_where_the_next_begins(store: PostgresStore) -> None:
    midnight = NOON_US + 12 * DAY_US + DAY_US // 2
    store.append([call(1, start_time=midnight - 1), call(2, start_time=midnight)])
    for name, start in (("calls_2026_11", midnight - 1), ("calls_2026_12", midnight)):
        assert store.read(f"select epoch_us(start_time) from {name}") == [(start,)]


def test_a_query_over_its_time_is_cut_off(postgres_url: str) -> None:
    store = PostgresStore(postgres_url, writer=None, read_seconds=0.2)
    with pytest.raises(LedgerError, match=r"longer than 0\.2 s"):
        store.read("select pg_sleep(10)")
    assert store.read("select 1") == [(1,)]
    store.close()


def test_reads_cannot_write(store: PostgresStore) -> None:
    with pytest.raises(LedgerError, match="read-only transaction"):
        store.read("delete from calls")


def test_dead_letters_are_kept_newest_first_up_to_the_limit(store: PostgresStore) -> None:
    for number in range(5):
        store.append([], [DeadLetter(NOON_US + number, "malformed", "", "", number, "")])
    kept = store.read("select size_bytes from dead_letters order by received_at desc")
    assert kept == [(4,), (3,), (2,)]


def test_a_failed_commit_changes_nothing_and_the_next_one_goes_through(
    store: PostgresStore,
) -> None:
    with pytest.raises(LedgerError, match="the commit failed"):
        store.append([CALL], [DeadLetter(2**62, "malformed", "", "", 2**70, "")])
    assert store.read("select count(*) from calls") == [(0,)]
    assert store.append([CALL]) == [CALL]


def test_the_newest_links_are_kept(store: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_links, "MOST_LINKS", 100)
    monkeypatch.setattr(postgres_links, "SPARE_LINKS", 10)
    for first in range(1, 200, 20):
        store.append(
            [], links={(f"{n:032x}", "8" * 16): "9" * 16 for n in range(first, first + 20)}
        )
    kept = [trace_id for (trace_id,) in store.read("select trace_id from links order by trace_id")]
    assert kept == [f"{number:032x}" for number in range(101, 201)]
    assert store.let_go["links"] == 100


def test_the_owner_of_a_database_needs_no_other_right(postgres: Postgres) -> None:
    postgres.execute("postgres", "create role plain login")
    postgres.execute("postgres", "create database of_plain owner plain")
    store = PostgresStore(postgres.url_of("of_plain", "plain"), writer="main")
    assert store.append([CALL]) == [CALL]
    store.append([], links={(CALL.trace_id, "8" * 16): "9" * 16}, arrivals=[("p", 1, "shop")])
    assert len(store.restate([Restatement(CALL, "price_corrected", NOON_US)])) == 1
    assert store.size_bytes() > 0
    store.close()


def test_size_counts_what_is_stored(store: PostgresStore) -> None:
    before = store.size_bytes()
    store.append([call(n) for n in range(2000)])
    assert store.size_bytes() > before + 2000 * 200


def test_a_ledger_opened_for_reading_refuses_to_write(
    store: PostgresStore, postgres_url: str
) -> None:
    reading = PostgresStore(postgres_url, writer=None)
    with pytest.raises(LedgerError, match="for reading only"):
        reading.append([CALL])
    reading.close()


def test_a_ledger_of_a_newer_version_is_refused(postgres: Postgres, postgres_url: str) -> None:
    PostgresStore(postgres_url, writer="main").close()
    postgres.execute(postgres_url.rpartition("/")[2], "insert into taximeter_schema values (99)")
    with pytest.raises(LedgerError, match="upgrade Taximeter"):
        PostgresStore(postgres_url, writer="main")


def test_an_address_where_nobody_answers_is_named_without_its_password() -> None:
    settings = Settings(ledger="postgresql://me:secret@127.0.0.1:1/costs?connect_timeout=2")
    with pytest.raises(
        LedgerError, match="postgresql://me@127.0.0.1:1/costs cannot be opened"
    ) as e:
        open_ledger(settings)
    assert "secret" not in str(e.value)


def test_another_engine_is_refused_with_those_that_are_there() -> None:
    with pytest.raises(ConfigError, match="ledger mysql: expected one of duckdb, postgresql"):
        open_ledger(Settings(ledger="mysql://me@host/costs"))


def test_places_of_parameters_are_numbered_and_text_in_quotes_is_left_alone() -> None:
    sql = "select '?', 'it''s ?' from t where a = ? and b % 2 = ?"
    assert numbered(sql, [7, 8]) == (
        "select '?', 'it''s ?' from t where a = $1 and b % 2 = $2",
        [7, 8],
    )
    assert numbered("a = $x and b = $y or a = $x", {"x": 1, "y": 2}) == (
        "a = $1 and b = $2 or a = $3",
        [1, 2, 1],
    )
