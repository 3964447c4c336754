"""Calls for the price failures: one change to a gpt-5-mini call, booked as the service books it."""

from __future__ import annotations

from typing import Any

from taximeter_processor.costing import book as booked
from taximeter_processor.ledger.record import Record
from taximeter_processor.model import Usage
from taximeter_processor.pricing.book import PriceBook
from tests.support.records import NOON_US
from tests.taximeter_processor.test_costing import CALL

PICO_PER_MICRO = 10**6
"""Pico-USD in a millionth of a dollar: a rate of $1 per million tokens costs this a token."""


def row(prices: PriceBook, number: int = 0, usage: Usage = CALL.usage, **changes: Any) -> Record:
    """The ledger's row of one call."""
    call = CALL._replace(span_id=f"{number + 1:016x}", usage=usage, **changes)
    return booked(call, prices, writer="main", now_us=NOON_US, backfill_before_us=0)
