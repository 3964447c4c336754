"""A cursor is one that a page led to, or it is refused with what was expected."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taximeter_processor.ledger.duckdb_store import DuckDBStore
from taximeter_processor.reports.requests import Slice, page, rest
from tests.support.records import NOON_US, call

WHERE = {"feature": "search"}


@pytest.fixture
def cursor(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the first of two pages of the dearest leads to."""
    ledger = DuckDBStore(tmp_path_factory.mktemp("requests") / "l.duckdb")
    ledger.append([call(1, cost_usd=10**12 + 1), call(2, cost_usd=1)])
    found = page(ledger, Slice(NOON_US, NOON_US + 10, WHERE, "dearest"), 1)
    ledger.close()
    assert found.following is not None
    return found.following


def test_the_rest_begins_behind_the_last_call_told_in_the_range_of_the_first_page(
    cursor: str,
) -> None:
    left = rest(cursor, WHERE, "dearest")
    assert (left.start_us, left.end_us) == (NOON_US, NOON_US + 10)
    assert left.after == (NOON_US, call().trace_id, f"{2:016x}", 10**12 + 1)


@pytest.mark.parametrize(
    ("place", "wrong"),
    [(0, "1' or"), (1, "' or 1=1"), (2, None), (3, 1.5), (3, 10**24), (4, -1), (5, True)],
)
def test_a_cursor_that_was_changed_is_refused(cursor: str, place: int, wrong: object) -> None:
    content = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    content[place] = wrong
    changed = base64.urlsafe_b64encode(json.dumps(content).encode()).decode()
    with pytest.raises(ValueError, match="cursor="):
        rest(changed, WHERE, "dearest")


@given(st.text(min_size=1, max_size=60))
def test_any_text_that_no_page_led_to_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="cursor="):
        rest(text, WHERE, "newest")
