"""Reads of the ledger over time: what moved between two windows, before and after."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from taximeter_processor.analysis.variance import NOTHING, Amounts, drivers
from taximeter_processor.ledger.filters import EVERYTHING, Where, conditions
from taximeter_processor.ledger.queries import Window, in_window
from taximeter_processor.ledger.store import LedgerStore
from taximeter_processor.money import stored_to_pico
from taximeter_processor.names import OVERFLOW_VALUE, UNKNOWN_VALUE

LEAF: Final = ("feature", "team", "tenant", "request_type", "model", "environment")
"""The combination of tags and model within which calls are comparable."""
LARGEST: Final = 20_000
"""Leaves of a window that are told apart."""
_COUNTS: Final = (
    "input_quantity",
    "cache_read_quantity",
    "cache_write_quantity",
    "output_quantity",
)
_MONEY: Final = (
    "cost_usd",
    "input_cost_usd",
    "cache_read_cost_usd",
    "cache_write_cost_usd",
    "output_cost_usd",
)

Names = tuple[str, ...]


class Leaf(NamedTuple):
    """The priced calls of one combination in two windows."""

    names: Names
    """By `LEAF`; what is absent is `unknown`."""
    before: Amounts
    after: Amounts

    @property
    def change_pico(self) -> int:
        """After less before."""
        return self.after.cost - self.before.cost


def changes(
    store: LedgerStore,
    before: Window,
    after: Window,
    where: Where = EVERYTHING,
    *,
    kept: Sequence[str] = (),
) -> list[Leaf]:
    """What the priced calls of each `LEAF` were in two windows.

    Past `LARGEST` of them in a window the cheapest are `other` in all names but those in `kept`.
    """
    found: dict[Names, tuple[Amounts, Amounts]] = {}
    for names, amounts in _amounts(store, before, where, kept):
        found[names] = (amounts, NOTHING)
    for names, amounts in _amounts(store, after, where, kept):
        found[names] = (found.get(names, (NOTHING, NOTHING))[0], amounts)
    return [Leaf(names, *pair) for names, pair in found.items()]


def grouped(leaves: Iterable[Leaf], names: Sequence[str]) -> dict[Names, list[Leaf]]:
    """The leaves by their values of some of the names in `LEAF`."""
    positions = [LEAF.index(name) for name in names]
    found: dict[Names, list[Leaf]] = {}
    for leaf in leaves:
        found.setdefault(tuple(leaf.names[position] for position in positions), []).append(leaf)
    return found


def split(leaves: Iterable[Leaf]) -> dict[str, int]:
    """Pico-USD by `variance.DRIVERS`; their sum is the change of the leaves together."""
    return drivers((leaf.before, leaf.after) for leaf in leaves)


def _amounts(
    store: LedgerStore, window: Window, where: Where, kept: Sequence[str]
) -> list[tuple[Names, Amounts]]:
    filters, parameters = conditions(where)
    columns = (*_COUNTS, *_MONEY)
    names = ", ".join(LEAF)
    sums = ", ".join(f"sum({column}) as {column}" for column in columns)
    again = ", ".join(f"sum({column})" for column in columns)
    rows = store.read(
        f"select {', '.join(_named(name, name in kept) for name in LEAF)}, sum(calls), {again} "
        f"from (select *, row_number() over (order by cost_usd desc, {names}) as place from ("
        f"select {names}, count(*) as calls, {sums} from calls where status = 'priced' "
        f"and {in_window(window)}{filters} group by {names}) leaves) ranked "
        f"group by {', '.join(str(index + 1) for index in range(len(LEAF)))}",
        parameters,
    )
    width = len(LEAF)
    found = []
    for row in rows:
        calls, *numbers = row[width:]
        *inputs, output = map(int, numbers[: len(_COUNTS)])
        cost, *input_costs, output_cost = map(stored_to_pico, numbers[len(_COUNTS) :])
        amounts = Amounts(int(calls), cost, tuple(inputs), tuple(input_costs), output, output_cost)
        found.append((row[:width], amounts))
    return found


def _named(name: str, is_kept: bool) -> str:
    shown = f"coalesce(nullif({name}, ''), '{UNKNOWN_VALUE}')"
    return (
        shown
        if is_kept
        else f"case when place <= {LARGEST} then {shown} else '{OVERFLOW_VALUE}' end"
    )


def priced_calls(store: LedgerStore, feature: str, window: Window) -> tuple[int, int]:
    """(pico-USD, calls) of a feature's priced calls in a window."""
    ((cost, calls),) = store.read(
        "select sum(cost_usd), count(*) from calls where status = 'priced' and feature = ? "
        f"and {in_window(window)}",
        [feature],
    )
    return (stored_to_pico(cost) if calls else 0), calls
