"""A change is divided without remainder into calls, models and cost per call."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from taximeter_processor.ledger.duckdb_store import DuckDBStore
from taximeter_processor.ledger.queries import Window
from taximeter_processor.ledger.slices import Part
from taximeter_processor.reports.movers import Effects, effects, movers
from tests.support.records import NOON_US, call

USD = 10**12
DAY_US = 86_400_000_000
AFTER = Window("after", NOON_US - DAY_US, NOON_US + 1)
BEFORE = Window("before", NOON_US - 3 * DAY_US, NOON_US - DAY_US)


def leaf(model: str, pico: tuple[int, int], calls: tuple[int, int]) -> Part:
    return Part("chat", model, pico, calls)


def test_more_calls_of_the_same_kind() -> None:
    # 10 calls at $2 become 15 at $2.
    assert effects([leaf("a", (30 * USD, 20 * USD), (15, 10))]) == Effects(10 * USD, 0, 0, 0)


def test_dearer_calls() -> None:
    # 10 calls at $2 become 10 at $3.
    assert effects([leaf("a", (30 * USD, 20 * USD), (10, 10))]) == Effects(0, 0, 10 * USD, 0)


def test_calls_that_went_to_a_dearer_model() -> None:
    # 10 calls: 8 at $1 and 2 at $5 become 2 at $1 and 8 at $5.
    small = leaf("small", (2 * USD, 8 * USD), (2, 8))
    large = leaf("large", (40 * USD, 10 * USD), (8, 2))
    assert effects([small, large]) == Effects(0, 24 * USD, 0, 0)


def test_a_model_that_is_new_is_told_apart() -> None:
    old = leaf("old", (20 * USD, 20 * USD), (10, 10))
    new = leaf("new", (7 * USD, 0), (3, 0))
    assert effects([old, new]) == Effects(0, 0, 0, 7 * USD)


@given(
    st.lists(
        st.tuples(*[st.integers(0, 10**15)] * 2, *[st.integers(0, 10**6)] * 2),
        max_size=8,
    )
)
def test_the_effects_add_up_to_the_change_exactly(numbers: list[tuple[int, int, int, int]]) -> None:
    leaves = [leaf(str(i), (n[0], n[1]), (n[2], n[3])) for i, n in enumerate(numbers)]
    assert sum(effects(leaves)) == sum(part.pico[0] - part.pico[1] for part in leaves)


def test_the_feature_that_moved_most_comes_first_with_the_tenant_that_moved_it(
    tmp_path: Path,
) -> None:
    ledger = DuckDBStore(tmp_path / "l.duckdb")
    early = NOON_US - 2 * DAY_US
    ledger.append(
        [
            call(1, feature="chat", tenant="acme", cost_usd=2 * USD, start_time=early),
            call(2, feature="chat", tenant="acme", cost_usd=2 * USD),
            call(3, feature="chat", tenant="initech", cost_usd=2 * USD),
            call(4, feature="chat", tenant="initech", cost_usd=2 * USD),
            call(5, feature="search", cost_usd=3 * USD, start_time=early),
            call(6, feature="same", cost_usd=9 * USD, start_time=early),
            call(7, feature="same", cost_usd=9 * USD),
        ]
    )
    first, second = movers(ledger, AFTER, BEFORE, limit=5)
    ledger.close()
    assert (first.feature, first.change_pico) == ("chat", 4 * USD)
    assert (first.tenant, first.tenant_change_pico) == ("initech", 4 * USD)
    assert first.effects == Effects(4 * USD, 0, 0, 0)
    assert (second.feature, second.effects) == ("search", Effects(0, 0, 0, -3 * USD))


def test_a_tenant_that_went_the_other_way_is_not_the_one_to_ask_about(tmp_path: Path) -> None:
    ledger = DuckDBStore(tmp_path / "l.duckdb")
    early = NOON_US - 2 * DAY_US
    ledger.append(
        [
            call(1, feature="chat", tenant="gone", cost_usd=5 * USD, start_time=early),
            call(2, feature="chat", tenant="a", cost_usd=3 * USD),
            call(3, feature="chat", tenant="b", cost_usd=4 * USD),
        ]
    )
    (mover,) = movers(ledger, AFTER, BEFORE, limit=5)
    ledger.close()
    assert (mover.change_pico, mover.tenant) == (2 * USD, "b")
