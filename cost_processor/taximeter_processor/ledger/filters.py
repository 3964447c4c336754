"""SQL for which calls are meant: by the value of a dimension, or by their trace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from taximeter_processor.ledger.record import DIMENSIONS
from taximeter_processor.names import UNKNOWN_VALUE

FILTERS: Final = (*DIMENSIONS, "trace_id")


def matching(where: Mapping[str, str]) -> tuple[str, list[object]]:
    """SQL that begins with `and`, and its parameters. Raises `ValueError` for what is no filter."""
    text = ""
    parameters: list[object] = []
    for name, value in where.items():
        if name not in FILTERS:
            raise ValueError(f"{name!r} is no filter: expected one of {', '.join(FILTERS)}")
        # A tag may really be `unknown`: it is shown like an absent one, and found with it.
        text += f" and {name} in (?, ?)" if value == UNKNOWN_VALUE else f" and {name} = ?"
        parameters += ["", value] if value == UNKNOWN_VALUE else [value]
    return text, parameters
