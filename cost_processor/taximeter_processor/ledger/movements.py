"""Reads of the ledger over time: what moved between two windows, before and after."""

from __future__ import annotations

from typing import Final

from taximeter_processor.analysis.variance import NOTHING, Amounts
from taximeter_processor.ledger.queries import Window, in_window
from taximeter_processor.ledger.store import LedgerStore
from taximeter_processor.money import stored_to_pico
from taximeter_processor.names import OVERFLOW_VALUE

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

Leaf = tuple[str, ...]


def changes(
    store: LedgerStore, before: Window, after: Window
) -> list[tuple[Leaf, Amounts, Amounts]]:
    """What the priced calls of each `LEAF` were in two windows."""
    found: dict[Leaf, tuple[Amounts, Amounts]] = {}
    for leaf, amounts in _amounts(store, before):
        found[leaf] = (amounts, NOTHING)
    for leaf, amounts in _amounts(store, after):
        found[leaf] = (found.get(leaf, (NOTHING, NOTHING))[0], amounts)
    return [(leaf, *pair) for leaf, pair in found.items()]


def _amounts(store: LedgerStore, window: Window) -> list[tuple[Leaf, Amounts]]:
    """The leaves of a window; past `LARGEST` of them the cheapest are one, `other` throughout."""
    columns = (*_COUNTS, *_MONEY)
    names = ", ".join(LEAF)
    sums = ", ".join(f"sum({column}) as {column}" for column in columns)
    named = ", ".join(
        f"case when place <= {LARGEST} then {n} else '{OVERFLOW_VALUE}' end" for n in LEAF
    )
    again = ", ".join(f"sum({column})" for column in columns)
    rows = store.read(
        f"select {named}, sum(calls), {again} from ("
        f"select *, row_number() over (order by cost_usd desc, {names}) as place from ("
        f"select {names}, count(*) as calls, {sums} from calls where status = 'priced' "
        f"and {in_window(window)} group by {names}) leaves) ranked "
        f"group by {', '.join(str(index + 1) for index in range(len(LEAF)))}"
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


def priced_calls(store: LedgerStore, feature: str, window: Window) -> tuple[int, int]:
    """(pico-USD, calls) of a feature's priced calls in a window."""
    ((cost, calls),) = store.read(
        "select sum(cost_usd), count(*) from calls where status = 'priced' and feature = ? "
        f"and {in_window(window)}",
        [feature],
    )
    return (stored_to_pico(cost) if calls else 0), calls
