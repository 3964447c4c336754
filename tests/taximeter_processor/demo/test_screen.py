"""Tables of the demo are plain text when piped, with sums that are exact."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console
from rich.table import Table

from taximeter_processor.demo.reconcile import Count
from taximeter_processor.demo.screen import comparison_table, cost_table


def printed(table: Table) -> list[list[str]]:
    output = Console(file=io.StringIO(), width=100)
    output.print(table)
    assert isinstance(output.file, io.StringIO)
    return [line.split() for line in output.file.getvalue().splitlines()]


def row(tenant: str, requests: int, cost_usd: str) -> dict[str, Any]:
    return {"tenant": tenant, "requests": requests, "cost_usd": cost_usd}


def test_today_stands_beside_the_whole_and_both_are_summed() -> None:
    whole = [row("acme", 30, "3"), row("[bold]globex", 10, "1.005")]
    lines = printed(cost_table("tenant", [row("acme", 2, "0.000118")], whole, 60))
    assert lines[1][:5] == ["acme", "2", "0.000118", "30", "3.00"]
    assert lines[2][:5] == ["[bold]globex", "0", "0.000000", "10", "1.00"]
    assert lines[-1] == ["total", "2", "0.000118", "40", "4.00"]


def test_what_does_not_fit_is_summed_as_others() -> None:
    whole = [row(f"tenant-{number}", 1, "1") for number in range(9)]
    others = printed(cost_table("tenant", [], whole, 60))[-2]
    assert " ".join(others) == "3 others 0 0.000000 3 3.00"


def test_a_difference_shows_what_the_ledger_holds() -> None:
    lines = printed(
        comparison_table({"gpt-5": Count(2, 30, 3)}, {"gpt-5": Count(2, 30, 4), "odd": Count(1)})
    )
    assert " ".join(lines[1]) == "gpt-5 2 30 3 2 / 30 / 4"
    assert " ".join(lines[2]) == "odd 0 0 0 1 / 0 / 0"
