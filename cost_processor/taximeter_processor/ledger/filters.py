"""SQL for which calls are meant: by the values of dimensions, by trace, by when they arrived."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from taximeter_processor.ledger.record import DIMENSIONS
from taximeter_processor.names import UNKNOWN_VALUE

FILTERS: Final = (*DIMENSIONS, "trace_id")


class Where(NamedTuple):
    """Which calls of a stretch of time are meant."""

    values: Mapping[str, str] = MappingProxyType({})
    """Dimension to value; `unknown` selects what carries none."""
    known_at_us: int | None = None
    """Only calls that had arrived by then, so that several reads agree; None: all."""
    among: Mapping[str, Sequence[str]] = MappingProxyType({})
    """Dimension to the values it may have."""


EVERYTHING: Final = Where()


def tagged(where: Where) -> tuple[str, list[object]]:
    """SQL that begins with `and`, and its parameters: the values, whenever calls arrived.

    Raises `ValueError` for what is no filter.
    """
    text = ""
    parameters: list[object] = []
    for name, values in (*((n, (v,)) for n, v in where.values.items()), *where.among.items()):
        if name not in FILTERS:
            raise ValueError(f"{name!r} is no filter: expected one of {', '.join(FILTERS)}")
        wanted = stored(values)
        text += f" and {name} in ({', '.join('?' * len(wanted))})" if wanted else " and false"
        parameters += wanted
    return text, parameters


def conditions(where: Where) -> tuple[str, list[object]]:
    """The same, and when calls arrived: for reads that are of calls alone."""
    text, parameters = tagged(where)
    if where.known_at_us is not None:
        text += f" and ingested_at <= make_timestamp({where.known_at_us})"
    return text, parameters


def stored(values: Sequence[str]) -> list[str]:
    """The values as rows have them: `unknown` is what carries none, and a tag of that name."""
    return [*values, ""] if UNKNOWN_VALUE in values else list(values)
