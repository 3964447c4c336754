"""Monthly discounts and commitments on a month's sum, worked out by hand."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from taximeter_processor.money import PICO_PER_USD
from taximeter_processor.pricing.contracts import Contract, Settlement, settle, shares

USD = PICO_PER_USD
TIERS = "discounts: [{above_usd: 100, percent: -5}, {above_usd: 1000, percent: -10}]"


def contract(text: str) -> Contract:
    return Contract.model_validate(yaml.safe_load(f"{{name: ours, {text}}}"))


def settled(text: str, metered_usd: int) -> Settlement:
    return settle(contract(text), metered_usd * USD)


def test_each_discount_is_on_the_part_of_the_sum_above_its_amount() -> None:
    # 900 at -5 % and 500 at -10 %.
    assert settled(TIERS, 1500) == Settlement(1500 * USD, -95 * USD, 0)
    assert settled(TIERS, 1000).discount_pico == -45 * USD
    assert settled(TIERS, 100).discount_pico == 0


def test_a_discount_on_everything_starts_once_the_sum_is_above_the_amount() -> None:
    on_all = f"{TIERS}, discount_on: everything"
    found = [settled(on_all, metered).payable_pico for metered in (100, 101, 1000, 1001)]
    assert found == [100 * USD, 95_950 * USD // 1000, 950 * USD, 900_900 * USD // 1000]


def test_a_commitment_is_due_even_when_less_was_used() -> None:
    assert settled("commitment_usd: 200", 150) == Settlement(150 * USD, 0, 50 * USD)
    assert settled("commitment_usd: 200", 250) == Settlement(250 * USD, 0, 0)


def test_discounts_come_before_the_commitment() -> None:
    found = settled(f"{TIERS}, commitment_usd: 1450", 1500)
    assert (found.discount_pico, found.payable_pico) == (-95 * USD, 1450 * USD)


def test_a_discount_is_rounded_once_half_to_even() -> None:
    third = contract("discounts: [{above_usd: 0, percent: -50}]")
    assert [settle(third, pico).discount_pico for pico in (1, 3, 5)] == [0, -2, -2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("provider: openai", "expected discounts or commitment_usd"),
        ("commitment_usd: -1", "greater than or equal to 0"),
        ("commitment_usd: 1, from: 2026-10-01", "should match pattern"),
        ("commitment_usd: 1, from: 2026-13", "should match pattern"),
        ("discounts: [{above_usd: 9, percent: -1}, {above_usd: 9, percent: -2}]", "to grow"),
    ],
)
def test_a_mistake_in_a_contract_is_answered_with_what_was_expected(
    text: str, message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        contract(text)


def test_a_contract_covers_its_models_in_its_months() -> None:
    ours = contract("provider: openai, model: 'gpt-5*', from: 2026-10, until: 2026-11, "
                    "commitment_usd: 1")  # fmt: skip
    asked = [
        ("2026-09", "openai", "gpt-5"),
        ("2026-10", "openai", "gpt-5-mini"),
        ("2026-11", "openai", "gpt-5"),
        ("2026-12", "openai", "gpt-5"),
        ("2026-10", "openai", "gpt-4o"),
        ("2026-10", "azure.ai.openai", "gpt-5"),
    ]
    assert [ours.covers(*one) for one in asked] == [False, True, True, False, False, False]


@given(st.integers(0, 10**20), st.lists(st.integers(0, 10**18), min_size=1, max_size=20))
def test_shares_add_up_to_the_sum_and_are_fair_to_a_pico(total: int, weights: list[int]) -> None:
    parts = shares(total, weights)
    whole = sum(weights)
    assert sum(parts) == (total if whole else 0)
    if whole:
        pairs = zip(parts, weights, strict=True)
        assert all(abs(part * whole - total * weight) < whole for part, weight in pairs)
