"""Rows as a table that fits a terminal; numbers stand right, money keeps its decimals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text


def print_table(rows: Sequence[Mapping[str, Any]], title: str | None = None) -> None:
    """Print rows under their keys; says so when there are none."""
    console = Console(width=None if Console().is_terminal else 120)
    if not rows:
        console.print("nothing found")
        return
    table = Table(title=title, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for name in rows[0]:
        table.add_column(_heading(name), justify="right" if _is_numeric(rows, name) else "left")
    for row in rows:
        # Text, not markup: a tag may hold brackets.
        table.add_row(*[Text(_cell(name, value)) for name, value in row.items()])
    console.print(table)


def _heading(name: str) -> str:
    return (f"{name.removesuffix('_usd')} $" if _is_money(name) else name).replace("_", " ")


def _cell(name: str, value: object) -> str:
    if value is None:
        return ""
    if _is_money(name):
        return f"{Decimal(str(value)):,.6f}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value)


def _is_numeric(rows: Sequence[Mapping[str, Any]], name: str) -> bool:
    return _is_money(name) or all(isinstance(row[name], int) for row in rows if name in row)


def _is_money(name: str) -> bool:
    return name.endswith("_usd")
