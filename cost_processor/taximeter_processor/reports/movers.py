"""Turns two equal stretches of the ledger into the features that moved most, and by what.

The difference of a feature is divided exactly: calls came or went, models changed places, or the
same model's call costs another amount. The three are symmetric shares of `calls x share x cost`
(Shapley), so they leave no remainder beyond a pico-dollar.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Final, NamedTuple

from taximeter_processor.analysis.variance import mean_product
from taximeter_processor.ledger.queries import Window
from taximeter_processor.ledger.slices import EVERYTHING, Part, Ranked, Where, parts, ranked
from taximeter_processor.ledger.store import LedgerStore

MOST_MODELS: Final = 50
MOST_TENANTS: Final = 5


class Effects(NamedTuple):
    """What a difference consists of, pico-USD; they add up to it."""

    calls: int
    """More or fewer calls at what they cost on average."""
    mix: int
    """Calls went to dearer or cheaper models."""
    cost_per_call: int
    """A call of the same model costs another amount: longer, less cached, another price."""
    models: int
    """Models that are new or no longer called."""


class Mover(NamedTuple):
    """One feature whose cost changed."""

    feature: str
    pico: tuple[int, int]
    """After and before."""
    effects: Effects
    tenant: str
    """Whose cost changed most in the same direction."""
    tenant_change_pico: int

    @property
    def change_pico(self) -> int:
        """After less before."""
        return self.pico[0] - self.pico[1]


def movers(
    store: LedgerStore, after: Window, before: Window, where: Where = EVERYTHING, *, limit: int
) -> list[Mover]:
    """The features whose cost differs most between two windows, either way."""
    found = ranked(store, "feature", (after, before), where, order="change", limit=limit).rows
    moved = {row.value: row for row in found if row.pico[0] != row.pico[1]}
    windows = (after, before)
    models = parts(store, ("feature", "model"), list(moved), windows, where, limit=MOST_MODELS)
    tenants = parts(store, ("feature", "tenant"), list(moved), windows, where, limit=MOST_TENANTS)
    answer = []
    for feature, row in moved.items():
        lead = _lead(row, [part for part in tenants if part.value == feature])
        answer.append(
            Mover(
                feature,
                (row.pico[0], row.pico[1]),
                effects(_leaves(row, [part for part in models if part.value == feature])),
                lead.part,
                lead.pico[0] - lead.pico[1],
            )
        )
    return answer


def _lead(row: Ranked, tenants: list[Part]) -> Part:
    """The tenant that moved most, among the first few one that moved as the feature did."""
    up = row.pico[0] > row.pico[1]
    same_way = [part for part in tenants if (part.pico[0] > part.pico[1]) == up]
    return (same_way or tenants)[0]


def _leaves(row: Ranked, models: list[Part]) -> list[Part]:
    """The models of a feature, and those past the limit as one."""
    after, before = (row.pico[i] - sum(part.pico[i] for part in models) for i in (0, 1))
    calls = (
        row.calls[0] - sum(part.calls[0] for part in models),
        row.calls[1] - sum(part.calls[1] for part in models),
    )
    return [*models, Part(row.value, "", (after, before), calls)] if any(calls) else models


def effects(leaves: Sequence[Part]) -> Effects:
    """What the difference of the leaves' sums consists of. Their windows are (after, before)."""
    staying = [leaf for leaf in leaves if leaf.calls[0] and leaf.calls[1]]
    moved = sum(leaf.pico[0] - leaf.pico[1] for leaf in leaves if leaf not in staying)
    whole = sum(leaf.pico[0] - leaf.pico[1] for leaf in staying)
    if not staying:
        return Effects(0, 0, 0, moved)
    n1, n0 = (sum(leaf.calls[index] for leaf in staying) for index in (0, 1))
    calls, rate = Fraction(0), Fraction(0)
    for leaf in staying:
        s1, s0 = Fraction(leaf.calls[0], n1), Fraction(leaf.calls[1], n0)
        u1, u0 = Fraction(leaf.pico[0], leaf.calls[0]), Fraction(leaf.pico[1], leaf.calls[1])
        calls += (n1 - n0) * mean_product(s0, s1, u0, u1)
        rate += (u1 - u0) * mean_product(Fraction(n0), Fraction(n1), s0, s1)
    by_calls, by_rate = round(calls), round(rate)
    return Effects(by_calls, whole - by_calls - by_rate, by_rate, moved)
