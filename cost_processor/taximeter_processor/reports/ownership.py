"""Turns owners and the ledger into who answers for what, and what nobody answers for, by spend."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal

from taximeter_processor.ledger import queries
from taximeter_processor.money import format_usd
from taximeter_processor.names import UNKNOWN_VALUE, UNOWNED
from taximeter_processor.owners import Owners
from taximeter_processor.people import Owner
from taximeter_processor.reports.asked import Answer, Asked, iso, time_range


def owners(asked: Asked) -> Answer:
    """Each feature and team of the last `since` (30d) with owner and cost, and each owner's sum.

    `owners` begins with `unowned`, then the dearest; an owner of nothing is there with 0. `share`
    is of everything, in per cent with one decimal.
    """
    start, end = time_range(asked, "30d")
    rules = Owners(asked.settings.owners)
    found = [
        (s.group[0] or UNKNOWN_VALUE, s.group[1] or UNKNOWN_VALUE, s.cost_pico)
        for s in queries.spend(asked.store, ("feature", "team"), start, end)
    ]
    rows = [(feature, team, rules.owner_of(feature, team), pico) for feature, team, pico in found]
    return {
        "since": iso(start),
        "until": iso(end),
        "owners": _sums(asked.settings.owners, rows),
        "rows": [
            {"feature": feature, "team": team, "owner": owner, "cost_usd": format_usd(pico)}
            for feature, team, owner, pico in rows
        ],
    }


def _sums(
    configured: Sequence[Owner], rows: Sequence[tuple[str, str, str, int]]
) -> list[dict[str, str]]:
    kinds = {owner.name: "person" if owner.is_person else "rota" for owner in configured}
    total = sum(pico for *_, pico in rows)
    found = []
    for name in {UNOWNED: "", **kinds}:
        mine = [(feature, pico) for feature, _, owner, pico in rows if owner == name]
        pico = sum(amount for _, amount in mine)
        found.append(
            (
                name != UNOWNED,
                -pico,
                {
                    "owner": name,
                    "kind": kinds.get(name, "nobody"),
                    "features": ", ".join(dict.fromkeys(feature for feature, _ in mine)),
                    "cost_usd": format_usd(pico),
                    "share": _percent(pico, total),
                },
            )
        )
    return [row for *_, row in sorted(found, key=lambda item: item[:2])]


def _percent(part: int, whole: int) -> str:
    share = Decimal(100 * part) / whole if whole else Decimal(0)
    return f"{share.quantize(Decimal('0.1'), ROUND_HALF_EVEN)} %"
