"""Turns tags into the one named owner of a cost: the most specific match wins."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import lru_cache

from taximeter_processor.names import UNOWNED
from taximeter_processor.people import Owner

_GLOB = frozenset("*?[")


class Owners:
    """Who answers for (feature, team); `unowned` when no pattern matches."""

    def __init__(self, owners: Sequence[Owner]) -> None:
        features = [(0, pattern, owner.name) for owner in owners for pattern in owner.features]
        teams = [(1, pattern, owner.name) for owner in owners for pattern in owner.teams]
        self._ranked = sorted([*features, *teams], key=_rank)
        self.owner_of = lru_cache(maxsize=4096)(self._owner_of)

    def _owner_of(self, feature: str, team: str) -> str:
        for field, pattern, name in self._ranked:
            if fnmatchcase((feature, team)[field], pattern):
                return name
        return UNOWNED


def _rank(entry: tuple[int, str, str]) -> tuple[bool, int, int]:
    """Exact names before globs, longer globs before shorter ones, features before teams."""
    field, pattern, _ = entry
    fixed = len([character for character in pattern if character not in _GLOB])
    return not _GLOB.isdisjoint(pattern), -fixed if not _GLOB.isdisjoint(pattern) else 0, field
