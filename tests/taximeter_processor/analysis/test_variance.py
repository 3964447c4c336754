"""What moved the spend: worked examples, and that the parts always add up."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from taximeter_processor.analysis.variance import DRIVERS, NOTHING, Amounts, drivers, rounded

MICRO = 10**6
"""Pico-USD."""


def text(calls: int, tokens: int, price: int, output: int = 0, output_price: int = 0) -> Amounts:
    """Calls of uncached text; tokens and output are of one call, prices are of one token."""
    total, answered = calls * tokens, calls * output
    cost, answer_cost = total * price, answered * output_price
    return Amounts(calls, cost + answer_cost, (total, 0, 0), (cost, 0, 0), answered, answer_cost)


def found(*leaves: tuple[Amounts, Amounts]) -> dict[str, int]:
    return {driver: pico for driver, pico in drivers(leaves).items() if pico}


def test_twice_the_calls_is_volume_alone() -> None:
    assert found((text(10, 100, MICRO), text(20, 100, MICRO))) == {"volume": 1000 * MICRO}


def test_a_price_twice_as_high_is_price_alone() -> None:
    assert found((text(10, 100, MICRO), text(10, 100, 2 * MICRO))) == {"price": 1000 * MICRO}


def test_longer_prompts_and_answers_are_tokens() -> None:
    before, after = text(10, 100, MICRO, 10, 8 * MICRO), text(10, 150, MICRO, 20, 8 * MICRO)
    assert found((before, after)) == {"tokens": (500 + 800) * MICRO}


def test_calls_and_price_that_double_together_share_what_both_did() -> None:
    # 1000 -> 4000: each alone adds 1000, both together 1000 more, half of it each.
    assert found((text(10, 100, MICRO), text(20, 100, 2 * MICRO))) == {
        "volume": 1500 * MICRO,
        "price": 1500 * MICRO,
    }


def test_input_that_a_cache_begins_to_read_is_cache() -> None:
    # 1000 tokens at 10; then half of them at 1: 10,000 -> 5,500.
    before = Amounts(10, 10_000, (1000, 0, 0), (10_000, 0, 0), 0, 0)
    after = Amounts(10, 5_500, (500, 500, 0), (5_000, 500, 0), 0, 0)
    assert found((before, after)) == {"cache": -4_500}


def test_more_of_the_dearer_calls_is_mix() -> None:
    # 10 calls of each at 1 and 3; then 5 and 15: 40 -> 50 with as many calls.
    cheap = (text(10, 1, 1), text(5, 1, 1))
    dear = (text(10, 1, 3), text(15, 1, 3))
    assert found(cheap, dear) == {"mix": 10}


def test_what_is_no_text_is_told_apart() -> None:
    # A search tool at 30 a call comes to calls whose text stays the same.
    before = text(10, 100, 1)
    assert found((before, before._replace(cost=before.cost + 300))) == {"meters": 300}


def test_what_begins_and_what_ends_is_new_and_gone() -> None:
    assert found((NOTHING, text(1, 5, 7)), (text(1, 2, 7), NOTHING)) == {"new": 35, "gone": -14}


def test_nothing_at_all_moves_nothing() -> None:
    assert drivers([]) == dict.fromkeys(DRIVERS, 0)
    assert found((NOTHING, NOTHING)) == {}


counts = st.integers(0, 10**9)
money = st.integers(0, 10**18)
inputs = st.tuples(counts, counts, counts)


@st.composite
def amounts(draw: st.DrawFn) -> Amounts:
    calls = draw(st.integers(0, 10**7))
    if not calls:
        return NOTHING
    costs, output, rest = draw(st.tuples(money, money, money)), draw(money), draw(money)
    return Amounts(calls, sum(costs) + output + rest, draw(inputs), costs, draw(counts), output)


@given(st.lists(st.tuples(amounts(), amounts()), max_size=6))
def test_the_parts_add_up_to_the_change_to_the_last_pico(
    leaves: list[tuple[Amounts, Amounts]],
) -> None:
    change = sum(after.cost - before.cost for before, after in leaves)
    assert sum(drivers(leaves).values()) == change


@given(st.lists(st.tuples(amounts(), amounts()), max_size=4))
def test_going_back_undoes_every_part(leaves: list[tuple[Amounts, Amounts]]) -> None:
    there = drivers(leaves)
    back = drivers([(after, before) for before, after in leaves])
    swapped = {"new": "gone", "gone": "new"}
    for driver in DRIVERS:  # within what rounding to whole picos moves
        assert abs(there[driver] + back[swapped.get(driver, driver)]) <= 1


def test_parts_are_rounded_to_cents_that_add_up_to_the_rounded_whole() -> None:
    # 0.4 + 0.4 + 0.4 is 1 in whole numbers: the first of the equal remainders is rounded up.
    assert rounded({"a": 4, "b": 4, "c": 4, "d": 0}, 10, 10) == {"a": 10, "b": 0, "c": 0, "d": 0}
    assert rounded({"a": 16, "b": -12}, 10, 0) == {"a": 10, "b": -10}


@given(
    st.dictionaries(st.integers(), st.integers(-(10**18), 10**18)),
    st.integers(1, 10**12),
    st.booleans(),
)
def test_rounded_parts_add_up_and_none_is_a_unit_off(
    parts: dict[int, int], unit: int, up: bool
) -> None:
    whole = sum(parts.values())
    total = unit * (-(-whole // unit) if up else whole // unit)
    found = rounded(parts, unit, total)
    assert sum(found.values()) == total
    for name, part in parts.items():
        assert found[name] % unit == 0
        assert abs(found[name] - part) < unit
