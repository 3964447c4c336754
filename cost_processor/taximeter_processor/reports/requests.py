"""The calls behind a sum, newest first, a page at a time."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import Any, Final, NamedTuple

from taximeter_processor.ledger.costs import Position
from taximeter_processor.ledger.costs import requests as read_requests
from taximeter_processor.money import format_usd
from taximeter_processor.reports.asked import (
    Answer,
    Asked,
    Parameters,
    filters,
    iso,
    time_range,
    whole_number,
    zone_of,
)

MOST_A_PAGE: Final = 1000
_RESERVED: Final = frozenset({"cursor", "limit", "timezone", "from", "to", "since", "until"})
_TIMES: Final = frozenset({"start_time", "end_time", "ingested_at"})
_ID: Final = re.compile(r"[0-9a-f]{16,32}")
_WRONG_CURSOR: Final = "expected the `next` of an answer to the same filters, unchanged"


class _Cursor(NamedTuple):
    """Where the next page begins, and of which question: its range stays as it first was."""

    after: Position
    start_us: int
    end_us: int
    filters: str
    """A digest: a page of other filters would skip calls without a word."""


def requests(asked: Asked) -> Answer:
    """Calls from `from` (7d) until `to` (now), newest first, filtered: `limit` (100) a page.

    `next` is the `cursor` of the page that follows, null on the last. No call is told twice or left
    out because others came in meanwhile.
    """
    limit = whole_number(asked.parameters, "limit", 100, 1, MOST_A_PAGE)
    where = filters(asked.parameters, _RESERVED)
    digest = hashlib.sha256(json.dumps(sorted(where.items())).encode()).hexdigest()[:16]
    cursor = _cursor(asked.parameters, digest)
    if cursor:
        start, end = cursor.start_us, cursor.end_us
    else:
        start, end = time_range(asked, zone=zone_of(asked))
    after = cursor.after if cursor else None
    found = read_requests(asked.store, start, end, where, limit + 1, after)
    page = found[:limit]
    following = None
    if len(found) > limit:
        last = page[-1]
        position = Position(last["start_time"], last["trace_id"], last["span_id"])
        following = _written(_Cursor(position, start, end, digest))
    return {
        "since": iso(start),
        "until": iso(end),
        "rows": [_row(call) for call in page],
        "next": following,
    }


def _row(call: dict[str, Any]) -> dict[str, Any]:
    """A call as JSON and CSV have it."""
    return {
        name: iso(value) if name in _TIMES
        else format_usd(value) if name.endswith("_usd")
        else value
        for name, value in call.items()
    }  # fmt: skip


def _written(cursor: _Cursor) -> str:
    content = json.dumps([*cursor.after, *cursor[1:]], separators=(",", ":"))
    return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")


def _cursor(parameters: Parameters, digest: str) -> _Cursor | None:
    """The cursor that was given, if one was. Raises `ValueError` for one we never wrote."""
    text = parameters.get("cursor")
    if not text:
        return None
    try:
        content = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        moment, trace_id, span_id, start, end, filtered = json.loads(content)
        if not all(type(us) is int and 0 <= us < 1 << 60 for us in (moment, start, end)):
            raise ValueError("no times")
        if not (_ID.fullmatch(trace_id) and _ID.fullmatch(span_id)):
            raise ValueError("no ids")
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError(f"cursor={text[:40]!r}: {_WRONG_CURSOR}") from error
    if filtered != digest:
        raise ValueError(f"cursor: {_WRONG_CURSOR}")
    return _Cursor(Position(moment, trace_id, span_id), start, end, filtered)
