"""Single calls come page by page, each once and none twice."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taximeter_processor.ledger import drill
from taximeter_processor.ledger.drill import CallRow, Place, place_of
from taximeter_processor.ledger.duckdb_store import DuckDBStore
from taximeter_processor.ledger.slices import Where
from taximeter_processor.money import format_usd
from tests.support.records import NOON_US, call

USD = 10**12
START, END = NOON_US - 10**9, NOON_US + 10**9


@pytest.fixture
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckDBStore]:
    """12 calls: four moments, three costs."""
    ledger = DuckDBStore(tmp_path_factory.mktemp("drill") / "l.duckdb")
    ledger.append(
        [call(n, start_time=NOON_US + n % 4, cost_usd=(n % 3 + 1) * USD) for n in range(12)]
    )
    yield ledger
    ledger.close()


def place(row: CallRow) -> Place:
    return Place(format_usd(row.cost_pico), row.start_us, row.trace_id, row.span_id)


def walk(store: DuckDBStore, *, dearest_first: bool, where: dict[str, str]) -> list[CallRow]:
    """All pages of five, as links lead through them."""
    seen: list[CallRow] = []
    after = None
    while True:
        page = drill.calls(
            store, START, END, Where(where), dearest_first=dearest_first, after=after, limit=5
        )
        seen += page
        if len(page) < 5:
            return seen
        after = place_of(place(page[-1]).text())


def test_pages_of_the_newest_hold_each_call_once(store: DuckDBStore) -> None:
    found = walk(store, dearest_first=False, where={})
    assert len({row.span_id for row in found}) == len(found) == 12
    assert [row.start_us for row in found] == sorted((row.start_us for row in found), reverse=True)


def test_pages_of_the_dearest_hold_each_call_once(store: DuckDBStore) -> None:
    found = walk(store, dearest_first=True, where={})
    assert len({row.span_id for row in found}) == len(found) == 12
    assert [row.cost_pico for row in found] == [USD * n for n in (3, 2, 1) for _ in range(4)]


def test_a_call_that_comes_meanwhile_moves_no_other(store: DuckDBStore) -> None:
    first = drill.calls(store, START, END, Where(), dearest_first=False, after=None, limit=5)
    store.append([call(99, start_time=NOON_US + 50)])
    rest = drill.calls(
        store, START, END, Where(), dearest_first=False, after=place(first[-1]), limit=50
    )
    assert len({row.span_id for row in (*first, *rest)}) == 12


def test_filters_select(store: DuckDBStore) -> None:
    assert walk(store, dearest_first=False, where={"feature": "chat"}) == []


@pytest.mark.parametrize("text", ["", "1~2~3", "x~1~a~b", "1~-2~a~b", "1~²~a~b", "1~2~a~b~c"])
def test_what_no_page_led_to_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="after="):
        place_of(text)


@given(st.text(max_size=40))
def test_any_text_is_a_place_or_is_refused(text: str) -> None:
    try:
        assert place_of(text).text() == text
    except ValueError as error:
        assert "after=" in str(error)  # noqa: PT017
