"""Splits a change of spend into what caused it, exactly: the parts add up to the change.

A leaf is one combination of tags and model with its calls before and after. With N calls of all
leaves, a leaf's share s of them and its cost per call u, the leaf costs N·s·u. Each factor gets its
Shapley value (the mean of what it adds over every order in which the factors may change), so no
part depends on an order and nothing is left over. u is split again: tokens per call, the shares of
the input that caches read and wrote, and the price of a token.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from decimal import ROUND_FLOOR, Context, Decimal, localcontext
from itertools import product
from typing import Final, NamedTuple, TypeVar

INPUT_METERS: Final = ("input", "cache_read", "cache_write")
DRIVERS: Final = ("volume", "mix", "tokens", "cache", "price", "meters", "new", "gone")
"""
- `volume`: more or fewer calls; `mix`: dearer or cheaper combinations among them
- `tokens`: tokens per call; `cache`: shares of the input that are cached; `price`: of one token
- `meters`: everything that is not text input and output, such as searches and audio
- `new`, `gone`: combinations that had no calls before, or have none any more
"""

_EXACT: Final = Context(prec=50)
_ZERO: Final = Decimal(0)
_Name = TypeVar("_Name", bound=Hashable)


class Amounts(NamedTuple):
    """The priced calls of a leaf in one window; costs in pico-USD."""

    calls: int
    cost: int
    input_quantities: tuple[int, ...]
    """By `INPUT_METERS`, like `input_costs`."""
    input_costs: tuple[int, ...]
    output_quantity: int
    output_cost: int


NOTHING: Final = Amounts(0, 0, (0, 0, 0), (0, 0, 0), 0, 0)


def drivers(leaves: Iterable[tuple[Amounts, Amounts]]) -> dict[str, int]:
    """Pico-USD by driver; their sum is the cost after less the cost before."""
    pairs = list(leaves)
    parts = dict.fromkeys(DRIVERS, _ZERO)
    change = sum(after.cost - before.cost for before, after in pairs)
    lasting = [pair for pair in pairs if pair[0].calls and pair[1].calls]
    with localcontext(_EXACT):
        for before, after in pairs:
            if not before.calls:
                parts["new"] += after.cost - before.cost
            elif not after.calls:
                parts["gone"] += after.cost - before.cost
        all_before = Decimal(sum(before.calls for before, _ in lasting))
        all_after = Decimal(sum(after.calls for _, after in lasting))
        for before, after in lasting:
            _add_leaf(parts, before, after, all_before, all_after)
        return _whole(parts, change)


def _add_leaf(
    parts: dict[str, Decimal], before: Amounts, after: Amounts, n0: Decimal, n1: Decimal
) -> None:
    s0, s1 = before.calls / n0, after.calls / n1
    u0, u1 = Decimal(before.cost) / before.calls, Decimal(after.cost) / after.calls
    parts["volume"] += (n1 - n0) * _mean_product(s0, s1, u0, u1)
    parts["mix"] += (s1 - s0) * _mean_product(n0, n1, u0, u1)
    weight = _mean_product(n0, n1, s0, s1)
    text = _text_parts(_Text.of(before), _Text.of(after))
    for driver, part in zip(("tokens", "cache", "price"), text, strict=True):
        parts[driver] += weight * part
    parts["meters"] += weight * (u1 - u0 - sum(text))


def _mean_product(a0: Decimal, a1: Decimal, b0: Decimal, b1: Decimal) -> Decimal:
    """The weight of a third factor's change: the mean of a·b over the orders of change."""
    return (2 * a0 * b0 + 2 * a1 * b1 + a0 * b1 + a1 * b0) / 6


class _Text(NamedTuple):
    """Cost per call of text as three factors; None is a share or a price that nothing used."""

    tokens: tuple[Decimal, Decimal]
    """Input and output tokens per call."""
    shares: tuple[Decimal, ...] | None
    prices: tuple[Decimal | None, ...]
    """Of the input meters, then of output."""

    @classmethod
    def of(cls, amounts: Amounts) -> _Text:
        total = sum(amounts.input_quantities)
        quantities = (*amounts.input_quantities, amounts.output_quantity)
        costs = (*amounts.input_costs, amounts.output_cost)
        return cls(
            (
                Decimal(total) / amounts.calls,
                Decimal(amounts.output_quantity) / amounts.calls,
            ),
            tuple(Decimal(q) / total for q in amounts.input_quantities) if total else None,
            tuple(
                Decimal(cost) / quantity if quantity else None
                for cost, quantity in zip(costs, quantities, strict=True)
            ),
        )


def _text_parts(before: _Text, after: _Text) -> list[Decimal]:
    """What tokens, shares and prices each add to the cost of a call."""
    nothing = (_ZERO,) * len(INPUT_METERS)
    tokens = (before.tokens, after.tokens)
    # What one side did not use is taken from the other: its appearing is no change of price.
    shares = (before.shares or after.shares or nothing, after.shares or before.shares or nothing)
    prices = (
        _known(before.prices, after.prices),
        _known(after.prices, before.prices),
    )

    def cost(t: int, s: int, p: int) -> Decimal:
        *input_prices, output_price = prices[p]
        given, answered = tokens[t]
        mean = sum((s * p for s, p in zip(shares[s], input_prices, strict=True)), _ZERO)
        return given * mean + answered * output_price

    return _shapley(cost)


def _known(
    prices: Sequence[Decimal | None], others: Sequence[Decimal | None]
) -> tuple[Decimal, ...]:
    return tuple(
        next((price for price in pair if price is not None), _ZERO)
        for pair in zip(prices, others, strict=True)
    )


def _shapley(value: Callable[[int, int, int], Decimal]) -> list[Decimal]:
    """The Shapley values of three factors that each go from 0 (before) to 1 (after)."""
    found = [_ZERO] * 3
    corners = {corner: value(*corner) for corner in product((0, 1), repeat=3)}
    for corner in corners:
        for factor in range(3):
            if corner[factor]:
                continue
            changed = (*corner[:factor], 1, *corner[factor + 1 :])
            weight = 2 if sum(corner) != 1 else 1
            found[factor] += weight * (corners[changed] - corners[corner])
    return [total / 6 for total in found]


def rounded(parts: Mapping[_Name, int], unit: int, total: int) -> dict[_Name, int]:
    """The parts as multiples of a unit that add up to `total`, each less than a unit from its own.

    `total` is the multiple of the unit below or above the sum of the parts, or that sum.
    """
    with localcontext(_EXACT):
        units = {name: Decimal(part) / unit for name, part in parts.items()}
        return {name: unit * count for name, count in _whole(units, total // unit).items()}


def _whole(parts: Mapping[_Name, Decimal], total: int) -> dict[_Name, int]:
    """Whole numbers that add up to `total`: the largest remainders are rounded up."""
    floors = {name: int(part.to_integral_value(ROUND_FLOOR)) for name, part in parts.items()}
    by_remainder = sorted(parts, key=lambda name: floors[name] - parts[name])
    for name in by_remainder[: total - sum(floors.values())]:
        floors[name] += 1
    return floors
