"""The most specific match names the owner; nobody is left out."""

from __future__ import annotations

import pytest

from taximeter_processor.owners import Owners
from taximeter_processor.people import Owner

OWNERS = Owners(
    [
        Owner(name="all-search", features=("search-*",)),
        Owner(name="eu-search", features=("search-eu-*",)),
        Owner(name="exact", features=("search-eu-1",)),
        Owner(name="payments-lead", teams=("payments",)),
        Owner(name="glob-chat", features=("chat?",)),
        Owner(name="exact-chat", features=("chat1",)),
    ]
)


@pytest.mark.parametrize(
    ("feature", "team", "owner"),
    [
        ("search-us", "growth", "all-search"),
        ("search-eu-2", "growth", "eu-search"),
        ("search-eu-1", "growth", "exact"),
        ("checkout", "payments", "payments-lead"),
        ("search-us", "payments", "payments-lead"),
        ("chat1", "growth", "exact-chat"),
        ("chat2", "growth", "glob-chat"),
        ("checkout", "growth", "unowned"),
        ("", "", "unowned"),
    ],
)
def test_the_owner_of_a_cost(feature: str, team: str, owner: str) -> None:
    assert OWNERS.owner_of(feature, team) == owner
