"""The five layers as a checklist on a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rich.console import Console
from rich.text import Text

_MARKS: Final = {"done": "✓", "in progress": "…", "not set up": "·"}


def print_status(service: Mapping[str, Any] | None, answer: Mapping[str, Any], listen: str) -> None:
    """Print what runs, each layer with its numbers, and what comes next."""
    console = Console(width=None if Console().is_terminal else 120, highlight=False)
    console.print(Text(_running(service, listen)))
    console.print(Text(f"${answer['spend_usd']} in the last {answer['days']} days"))
    for number, layer in enumerate(answer["layers"], start=1):
        is_next = layer["name"] == answer["next_layer"]
        told = f"{layer['state']}{', next' if is_next else ''}"
        console.print()
        console.print(
            Text(f"{_MARKS[layer['state']]} {number} {layer['name']}", "bold"), Text(f"({told})")
        )
        for measure in layer["measures"]:
            mark = " " if measure["is_good"] else "!"
            console.print(Text(f"  {mark} {measure['name']:<36}{measure['value']:>16}"))
        if layer["next_step"]:
            console.print(Text(f"    → {layer['next_step']}"), soft_wrap=True)


def _running(service: Mapping[str, Any] | None, listen: str) -> str:
    if service is None:
        return f"no service on {listen}: start one with `taximeter serve`"
    state = "ready" if service["ready"] else "not ready: the ledger does not accept commits"
    return f"taximeter {service['version']} on {listen}, writer {service['writer']}, {state}"
