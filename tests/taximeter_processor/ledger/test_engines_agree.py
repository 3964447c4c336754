"""Whatever is asked, every engine gives the answer the embedded one gives."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

import pytest

from taximeter_processor.ledger import queries
from taximeter_processor.ledger.duckdb_store import DuckDBStore
from taximeter_processor.ledger.postgres_store import PostgresStore
from taximeter_processor.ledger.record import DeadLetter, Record, Restatement
from taximeter_processor.ledger.rows import Stretch, first_slice
from taximeter_processor.ledger.store import LedgerStore
from taximeter_processor.ledger.usage import Cuts, usage_sums
from taximeter_processor.metrics.counters import CostCounters
from taximeter_processor.metrics.gauges import LedgerGauges
from taximeter_processor.reports.asked import Asked
from taximeter_processor.reports.reads import READS
from taximeter_processor.reports.verify import verify
from taximeter_processor.settings import Budget, Settings
from tests.support.records import NOON_US, call
from tests.support.servers import Postgres

NOW = datetime(2026, 11, 18, 13, tzinfo=timezone.utc)
HOUR_US = 3_600_000_000
SEARCHED = 20_000_000_000
SETTINGS = Settings(timezone="Asia/Kolkata", budgets=(Budget(name="all", usd="5", period="month"),))


def some_record(number: int, chance: random.Random) -> Record:
    status = chance.choice(["priced", "priced", "unpriced", "failed", "cached"])
    output, search = (chance.randrange(10**9), chance.choice([0, 0, SEARCHED]))
    if status == "cached":
        output = search = 0
    return call(
        number,
        start_time=NOON_US - chance.randrange(60 * 24) * HOUR_US - chance.randrange(HOUR_US),
        ingested_at=NOON_US + number // 20,
        feature=chance.choice(["", "search", "Search", "größe", "agent"]),
        tenant=f"tenant {chance.randrange(7)}",
        team=chance.choice(["", "growth", "unknown"]),
        model=chance.choice(["gpt-5-mini", "claude-9"]),
        writer=chance.choice(["main", "second"]),
        status=status,
        unpriced_reason="unknown_model" if status == "unpriced" else "",
        input_tokens=chance.choice([None, 10, 5000]),
        input_cost_usd=0,
        cache_read_cost_usd=0,
        output_cost_usd=output,
        cost_usd=output + search,
        first_cost_usd=output + search,
        list_cost_usd=output + chance.randrange(10**9),
        tier_saved_usd=chance.randrange(-(10**8), 10**8),
        reported_cost_usd=chance.choice([None, 5]),
        other_meters='{"web_search":[2,"0.02"]}' if search else None,
        is_backfill=chance.random() < 0.1,
    )


def fill(store: LedgerStore) -> None:
    chance = random.Random(7)
    records = [some_record(number, chance) for number in range(400)]
    for start in range(0, len(records), 50):
        store.append(records[start : start + 50])
    dearer = [r._replace(cost_usd=chance.randrange(10**9)) for r in records[::9]]
    store.restate([Restatement(r, "price_corrected", NOON_US + 10**6) for r in dearer])
    store.append([], [DeadLetter(NOON_US + n, "malformed", "?", "peer", n, "") for n in range(5)])


@pytest.fixture(scope="module")
def both(
    tmp_path_factory: pytest.TempPathFactory, postgres: Postgres
) -> Iterator[tuple[LedgerStore, LedgerStore]]:
    embedded = DuckDBStore(tmp_path_factory.mktemp("agree") / "l.duckdb")
    server = PostgresStore(postgres.new_database(), writer="main")
    for store in (embedded, server):
        fill(store)
    yield embedded, server
    embedded.close()
    server.close()


@pytest.mark.parametrize("group", [(), ("feature",), ("tenant", "status"), ("writer", "emitter")])
@pytest.mark.parametrize("minutes", [0, 30])
def test_sums_of_whole_and_of_cut_hours_are_the_same(
    both: tuple[LedgerStore, LedgerStore], group: tuple[str, ...], minutes: int
) -> None:
    start = NOON_US - 800 * HOUR_US + minutes * 60_000_000
    embedded, server = (
        queries.spend(store, group, start, NOON_US, {"model": "claude-9"}) for store in both
    )
    assert server == embedded
    assert sum(spend.requests for spend in server) > 50


@pytest.mark.parametrize("name", sorted(READS))
def test_every_read_gives_the_same_answer(name: str, both: tuple[LedgerStore, LedgerStore]) -> None:
    asked: dict[str, dict[str, str]] = {
        "costs": {"by": "day,feature,team", "since": "90d", "writer": "main"},
        "usage": {"since": "2026-09-01", "until": "2026-11-19"},
        "contracts": {},
    }
    embedded, server = (
        READS[name](Asked(store, SETTINGS, asked.get(name, {}), NOW)) for store in both
    )
    for answer in (embedded, server):
        answer.pop("bytes", None)
    assert server == embedded


def test_counters_seeded_from_either_show_the_same(both: tuple[LedgerStore, LedgerStore]) -> None:
    embedded, server = (seeded(store).collect(NOON_US + HOUR_US) for store in both)
    assert samples(server) == samples(embedded)


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kolkata"])
def test_gauges_show_the_same(both: tuple[LedgerStore, LedgerStore], zone: str) -> None:
    """Where hours are whole those of the server come from its hourly sums."""
    settings = SETTINGS.model_copy(update={"timezone": zone})
    shown = []
    for store in both:
        gauges = LedgerGauges(store, settings, seeded(store).cost, clock=NOW.timestamp)
        shown.append(
            [s for s in samples(gauges.collect()) if not s[0].startswith("taximeter_ledger_bytes")]
        )
    assert shown[1] == shown[0]
    assert len(shown[0]) > 100


def test_both_add_up(both: tuple[LedgerStore, LedgerStore]) -> None:
    embedded, server = (verify(store, "main", seeded(store), NOON_US + HOUR_US) for store in both)
    assert embedded["ok"]
    assert server == embedded


def test_slices_and_sums_for_repricing_are_the_same(
    both: tuple[LedgerStore, LedgerStore],
) -> None:
    stretch = Stretch(NOON_US - 900 * HOUR_US, NOON_US, {"model": "gpt-5-mini"})
    embedded, server = (first_slice(store, stretch, 40) for store in both)
    assert server == embedded
    assert 0 < len(server.records) < server.total
    cuts = Cuts((NOON_US - 100 * HOUR_US,), (8 * HOUR_US,), (1000,))
    sums = [usage_sums(store, 0, NOON_US, cuts) for store in both]
    assert sums[1] == sums[0]


def seeded(store: LedgerStore) -> CostCounters:
    counters = CostCounters(birth_hold_seconds=0)
    counters.seed(store, "main")
    return counters


def samples(families: Any) -> list[tuple[str, tuple[tuple[str, str], ...], float]]:
    return sorted(
        (sample.name, tuple(sorted(sample.labels.items())), sample.value)
        for family in families
        for sample in family.samples
    )
