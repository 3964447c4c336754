"""The board of single calls asked of a real PostgreSQL, in Grafana's way."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import psycopg

from taximeter_processor.ledger.postgres_store import PostgresStore
from taximeter_processor.ledger.record import Record
from taximeter_processor.periods import to_us
from tests.dashboards.history import DAY
from tests.dashboards.workload import NOW

START: Final = NOW - DAY
STRETCH_SECONDS: Final = 300

Connection = psycopg.Connection[Any]
Choices = Mapping[str, Sequence[str]]


@contextmanager
def ledger(url: str, records: Sequence[Record]) -> Iterator[Connection]:
    """A ledger with the calls of the last two days in an empty database, and a way to ask it."""
    store = PostgresStore(url, writer="main")
    store.append([record for record in records if record.start_time >= to_us(NOW - 2 * DAY)])
    store.close()
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


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
