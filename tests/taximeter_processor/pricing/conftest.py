"""The real price book, and one over a small price list whose money can be worked out by hand."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from genai_prices.data_snapshot import DataSnapshot, set_custom_snapshot

from taximeter_processor.pricing.book import PriceBook
from tests.taximeter_processor.pricing.small_list import PROVIDERS


@pytest.fixture(scope="session")
def book() -> PriceBook:
    return PriceBook.load()


@pytest.fixture
def small_list() -> Iterator[None]:
    """From here on `PriceBook.load` reads the small price list."""
    set_custom_snapshot(DataSnapshot(providers=PROVIDERS, from_auto_update=False))
    yield
    set_custom_snapshot(None)


@pytest.fixture
def small(small_list: None) -> PriceBook:
    return PriceBook.load()
