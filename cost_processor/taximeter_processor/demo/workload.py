"""The demo's company: what its features use, who its tenants are, and how both are spread."""

from __future__ import annotations

import random
from typing import Final, NamedTuple


class Feature(NamedTuple):
    """One thing the company built, and a typical call of it."""

    name: str
    team: str
    request_type: str
    model: str
    operation: str
    calls_a_day: int
    """On a working day, at the end of the history."""
    input_tokens: int
    output_tokens: int
    reasoning_share: float
    """Of the output."""


FEATURES: Final = (
    Feature("search", "discovery", "interactive", "text-embedding-3-small", "embeddings",
            220, 900, 0, 0.0),
    Feature("support-chat", "support", "interactive", "gpt-4.1", "chat", 165, 13_000, 350, 0.0),
    Feature("summarise", "discovery", "interactive", "gpt-5-mini", "chat", 110, 14_000, 900, 0.3),
    Feature("agent", "platform", "agent", "gpt-5", "chat", 70, 22_000, 2_400, 0.6),
    Feature("doc-extraction", "platform", "batch", "gpt-4.1", "chat", 60, 18_000, 1_200, 0.0),
)  # fmt: skip

TENANTS: Final = (
    "acme", "globex", "initech", "umbrella", "hooli", "stark", "wayne", "wonka", "tyrell",
    "cyberdyne", "soylent", "vandelay", "dunder", "pied-piper", "massive", "gringotts",
    "oscorp", "monarch", "weyland", "aperture", "nakatomi", "duff", "krusty", "bluth",
    "sterling", "prestige", "oceanic", "virtucon", "zorin", "cogswell",
)  # fmt: skip
# Few large customers and many small ones, as everywhere.
_TENANT_WEIGHTS: Final = tuple(1 / (rank + 1) ** 0.9 for rank in range(len(TENANTS)))


def some_tenant(generator: random.Random) -> str:
    """A tenant, large ones more often."""
    return generator.choices(TENANTS, _TENANT_WEIGHTS)[0]
