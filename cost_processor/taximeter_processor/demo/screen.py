"""Turns the demo's reads into tables for a terminal; plain text when piped."""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from taximeter_processor.demo.reconcile import Count, Counts

Rows = Sequence[Mapping[str, Any]]

MOST_ROWS: Final = 6
PIPED_WIDTH: Final = 100
_BAR_WIDTH: Final = 11


def console() -> Console:
    """Where the demo prints: coloured in a terminal, 100 columns of plain text elsewhere."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal that cannot show a tick shows a question mark.
        sys.stdout.reconfigure(errors="replace")
    found = Console(highlight=False)
    return found if found.is_terminal else Console(highlight=False, width=PIPED_WIDTH)


def progress(output: Console) -> Progress:
    """A progress bar; nothing where it could not be redrawn."""
    return Progress(
        TextColumn("  [dim]{task.description:<18}[/]"),
        BarColumn(40),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=output,
        disable=not output.is_terminal,
        transient=True,
    )


def step(output: Console, name: str, told: str) -> None:
    """One line that something is done."""
    line = Text.assemble(("✓ ", "green"), (f"{name:<18}", "bold"), told)
    output.print(line, soft_wrap=True)


def cost_table(dimension: str, live: Rows, whole: Rows, days: int) -> Table:
    """Cost by one dimension: the calls just made beside all calls of the last days."""
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column(dimension.replace("_", " "), style="bold", min_width=14, no_wrap=True)
    for heading in ("calls today", "$ today", f"calls {days}d", f"$ {days}d"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("share", no_wrap=True, style="cyan")
    today = {row[dimension]: row for row in live}
    total = sum(Decimal(row["cost_usd"]) for row in whole)
    for row in whole[:MOST_ROWS]:
        live_row = today.get(row[dimension], {"requests": 0, "cost_usd": "0"})
        share = Decimal(row["cost_usd"]) / total if total else Decimal(0)
        # Text, not markup: a tag may hold brackets.
        table.add_row(Text(row[dimension]), *_amounts(live_row, 6), *_amounts(row, 2), _bar(share))
    if len(whole) > MOST_ROWS:
        rest = whole[MOST_ROWS:]
        rest_today = [today[row[dimension]] for row in rest if row[dimension] in today]
        cells = (*_amounts(_sum(rest_today), 6), *_amounts(_sum(rest), 2))
        table.add_row(f"{len(rest)} others", *cells, style="dim")
    table.add_row("total", *_amounts(_sum(live), 6), *_amounts(_sum(whole), 2), style="bold")
    return table


def comparison_table(provider: Counts, ledger: Counts) -> Table:
    """The provider's own count beside the ledger's, model by model."""
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("model", style="bold", no_wrap=True)
    for heading in ("answers", "input tokens", "output tokens", "in the ledger"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name in sorted({*provider, *ledger}):
        told, kept = provider.get(name, Count()), ledger.get(name, Count())
        verdict = (
            Text("the same", style="green")
            if told == kept
            else Text(" / ".join(f"{number:,}" for number in kept), style="red")
        )
        table.add_row(Text(name), *(f"{number:,}" for number in told), verdict)
    return table


def _amounts(row: Mapping[str, Any], decimals: int) -> tuple[str, str]:
    return f"{row['requests']:,}", f"{Decimal(row['cost_usd']):,.{decimals}f}"


def _sum(rows: Rows) -> dict[str, Any]:
    return {
        "requests": sum(row["requests"] for row in rows),
        "cost_usd": sum((Decimal(row["cost_usd"]) for row in rows), Decimal(0)),
    }


def _bar(share: Decimal) -> str:
    return f"{'█' * round(share * _BAR_WIDTH):<{_BAR_WIDTH}} {share:.0%}"
