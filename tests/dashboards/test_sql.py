"""The SQL of the board of single calls, on a real PostgreSQL that holds the history's calls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from taximeter_processor.ledger.record import Record
from taximeter_processor.money import pico_to_usd
from taximeter_processor.observability.dashboards.calls import FILTERS
from taximeter_processor.periods import to_us
from tests.dashboards import calls_database
from tests.dashboards.answers import board
from tests.dashboards.calls_database import START, Choices, Connection
from tests.dashboards.workload import NOW
from tests.support.servers import Postgres

BOARD = board("taximeter-calls")
PANELS = {
    panel["title"]: panel["targets"][0] for panel in BOARD["panels"] if panel["type"] != "row"
}


@pytest.fixture(scope="module")
def connection(postgres: Postgres, records: Sequence[Record]) -> Iterator[Connection]:
    with calls_database.ledger(postgres.new_database(), records) as opened:
        yield opened


@pytest.fixture(scope="module")
def choices(connection: Connection) -> Choices:
    """Everything that the variables offer."""
    return calls_database.offered(connection, BOARD)


def answer(connection: Connection, title: str, choices: Choices) -> list[dict[str, Any]]:
    return calls_database.answer(connection, PANELS[title]["rawSql"], choices)


def in_range(records: Sequence[Record], **tags: str) -> list[Record]:
    return [
        record
        for record in records
        if to_us(START) <= record.start_time <= to_us(NOW)
        and all(getattr(record, name) == value for name, value in tags.items())
    ]


def usd(records: Sequence[Record]) -> Decimal:
    return pico_to_usd(sum(record.cost_usd for record in records))


def test_untagged_calls_can_be_chosen_as_unknown(choices: Choices) -> None:
    assert [*choices] == [*FILTERS]
    assert choices["team"] == ["care", "data", "growth", "unknown"]
    assert "unknown" in choices["tenant"]


@pytest.mark.parametrize("title", PANELS)
def test_every_panel_has_rows(connection: Connection, choices: Choices, title: str) -> None:
    assert answer(connection, title, choices)


@pytest.mark.parametrize("title", [title for title in PANELS if title != "Calls without a price"])
def test_columns_with_a_unit_of_their_own_are_in_the_answer(
    connection: Connection, choices: Choices, title: str
) -> None:
    (panel,) = [panel for panel in BOARD["panels"] if panel["title"] == title]
    named = {each["matcher"]["options"] for each in panel["fieldConfig"]["overrides"]}
    assert named <= {*answer(connection, title, choices)[0]}


def test_the_total_is_the_ledger_s(
    connection: Connection, choices: Choices, records: Sequence[Record]
) -> None:
    (row,) = answer(connection, "Spend in the range", choices)
    found = in_range(records)
    priced = [record for record in found if record.status == "priced"]
    assert (row["spend"], row["calls"]) == (usd(found), len(found))
    assert round(row["per call"], 12) == round(usd(found) / len(priced), 12)


def test_bars_add_up_to_the_total_and_have_a_name_each(
    connection: Connection, choices: Choices, records: Sequence[Record]
) -> None:
    rows = answer(connection, "Spend by feature", choices)
    assert sum(row["value"] for row in rows) == usd(in_range(records))
    assert {row["metric"] for row in rows} == {*choices["feature"]}
    assert all(datetime.fromtimestamp(int(row["time"]), NOW.tzinfo) >= START for row in rows)


def test_a_choice_narrows_every_amount(
    connection: Connection, choices: Choices, records: Sequence[Record]
) -> None:
    chosen = {**choices, "tenant": ["acme"], "team": ["growth"]}
    (row,) = answer(connection, "Spend in the range", chosen)
    assert row["spend"] == usd(in_range(records, tenant="acme", team="growth"))


def test_tiers_show_their_share_of_the_spend(
    connection: Connection, choices: Choices, records: Sequence[Record]
) -> None:
    rows = {row["Tier"]: row for row in answer(connection, "Service tiers", choices)}
    assert {*rows} == {"standard", "flex", "priority"}
    assert rows["flex"]["Spend"] == usd(in_range(records, service_tier="flex"))
    assert sum(row["Share"] for row in rows.values()) == pytest.approx(1)


def test_the_dearest_call_comes_first_with_its_trace(
    connection: Connection, choices: Choices, records: Sequence[Record]
) -> None:
    first, *_ = rows = answer(connection, "Dearest calls", choices)
    dearest = max(in_range(records), key=lambda record: record.cost_usd)
    assert (first["Cost"], first["Trace"]) == (pico_to_usd(dearest.cost_usd), dearest.trace_id)
    assert len(rows) == 50


def test_broken_off_calls_are_told_apart_with_what_they_cost(
    connection: Connection, choices: Choices, records: Sequence[Record]
) -> None:
    rows = answer(connection, "How calls ended", choices)
    (partial,) = [row for row in rows if row["Usage"] == "partial"]
    assert (partial["Status"], partial["Calls"]) == ("priced", 3)
    assert partial["Spend"] == usd(in_range(records, usage_status="partial"))
