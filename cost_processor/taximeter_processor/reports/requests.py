"""The calls behind a sum, newest or dearest first, a page at a time."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, get_args

from taximeter_processor.ledger import drill
from taximeter_processor.ledger.drill import Order, Place
from taximeter_processor.ledger.store import LedgerStore
from taximeter_processor.money import format_usd
from taximeter_processor.reports.asked import (
    Answer,
    Asked,
    filters,
    iso,
    time_range,
    whole_number,
    zone_of,
)

MOST_A_PAGE: Final = 1000
ORDERS: Final[tuple[Order, ...]] = get_args(Order)
_RESERVED: Final = frozenset(
    {"cursor", "limit", "order", "timezone", "from", "to", "since", "until"}
)
_TIMES: Final = frozenset({"start_time", "end_time", "ingested_at"})
_ID: Final = re.compile(r"[0-9a-f]{16,32}")
_MOST_PICO: Final = 10**24
_WRONG_CURSOR: Final = "expected the `next` of an answer to the same filters and order, unchanged"


class Slice(NamedTuple):
    """Calls of [start, end) that pass filters, in an order, from behind one of them on."""

    start_us: int
    end_us: int
    where: Mapping[str, str]
    order: Order
    after: Place | None = None


class Page(NamedTuple):
    """The first calls of a slice, as `ledger.drill` tells them, and the cursor of the rest."""

    calls: list[dict[str, Any]]
    following: str | None


def requests(asked: Asked) -> Answer:
    """Calls from `from` (7d) until `to` (now), filtered: `limit` (100) a page, by `order`.

    `newest` first, or `dearest`. `next` is the `cursor` of the page that follows, null on the last.
    No call is told twice or left out because others came in meanwhile.
    """
    limit = whole_number(asked.parameters, "limit", 100, 1, MOST_A_PAGE)
    where = filters(asked.parameters, _RESERVED)
    order = order_named(asked.parameters.get("order", ""), "order")
    if cursor := asked.parameters.get("cursor"):
        wanted = rest(cursor, where, order)
    else:
        wanted = Slice(*time_range(asked, zone=zone_of(asked)), where, order)
    calls, following = page(asked.store, wanted, limit)
    return {
        "since": iso(wanted.start_us),
        "until": iso(wanted.end_us),
        "rows": [_row(call) for call in calls],
        "next": following,
    }


def order_named(text: str, parameter: str) -> Order:
    """The order a parameter names, `newest` when it is empty. Raises `ValueError` for no order."""
    for order in ORDERS:
        if (text or ORDERS[0]) == order:
            return order
    raise ValueError(f"{parameter}={text[:40]!r}: expected one of {', '.join(ORDERS)}")


def page(store: LedgerStore, wanted: Slice, limit: int) -> Page:
    """At most `limit` calls of a slice."""
    found = drill.requests(
        store,
        wanted.start_us,
        wanted.end_us,
        wanted.where,
        limit + 1,
        order=wanted.order,
        after=wanted.after,
    )
    if len(found) <= limit:
        return Page(found, None)
    calls = found[:limit]
    return Page(calls, _cursor(wanted._replace(after=drill.place_of(calls[-1]))))


def rest(cursor: str, where: Mapping[str, str], order: Order) -> Slice:
    """What a page left; its range is that of the first page.

    Raises `ValueError` for a cursor that we never wrote, or for other filters or another order.
    """
    try:
        content = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        moment, trace_id, span_id, pico, start, end, question = json.loads(content)
        if not all(type(us) is int and 0 <= us < 1 << 60 for us in (moment, start, end)):
            raise ValueError("no times")
        if not (_ID.fullmatch(trace_id) and _ID.fullmatch(span_id)):
            raise ValueError("no ids")
        if type(pico) is not int or abs(pico) >= _MOST_PICO:
            raise ValueError("no cost")
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError(f"cursor={cursor[:40]!r}: {_WRONG_CURSOR}") from error
    if question != _digest(where, order):
        raise ValueError(f"cursor: {_WRONG_CURSOR}")
    return Slice(start, end, where, order, Place(moment, trace_id, span_id, pico))


def _cursor(left: Slice) -> str:
    content = [*(left.after or ()), left.start_us, left.end_us, _digest(left.where, left.order)]
    text = json.dumps(content, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _digest(where: Mapping[str, str], order: Order) -> str:
    """A page of other filters or another order would skip calls without a word."""
    return hashlib.sha256(json.dumps([order, *sorted(where.items())]).encode()).hexdigest()[:16]


def _row(call: dict[str, Any]) -> dict[str, Any]:
    """A call as JSON and CSV have it."""
    return {
        name: iso(value) if name in _TIMES
        else format_usd(value) if name.endswith("_usd")
        else value
        for name, value in call.items()
    }  # fmt: skip
