"""Turns tags into the one named owner of a cost: the most specific match wins."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import lru_cache

from taximeter_processor.names import UNOWNED
from taximeter_processor.settings import Owner


class Owners:
    """Who answers for (feature, team); `unowned` when no pattern matches."""

    def __init__(self, owners: Sequence[Owner]) -> None:
        self._by_feature = _ranked([(p, o.name) for o in owners for p in o.features])
        self._by_team = _ranked([(p, o.name) for o in owners for p in o.teams])
        self.owner_of = lru_cache(maxsize=4096)(self._owner_of)

    def _owner_of(self, feature: str, team: str) -> str:
        """A feature's own owner first, then its team's."""
        for patterns, value in ((self._by_feature, feature), (self._by_team, team)):
            for pattern, name in patterns:
                if fnmatchcase(value, pattern):
                    return name
        return UNOWNED


def _ranked(patterns: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Exact names first, then globs by how much of the name they fix."""
    return sorted(patterns, key=lambda pair: ("*" in pair[0], -len(pair[0].replace("*", ""))))
