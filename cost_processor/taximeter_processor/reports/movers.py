"""Turns two stretches of the ledger into the features that moved most, by what and for whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from taximeter_processor.ledger.filters import EVERYTHING, Where
from taximeter_processor.ledger.movements import Leaf, changes, grouped, split
from taximeter_processor.ledger.queries import Window
from taximeter_processor.ledger.slices import ranked
from taximeter_processor.ledger.store import LedgerStore

Pair = tuple[int, int]
"""Before and after."""


class Mover(NamedTuple):
    """One feature whose cost changed. Money is pico-USD."""

    feature: str
    pico: Pair
    drivers: Mapping[str, int]
    """The change by `variance.DRIVERS`; they add up to it."""
    tenant: str
    """Whose cost changed most in the same direction."""
    tenant_change_pico: int
    teams: tuple[str, ...]
    """Dearest after first."""
    unpriced: Pair
    """Calls whose cost is in no amount."""

    @property
    def change_pico(self) -> int:
        """After less before."""
        return self.pico[1] - self.pico[0]


class Movers(NamedTuple):
    """The features that moved most, and all together."""

    rows: tuple[Mover, ...]
    total: Pair
    """Pico-USD of every feature."""
    unpriced: Pair
    """Calls of every feature."""


def movers(
    store: LedgerStore,
    before: Window,
    after: Window,
    where: Where = EVERYTHING,
    *,
    limit: int,
    least_pico: int = 1,
) -> Movers:
    """At most `limit` features that changed by `least_pico` or more, most moved first."""
    found = ranked(store, "feature", (before, after), where, order="change", limit=limit)
    moved = [row for row in found.rows if abs(row.pico[1] - row.pico[0]) >= least_pico]
    features = [row.value for row in moved]
    there = where._replace(among={**where.among, "feature": features})
    leaves = changes(store, before, after, there, kept=("feature", "team")) if features else []
    by_feature = grouped(leaves, ["feature"])
    rows = [
        _mover(row.value, by_feature[row.value,], (row.unpriced[0], row.unpriced[1]))
        for row in moved
        if (row.value,) in by_feature
    ]
    total = found.total
    return Movers(
        tuple(rows), (total.pico[0], total.pico[1]), (total.unpriced[0], total.unpriced[1])
    )


def _mover(feature: str, leaves: Sequence[Leaf], unpriced: Pair) -> Mover:
    pico = _pico(leaves)
    tenant, tenant_change = _lead(leaves, pico[1] - pico[0])
    teams = {team: _pico(its)[1] for (team,), its in grouped(leaves, ["team"]).items()}
    return Mover(
        feature,
        pico,
        split(leaves),
        tenant,
        tenant_change,
        tuple(sorted(teams, key=lambda team: (-teams[team], team))),
        unpriced,
    )


def _lead(leaves: Sequence[Leaf], change: int) -> tuple[str, int]:
    """The tenant that moved most of those that moved as the feature did, and its change."""
    tenants = [
        (tenant, sum(leaf.change_pico for leaf in its))
        for (tenant,), its in grouped(leaves, ["tenant"]).items()
    ]
    direction = 1 if change > 0 else -1
    return min(tenants, key=lambda item: (-direction * item[1], item[0]))


def _pico(leaves: Sequence[Leaf]) -> Pair:
    return sum(leaf.before.cost for leaf in leaves), sum(leaf.after.cost for leaf in leaves)
