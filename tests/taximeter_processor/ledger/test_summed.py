"""Whatever is asked of a slice, hourly sums and calls give one answer."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taximeter_processor.ledger import slices
from taximeter_processor.ledger.filters import Where
from taximeter_processor.ledger.hourly import HOUR_US
from taximeter_processor.ledger.queries import Window
from taximeter_processor.ledger.record import Record, Restatement
from taximeter_processor.ledger.store import HourlySums, LedgerStore, Parameters, Row
from taximeter_processor.ledger.summed import summed
from tests.support.records import NOON_US, call

MINUTE_US = 60_000_000
HOURS = 30
FIRST_US = NOON_US - HOURS * HOUR_US
LATE_US = NOON_US + 20 * MINUTE_US
"""When the calls that came late arrived."""

WHERE: Sequence[dict[str, str]] = (
    {},
    {"feature": "chat"},
    {"team": "unknown"},
    {"status": "unpriced"},
    {"tenant": "t1"},
)


class CallsAlone:
    """A ledger that keeps no sums."""

    def __init__(self, store: LedgerStore) -> None:
        self._store = store

    def read(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        return self._store.read(sql, parameters)

    def hourly_sums(self) -> Sequence[HourlySums]:
        return ()


def some_call(number: int, chance: random.Random) -> Record:
    start_us = FIRST_US + chance.randrange(HOURS * HOUR_US)
    status = chance.choice(["priced", "priced", "unpriced"])
    return call(
        number,
        start_time=start_us,
        ingested_at=chance.choice([start_us + 1_000_000, LATE_US + number]),
        feature=chance.choice(["", "unknown", "chat", "search"]),
        team=chance.choice(["", "growth"]),
        tenant=f"t{chance.randrange(3)}",
        model=chance.choice(["a", "b"]),
        status=status,
        cost_usd=0 if status == "unpriced" else chance.randrange(10**13),
    )


def fill(store: LedgerStore) -> None:
    """90 calls of 30 hours, half of them late, a few of which became of another model."""
    chance = random.Random(3)
    records = sorted((some_call(n, chance) for n in range(90)), key=lambda r: r.ingested_at)
    for record in records:
        store.append([record])
    moved = [record._replace(model="c", cost_usd=5) for record in records[::11]]
    store.restate([Restatement(record, "price_corrected", LATE_US + 1000) for record in moved])


MOMENTS = st.one_of(
    st.integers(0, HOURS + 1).map(lambda hour: FIRST_US + hour * HOUR_US),
    st.integers(0, HOURS * 60).map(lambda minute: FIRST_US + minute * MINUTE_US),
)
STRETCHES = st.tuples(MOMENTS, MOMENTS).filter(lambda pair: pair[0] < pair[1])


def test_hourly_sums_and_calls_give_one_answer(store: LedgerStore) -> None:
    fill(store)
    alone = CallsAlone(store)

    @given(
        stretches=st.lists(STRETCHES, min_size=2, max_size=3),
        where=st.sampled_from(WHERE),
        known=st.one_of(st.none(), MOMENTS, st.integers(LATE_US, LATE_US + 100)),
        dimension=st.sampled_from(["feature", "tenant", "team", "model"]),
    )
    @settings(
        deadline=None,
        max_examples=60,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    def check(
        stretches: list[tuple[int, int]], where: dict[str, str], known: int | None, dimension: str
    ) -> None:
        windows = [Window(f"w{n}", *stretch) for n, stretch in enumerate(stretches)]
        bounds = sorted({bound for window in windows for bound in window[1:]})
        meant = Where(where, known)
        asked: tuple[Callable[[LedgerStore], object], ...] = (
            lambda of: slices.total(of, windows[0], meant),
            lambda of: slices.by_stretch(of, bounds, meant),
            lambda of: slices.series(of, dimension, ["chat", "t1", "unknown"], bounds, meant),
            lambda of: slices.ranked(of, dimension, windows, meant, limit=3),
            lambda of: slices.by_scope(of, windows, meant),
            lambda of: slices.total(
                of, windows[0], meant._replace(among={dimension: ["chat", "t1", "unknown"]})
            ),
        )
        for ask in asked:
            assert ask(store) == ask(alone)  # type: ignore[arg-type]

    check()


def test_what_arrived_later_is_taken_out_of_the_sums(store: LedgerStore) -> None:
    hour = NOON_US - 3 * HOUR_US
    store.append([call(1, start_time=hour, ingested_at=hour, cost_usd=2)])
    store.append([call(2, start_time=NOON_US, ingested_at=NOON_US)])
    late = call(3, start_time=hour + 1, ingested_at=LATE_US, cost_usd=40, feature="late")
    store.append([late])
    bounds = (hour, hour + HOUR_US)
    assert "hourly" in summed(store, ("feature",), bounds, LATE_US - 1).table
    window = [Window("hour", *bounds)]
    before = slices.ranked(store, "feature", window, Where(known_at_us=LATE_US - 1), limit=5)
    after = slices.ranked(store, "feature", window, Where(known_at_us=LATE_US), limit=5)
    assert [(row.value, row.pico, row.calls) for row in before.rows] == [("search", (2,), (1,))]
    assert before.values == 1
    assert [(row.value, row.pico, row.calls) for row in after.rows] == [
        ("late", (40,), (1,)),
        ("search", (2,), (1,)),
    ]
