"""The ledger's usage, whatever it cost: which models were used, and sums that can be priced anew.

Calls that share a model, a tier, a price period and a size band pay the same rates, so that their
sum costs what they cost one by one (to within the rounding of one pico-USD a line).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from taximeter_processor.ledger.record import COMMON_METERS
from taximeter_processor.ledger.store import LedgerStore
from taximeter_processor.ledger.stretches import between
from taximeter_processor.model import Quantity
from taximeter_processor.money import usd_to_pico
from taximeter_processor.pricing.meters import as_used

_NAMES: Final = "provider, response_model, request_model, service_tier"
_OUTCOMES: Final = f"{_NAMES}, status, unpriced_reason, price_source"
_DAY_US: Final = 86_400_000_000


class UsedModel(NamedTuple):
    """Calls of one model with one outcome."""

    provider: str
    response_model: str
    request_model: str
    tier: str
    status: str
    unpriced_reason: str
    price_source: str
    requests: int
    cost_pico: int


class Cuts(NamedTuple):
    """Where prices may change: moments (µs UTC), times of the day (µs), sizes of a request."""

    dates_us: tuple[int, ...] = ()
    times_us: tuple[int, ...] = ()
    thresholds: tuple[int, ...] = ()


class UsageSum(NamedTuple):
    """What calls between the same cuts used, all together."""

    provider: str
    response_model: str
    request_model: str
    tier: str
    start_us: int
    """When one of them began."""
    input_tokens: int
    """The size of one of them."""
    requests: int
    reasoning_tokens: int
    quantities: tuple[Quantity, ...]


def models_in_use(store: LedgerStore, start_us: int, end_us: int) -> list[UsedModel]:
    """Every model called in [start, end), the most used first."""
    rows = store.read(
        f"select {_OUTCOMES}, count(*) n, sum(cost_usd) from calls "
        f"where {between(start_us, end_us)} group by {_OUTCOMES} order by n desc, {_OUTCOMES}"
    )
    return [UsedModel._make((*row[:8], usd_to_pico(row[8]))) for row in rows]


def usage_sums(store: LedgerStore, start_us: int, end_us: int, cuts: Cuts) -> list[UsageSum]:
    """What was billed by the meter in [start, end), between the cuts; estimates are left out."""
    day_us = f"epoch_us(start_time) % {_DAY_US}"
    places = ", ".join(
        f"{_place(expression, bounds)} as {name}"
        for name, expression, bounds in (
            ("date_place", "epoch_us(start_time)", cuts.dates_us),
            ("time_place", day_us, cuts.times_us),
            # A threshold itself is still below: only what is more pays the higher rate.
            ("size_place", "coalesce(input_tokens, 0) - 1", cuts.thresholds),
        )
    )
    common = ", ".join(f"sum({meter}_quantity)" for meter in COMMON_METERS)
    group = f"{_NAMES}, date_place, time_place, size_place"
    rows = store.read(
        f"select {group}, other_meters, min(epoch_us(start_time)), "
        f"max(coalesce(input_tokens, 0)), count(*), sum(coalesce(reasoning_tokens, 0)), {common} "
        f"from (select *, {places} from calls where {between(start_us, end_us)} "
        "and status in ('priced', 'unpriced') and usage_status <> 'estimated') c "
        f"group by {group}, other_meters order by {group}, other_meters"
    )
    found: dict[tuple[Any, ...], _Sum] = {}
    for row in rows:
        found.setdefault(row[:7], _Sum()).add(row[7:])
    return [UsageSum._make((*key[:4], *summed.settled())) for key, summed in found.items()]


class _Sum:
    """Rows of one group, which differ in their rarer meters, as one."""

    def __init__(self) -> None:
        self._amounts: dict[str, int] = {}
        self._start_us = self._input_tokens = self._requests = self._reasoning = 0

    def add(self, row: Sequence[Any]) -> None:
        """Add calls that have the same rarer meters."""
        others, self._start_us, size, requests, reasoning, *common = row
        self._input_tokens = max(self._input_tokens, size)
        self._requests += requests
        self._reasoning += int(reasoning)
        for meter, quantity in zip(COMMON_METERS, common, strict=True):
            self._amounts[meter] = self._amounts.get(meter, 0) + int(quantity)
        for meter, (quantity, _) in json.loads(others or "{}").items():
            self._amounts[meter] = self._amounts.get(meter, 0) + quantity * requests

    def settled(self) -> tuple[int, int, int, int, tuple[Quantity, ...]]:
        """The end of a `UsageSum`."""
        quantities = as_used(self._amounts)
        return (self._start_us, self._input_tokens, self._requests, self._reasoning, quantities)


def usage_json(found: UsageSum) -> dict[str, Any]:
    """A sum as JSON values."""
    return {**found._asdict(), "quantities": dict(found.quantities)}


def usage_from_json(value: Mapping[str, Any]) -> UsageSum:
    """The sum that `usage_json` wrote."""
    quantities = tuple(Quantity(*pair) for pair in value["quantities"].items())
    return UsageSum(**{**value, "quantities": quantities})


def _place(expression: str, bounds: Sequence[int]) -> str:
    """SQL for how many bounds a number has reached."""
    return " + ".join(["0", *(f"({expression} >= {bound})::int" for bound in bounds)])
