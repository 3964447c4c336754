"""Calls for the price failures: one change to a gpt-5-mini call, as the service books it."""

from __future__ import annotations

import time
from typing import Any, Final

from taximeter import attributes as names
from taximeter_processor.costing import book as booked
from taximeter_processor.ledger.record import Record
from taximeter_processor.ledger.rows import SELECTED, record_of
from taximeter_processor.model import Usage
from taximeter_processor.pricing.book import PriceBook
from taximeter_processor.reports.verify import verify
from taximeter_processor.service import Service
from tests.field_failures.told import Told, arrive, just_now
from tests.support.records import NOON_US
from tests.taximeter_processor.test_costing import CALL

PICO_PER_MICRO = 10**6
"""Pico-USD in a millionth of a dollar: a rate of $1 per million tokens costs this a token."""


def row(prices: PriceBook, number: int = 0, usage: Usage = CALL.usage, **changes: Any) -> Record:
    """The ledger's row of one call."""
    call = CALL._replace(span_id=f"{number + 1:016x}", usage=usage, **changes)
    return booked(call, prices, writer="main", now_us=NOON_US, backfill_before_us=0)


_COUNTS: Final = {
    "input_tokens": names.INPUT_TOKENS,
    "output_tokens": names.OUTPUT_TOKENS,
    "cache_read_tokens": names.CACHE_READ_INPUT_TOKENS,
    "cache_write_tokens": names.CACHE_CREATION_INPUT_TOKENS,
    "cache_write_1h_tokens": names.CACHE_WRITE_1H_INPUT_TOKENS,
    "reasoning_tokens": names.REASONING_OUTPUT_TOKENS,
    "web_search_requests": names.WEB_SEARCH_REQUESTS,
    "search_units": names.SEARCH_UNITS,
}


def stored(
    service: Service, usage: Usage = CALL.usage, tier: str = "standard", **models: str
) -> Record:
    """The ledger's newest row, after a span of such a call came through the pipeline."""
    attributes = {
        names.OPERATION_NAME: "chat",
        names.PROVIDER_NAME: models.get("provider", CALL.provider),
        names.REQUEST_MODEL: models.get("request_model", CALL.request_model),
        names.RESPONSE_MODEL: models.get("response_model", CALL.response_model),
        names.SERVICE_TIER: tier,
        **{
            key: count
            for field, key in _COUNTS.items()
            if (count := getattr(usage, field)) is not None
        },
    }
    ((number,),) = service.store.read("select count(*) + 1 from calls")
    arrive(
        service, [Told(number, 0, names.SCOPE_NAME, "chat", attributes, trace=number)], just_now()
    )
    proof = verify(service.store, "main", service.counters, time.time_ns() // 1000)
    assert proof["ok"], proof
    newest = f"select {SELECTED} from calls order by ingested_at desc limit 1"
    return record_of(service.store.read(newest)[0])
