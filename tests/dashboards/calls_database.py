"""The board of single calls asked of a real PostgreSQL, in Grafana's way."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import psycopg
from psycopg import sql

from taximeter_processor.ledger.record import COLUMNS, Kind, Record
from taximeter_processor.money import pico_to_usd
from taximeter_processor.observability.dashboards.calls import VIEW
from taximeter_processor.periods import from_us, to_us
from tests.dashboards.history import DAY
from tests.dashboards.workload import NOW

START: Final = NOW - DAY
STRETCH_SECONDS: Final = 300
TYPES: Final[Mapping[Kind, str]] = {
    "text": "text",
    "json": "text",
    "time": "timestamptz",
    "count": "bigint",
    "money": "numeric(24,12)",
    "flag": "boolean",
}

Connection = psycopg.Connection[Any]
Choices = Mapping[str, Sequence[str]]


def store(connection: Connection, records: Sequence[Record]) -> None:
    """Put the calls of the last two days behind the view that the board reads."""
    columns = ", ".join(f"{name} {TYPES[kind]}" for name, kind in COLUMNS)
    connection.execute(f"create table calls ({columns})".encode())
    with connection.cursor().copy("copy calls from stdin") as copy:
        for record in records:
            if record.start_time >= to_us(NOW - 2 * DAY):
                copy.write_row(_stored(record))
    connection.execute(
        sql.SQL("create view {} as select * from calls").format(sql.Identifier(VIEW))
    )


def _stored(record: Record) -> list[object]:
    change: dict[Kind, Callable[[Any], object]] = {"time": from_us, "money": pico_to_usd}
    return [
        change[kind](value) if value is not None and kind in change else value
        for (_, kind), value in zip(COLUMNS, record, strict=True)
    ]


def filled(text: str, choices: Choices) -> str:
    """SQL as Grafana sends it: its macros written out, variables as quoted lists."""
    between = f"BETWEEN '{START:%Y-%m-%dT%H:%M:%SZ}' AND '{NOW:%Y-%m-%dT%H:%M:%SZ}'"
    text = re.sub(r"\$__timeFilter\((\w+)\)", rf"\1 {between}", text)
    seconds = STRETCH_SECONDS
    stretch = rf'floor(extract(epoch from \1)/{seconds})*{seconds} AS "time"'
    text = re.sub(r"\$__timeGroupAlias\((\w+), \$__interval\)", stretch, text)
    for name, values in choices.items():
        text = text.replace(f"${{{name}:sqlstring}}", ", ".join(f"'{each}'" for each in values))
    assert "$" not in text, text
    return text


def offered(connection: Connection, board: Mapping[str, Any]) -> dict[str, list[str]]:
    """What each variable offers: with "All", every one of them is chosen."""
    queries = {v["name"]: v["query"] for v in board["templating"]["list"] if v["type"] == "query"}
    return {
        name: [value for (value,) in connection.execute(filled(query, {}).encode())]
        for name, query in queries.items()
    }


def answer(connection: Connection, text: str, choices: Choices) -> list[dict[str, Any]]:
    """The rows of a panel's query, by column."""
    cursor = connection.execute(filled(text, choices).encode())
    assert cursor.description is not None
    names = [column.name for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
