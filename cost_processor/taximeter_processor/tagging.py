"""Turns the tags a span carried into those its cost is booked under, by the policy."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import lru_cache
from typing import NamedTuple

from taximeter_processor.model import UNKNOWN_TAG, Call
from taximeter_processor.settings import TAG_NAMES, TagPolicy


class Tagged(NamedTuple):
    """The four tags after the policy, and what broke it as (tag, reason)."""

    feature: str
    tenant: str
    team: str
    request_type: str
    violations: tuple[tuple[str, str], ...]

    def onto(self, call: Call) -> Call:
        """The call with these tags."""
        feature, tenant, team, request_type, _ = self
        return call._replace(feature=feature, tenant=tenant, team=team, request_type=request_type)


class TagRules:
    """A `TagPolicy` ready to be asked once a call; answers are remembered, boundedly."""

    def __init__(self, policy: TagPolicy) -> None:
        self._policy = policy
        self._allowed = {tag: frozenset(values) for tag, values in policy.allowed.items()}
        self._is_empty = not (policy.required or policy.allowed or policy.defaults)
        self.apply = lru_cache(maxsize=16_384)(self._apply)

    def book(self, call: Call) -> tuple[Call, tuple[tuple[str, str], ...]]:
        """The call under the tags its cost is booked under, and what broke the policy."""
        if self._is_empty:
            return call, ()
        tagged = self.apply(call.service, call.feature, call.tenant, call.team, call.request_type)
        return tagged.onto(call), tagged.violations

    def _apply(
        self, service: str, feature: str, tenant: str, team: str, request_type: str
    ) -> Tagged:
        tags = dict(zip(TAG_NAMES, (feature, tenant, team, request_type), strict=True))
        violations: list[tuple[str, str]] = []
        self._fill(tags, service)
        for tag, allowed in self._allowed.items():
            if tags[tag] and tags[tag] not in allowed:
                tags[tag] = UNKNOWN_TAG
                violations.append((tag, "not_allowed"))
        for tag in self._policy.required:
            if not tags[tag]:
                violations.append((tag, "missing"))
        return Tagged(**tags, violations=tuple(violations))

    def _fill(self, tags: dict[str, str], service: str) -> None:
        """Defaults by service for absent tags; the first pattern that matches wins for each tag."""
        for default in self._policy.defaults:
            if fnmatchcase(service, default.service):
                for tag in TAG_NAMES:
                    tags[tag] = tags[tag] or getattr(default, tag) or UNKNOWN_TAG
