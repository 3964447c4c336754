"""What people and tools that speak SQL see: the same views in every engine, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest

from taximeter_processor.cli import main
from taximeter_processor.errors import LedgerError
from taximeter_processor.ledger import queries
from taximeter_processor.ledger.hourly import DEFAULT_DIMENSIONS, hours_that_differ
from taximeter_processor.ledger.postgres_sharing import Sharing
from taximeter_processor.ledger.postgres_store import PostgresStore
from taximeter_processor.ledger.record import Restatement
from taximeter_processor.ledger.store import LedgerStore
from taximeter_processor.ledger.views import VIEWS
from tests.support.records import CALL, NOON_US, call
from tests.support.servers import Postgres

HOUR_US = 3_600_000_000
DAY = date(2026, 11, 18)


@pytest.fixture
def filled(store: LedgerStore) -> LedgerStore:
    """Two calls of one tenant and one of another at noon, one of no tenant 13 hours later."""
    store.append(
        [
            call(1),
            call(2),
            call(3, tenant="globex", cost_usd=436_800_000),
            call(4, tenant="", start_time=NOON_US + 13 * HOUR_US),
        ]
    )
    return store


def test_a_request_is_shown_with_its_cost(filled: LedgerStore) -> None:
    rows = filled.read(
        "select span_id, epoch_us(start_time), tenant, cost_usd, input_tokens from v_requests "
        "where tenant = ?",
        ["globex"],
    )
    assert rows == [(call(3).span_id, NOON_US, "globex", Decimal("0.0004368"), 1312)]


def test_a_day_s_cost_is_the_sum_of_its_calls(filled: LedgerStore) -> None:
    rows = filled.read(
        "select day, tenant, requests, input_tokens, cost_usd from v_daily_cost order by 1, 2"
    )
    assert rows == [
        (DAY, "acme", 2, 2624, Decimal("0.0004736")),
        (DAY, "globex", 1, 1312, Decimal("0.0004368")),
        (date(2026, 11, 19), "", 1, 1312, Decimal("0.0002368")),
    ]


def test_unit_economics_divide_a_feature_s_cost(filled: LedgerStore) -> None:
    # $0.0009104 of three calls, two tenants, 3 x (1312 + 84) = 4188 tokens; list 3 x $0.000496.
    rows = filled.read(
        "select requests, tenants, tokens, cost_usd, cost_usd_per_request, cost_usd_per_tenant, "
        "cost_usd_per_million_tokens, saved_usd from v_unit_economics order by day"
    )
    assert rows[0] == (
        3,
        2,
        4188,
        Decimal("0.0009104"),
        Decimal("0.000303466667"),
        Decimal("0.0004552"),
        Decimal("0.217382999045"),
        Decimal("0.0005776"),
    )
    assert (rows[1][1], rows[1][5]) == (None, None)


def test_a_restated_cost_moves_to_where_it_belongs_now(filled: LedgerStore) -> None:
    changed = call(1, feature="agent", cost_usd=500_000_000_000)
    filled.restate([Restatement(changed, "price_corrected", NOON_US)])
    rows = filled.read(
        "select feature, requests, cost_usd from v_daily_cost where day = ? and tenant = 'acme' "
        "order by 1",
        [DAY],
    )
    assert rows == [("agent", 1, Decimal("0.5")), ("search", 1, Decimal("0.0002368"))]
    assert _wrong_hours(filled) == 0


def test_a_day_from_which_every_call_was_taken_is_not_shown(store: LedgerStore) -> None:
    store.append([CALL])
    moved = CALL._replace(team="other")
    store.restate([Restatement(moved, "price_corrected", NOON_US)])
    assert store.read("select team, requests from v_daily_cost") == [("other", 1)]


def _wrong_hours(store: LedgerStore) -> int:
    return sum(hours_that_differ(store, sums) for sums in store.hourly_sums())


@pytest.fixture
def server(postgres_url: str) -> Iterator[PostgresStore]:
    opened = PostgresStore(postgres_url, writer="main")
    opened.append([call(n, tenant=f"t{n}", model=f"m{n % 2}") for n in range(10)])
    yield opened
    opened.close()


def test_hourly_sums_by_fewer_dimensions_are_fewer_rows_and_stay_exact(
    server: PostgresStore, postgres_url: str
) -> None:
    sharing = Sharing(postgres_url, "the ledger")
    assert sharing.hourly() == (sorted(DEFAULT_DIMENSIONS), 10, 10)
    assert sharing.hourly(["feature", "model"]) == (["feature", "model"], 2, 10)
    server.append([call(20, tenant="late", model="m1"), call(21, tenant="else", model="m2")])
    assert sharing.hourly().rows == 2 + 1
    assert _wrong_hours(server) == 0


def test_whole_hours_are_read_from_the_sums_and_an_hour_that_is_wrong_is_found_out(
    server: PostgresStore, postgres: Postgres, postgres_url: str
) -> None:
    postgres.execute(postgres_url.rpartition("/")[2], "update hourly set requests = 7 * requests")
    assert _wrong_hours(server) == 1
    whole, cut, finer = (
        queries.spend(server, group, NOON_US - HOUR_US, NOON_US + HOUR_US + late)
        for group, late in ((("team",), 0), (("team",), -1), (("team", "emitter"), 0))
    )
    assert [found[0].requests for found in (whole, cut, finer)] == [70, 10, 10]


def test_an_unknown_dimension_is_refused_with_those_that_are_there(postgres_url: str) -> None:
    with pytest.raises(ValueError, match="--by 'colour': expected one of feature, team"):
        Sharing(postgres_url, "the ledger").hourly(["colour"])


def test_a_granted_role_reads_the_views_and_no_table(
    server: PostgresStore, postgres: Postgres, postgres_url: str, tmp_path: Path
) -> None:
    database = postgres_url.rpartition("/")[2]
    role = f"reader_{database}"
    postgres.execute(database, f"create role {role} login")
    config = tmp_path / "taximeter.yaml"
    config.write_text(f"ledger: {postgres_url}\n")
    assert main(["ledger", "grant", "--role", role, "--config", str(config)]) == 0
    for view in VIEWS:
        assert postgres.execute(database, f"select count(*) from {view}", role) != [(0,)]
    tables = server.read(
        "select relname::text from pg_class where relkind in ('r', 'p') "
        "and relnamespace = current_schema()::regnamespace"
    )
    assert len(tables) >= 9
    for (table,) in tables:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            postgres.execute(database, f"select * from {table}", role)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        postgres.execute(database, "delete from v_requests", role)


def test_a_role_is_made_with_the_password_of_a_file_and_later_has_the_new_one(
    server: PostgresStore, postgres: Postgres, postgres_url: str, tmp_path: Path
) -> None:
    database = postgres_url.rpartition("/")[2]
    role, config, secret = f"made_{database}", tmp_path / "taximeter.yaml", tmp_path / "password"
    config.write_text(f"ledger: {postgres_url}\n")
    grant = ["ledger", "grant", "--role", role, "--password-file", str(secret)]
    kept = []
    for password in ("first'secret\n", "second"):
        secret.write_text(password)
        assert main([*grant, "--config", str(config)]) == 0
        shown = f"select rolpassword from pg_authid where rolname = '{role}'"
        kept += postgres.execute(database, shown)[0]
    assert postgres.execute(database, "select count(*) from v_requests", role) == [(10,)]
    assert all(proof.startswith("SCRAM-SHA-256$") for proof in kept)
    assert len(set(kept)) == 2


def test_an_empty_password_file_is_refused(
    postgres_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, secret = tmp_path / "taximeter.yaml", tmp_path / "password"
    config.write_text(f"ledger: {postgres_url}\n")
    secret.write_text("\n")
    grant = ["ledger", "grant", "--role", "x", "--password-file", str(secret)]
    assert main([*grant, "--config", str(config)]) == 2
    assert "expected a password, the file is empty" in capsys.readouterr().err


def test_a_role_that_is_not_there_is_named(server: PostgresStore, postgres_url: str) -> None:
    with pytest.raises(LedgerError, match='role "nobody" does not exist'):
        Sharing(postgres_url, "the ledger").grant("nobody")


def test_an_embedded_ledger_cannot_be_shared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "taximeter.yaml"
    config.write_text(f"ledger: {tmp_path / 'l.duckdb'}\n")
    assert main(["ledger", "grant", "--role", "x", "--config", str(config)]) == 2
    assert "expected postgresql://USER@HOST/DATABASE" in capsys.readouterr().err
