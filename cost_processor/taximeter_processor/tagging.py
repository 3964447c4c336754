"""Turns the tags a span carried into those its cost is booked under: policy, pin, hash.

In this order: a pin judges what the policy filled in as well, and both speak of tenants by name.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Final, NamedTuple

from taximeter_processor.credentials import Pin
from taximeter_processor.model import UNKNOWN_TAG, Call
from taximeter_processor.names import TAG_NAMES
from taximeter_processor.settings import TagPolicy

PINNED: Final = "pinned"
"""The reason of what is outside its sender's pin."""
_HASH_DIGITS: Final = 16

Violations = tuple[tuple[str, str], ...]


class Tagged(NamedTuple):
    """Service and tags after all rules, and what broke one as (tag, reason)."""

    service: str
    feature: str
    tenant: str
    team: str
    request_type: str
    violations: Violations

    def onto(self, call: Call) -> Call:
        """The call with these tags."""
        service, feature, tenant, team, request_type, _ = self
        return call._replace(
            service=service, feature=feature, tenant=tenant, team=team, request_type=request_type
        )


class TagRules:
    """A `TagPolicy` ready to be asked once a call; answers are remembered, boundedly."""

    def __init__(self, policy: TagPolicy) -> None:
        self._policy = policy
        self._allowed = {tag: frozenset(values) for tag, values in policy.allowed.items()}
        key = policy.hash_tenants
        self._tenant_key = key.secret().encode() if key else None
        self._is_empty = not (policy.required or policy.allowed or policy.defaults or key)
        self.apply = lru_cache(maxsize=16_384)(self._apply)

    def book(self, call: Call, pin: Pin | None = None) -> tuple[Call, Violations]:
        """The call under the tags its cost is booked under, and what broke policy or pin."""
        if self._is_empty and pin is None:
            return call, ()
        tagged = self.apply(
            call.service, call.feature, call.tenant, call.team, call.request_type, pin
        )
        return tagged.onto(call), tagged.violations

    def _apply(
        self,
        service: str,
        feature: str,
        tenant: str,
        team: str,
        request_type: str,
        pin: Pin | None = None,
    ) -> Tagged:
        tags = dict(zip(TAG_NAMES, (feature, tenant, team, request_type), strict=True))
        violations: list[tuple[str, str]] = []
        if pin is not None and _is_outside(service, pin.services):
            service = UNKNOWN_TAG
            violations.append(("service", PINNED))
        self._fill(tags, service)
        for tag, allowed in self._allowed.items():
            if tags[tag] and tags[tag] not in allowed:
                tags[tag] = UNKNOWN_TAG
                violations.append((tag, "not_allowed"))
        for tag in self._policy.required:
            if not tags[tag]:
                violations.append((tag, "missing"))
        for tag, patterns in (("team", pin.teams), ("tenant", pin.tenants)) if pin else ():
            if _is_outside(tags[tag], patterns):
                tags[tag] = UNKNOWN_TAG
                violations.append((tag, PINNED))
        if self._tenant_key is not None and tags["tenant"]:
            tags["tenant"] = hashed(tags["tenant"], self._tenant_key)
        return Tagged(service, **tags, violations=tuple(violations))

    def _fill(self, tags: dict[str, str], service: str) -> None:
        """Defaults by service for absent tags; the first pattern that matches wins for each tag."""
        for default in self._policy.defaults:
            if fnmatchcase(service, default.service):
                for tag in TAG_NAMES:
                    tags[tag] = tags[tag] or getattr(default, tag) or UNKNOWN_TAG


def hashed(tenant: str, key: bytes) -> str:
    """The name a tenant is stored under: `t-` and the first 16 digits of its HMAC-SHA-256.

    64 bits: among a million tenants, two share a name with a chance of one in forty million.
    """
    return f"t-{hmac.new(key, tenant.encode(), hashlib.sha256).hexdigest()[:_HASH_DIGITS]}"


def _is_outside(value: str, patterns: Sequence[str]) -> bool:
    """Something was claimed, and none of the patterns allows it."""
    return bool(value and patterns) and not any(fnmatchcase(value, p) for p in patterns)
