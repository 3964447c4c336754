"""A month of the ledger under the contracts: what is payable in the end, and by whom."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from taximeter_processor.ledger import queries
from taximeter_processor.ledger.record import DIMENSIONS
from taximeter_processor.money import format_usd
from taximeter_processor.names import UNKNOWN_VALUE
from taximeter_processor.periods import month_window
from taximeter_processor.pricing.contracts import Contract, Settlement, settle, shares
from taximeter_processor.reports.asked import Answer, Asked

NO_CONTRACT: Final = "(no contract)"
UNUSED: Final = "(unused commitment)"


def contracts(asked: Asked) -> Answer:
    """A `month` (this one) by contract, and what is payable `by` one dimension (team).

    A call belongs to the first contract that covers its model. What is payable is divided in
    proportion to metered cost, so that the parts add up to the total.
    """
    this_month = f"{asked.now.astimezone(asked.settings.zone):%Y-%m}"
    month = month_window(asked.parameters.get("month", this_month), asked.settings.zone)
    dimension = asked.parameters.get("by", "team")
    if dimension not in DIMENSIONS:
        raise ValueError(f"by={dimension!r}: expected one of {', '.join(DIMENSIONS)}")
    agreed = asked.settings.contracts
    groups: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    group_by = ("provider", "model", dimension)
    unpriced = 0
    for spent in queries.spend(asked.store, group_by, month.start_us, month.end_us):
        provider, model, value = spent.group
        name = _contract_of(agreed, month.name, provider, model)
        groups[name][value or UNKNOWN_VALUE] += spent.cost_pico
        unpriced += spent.unpriced
    settled = {
        one.name: settle(one, sum(groups[one.name].values()))
        for one in agreed
        if one.is_active(month.name)
    }
    settled[NO_CONTRACT] = Settlement(sum(groups[NO_CONTRACT].values()), 0, 0)
    by = _divided(settled, groups)
    return {
        "month": month.name,
        "by": dimension,
        "rows": [_row("contract", name, found) for name, found in settled.items()],
        "total": _row("contract", "total", _total(settled.values())),
        "unpriced": unpriced,
        "payable_by": [
            {dimension: value, "metered_usd": format_usd(metered), "payable_usd": format_usd(due)}
            for value, (metered, due) in sorted(by.items(), key=lambda item: (-item[1][1], item[0]))
        ],
    }


def _contract_of(agreed: Sequence[Contract], month: str, provider: str, model: str) -> str:
    return next((one.name for one in agreed if one.covers(month, provider, model)), NO_CONTRACT)


def _divided(
    settled: Mapping[str, Settlement], groups: Mapping[str, Mapping[str, int]]
) -> dict[str, tuple[int, int]]:
    """(metered, payable) of each value; a commitment nobody used is nobody's."""
    found: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    for name, settlement in settled.items():
        metered = groups[name] if settlement.metered_pico else {UNUSED: 0}
        weights = list(metered.values()) if settlement.metered_pico else [1]
        parts = shares(settlement.payable_pico, weights)
        for (value, cost), part in zip(metered.items(), parts, strict=True):
            found[value][0] += cost
            found[value][1] += part
    return {value: (cost, due) for value, (cost, due) in found.items() if cost or due}


def _total(settled: Iterable[Settlement]) -> Settlement:
    return Settlement._make(sum(amounts) for amounts in zip(*settled, strict=True))


def _row(key: str, name: str, found: Settlement) -> dict[str, str]:
    return {
        key: name,
        "metered_usd": format_usd(found.metered_pico),
        "discount_usd": format_usd(found.discount_pico),
        "shortfall_usd": format_usd(found.shortfall_pico),
        "payable_usd": format_usd(found.payable_pico),
    }
