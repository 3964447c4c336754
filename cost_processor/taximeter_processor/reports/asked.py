"""What a named read is asked, and its parameters as values; wrong ones raise `ValueError`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from taximeter_processor.ledger.filters import FILTERS
from taximeter_processor.ledger.store import LedgerStore
from taximeter_processor.periods import from_us, parse_moment, to_us
from taximeter_processor.settings import Settings

Parameters = Mapping[str, str]
Answer = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """What a read works on."""

    store: LedgerStore
    settings: Settings
    parameters: Parameters
    now: datetime


def time_range(asked: Asked, default: str = "7d", zone: tzinfo | None = None) -> tuple[int, int]:
    """`from` (or its default) and `to` (an hour from now) as µs UTC, half open.

    `since` and `until` are other names of the two. Dates are days of `zone`, absent that of the
    settings.
    """
    zone = zone or asked.settings.zone
    start = parse_moment(_either(asked, "from", "since") or default, asked.now, zone)
    until = _either(asked, "to", "until")
    end = parse_moment(until, asked.now, zone) if until else to_us(asked.now) + 3_600_000_000
    if end <= start:
        raise ValueError(f"until {iso(end)} is not after since {iso(start)}")
    return start, end


def _either(asked: Asked, name: str, other: str) -> str:
    given = asked.parameters.get(name, ""), asked.parameters.get(other, "")
    if all(given):
        raise ValueError(f"{name} and {other} are the same: expected one of them")
    return given[0] or given[1]


def zone_of(asked: Asked) -> tzinfo:
    """`timezone`, absent that of the settings."""
    name = asked.parameters.get("timezone")
    if not name:
        return asked.settings.zone
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:  # unknown, a path, or a folder
        raise ValueError(
            f"timezone={name!r}: expected an IANA time zone such as Europe/Berlin"
        ) from error


def names_in(text: str) -> tuple[str, ...]:
    """Comma-separated names, each once."""
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def filters(parameters: Parameters, reserved: frozenset[str]) -> dict[str, str]:
    """The parameters that are no `reserved` names: each must be a filter."""
    where = {name: value for name, value in parameters.items() if name not in reserved}
    for name, value in where.items():
        if name not in FILTERS:
            raise ValueError(f"{name!r} is no filter: expected one of {', '.join(FILTERS)}")
        if "\x00" in value:  # PostgreSQL keeps no such text
            raise ValueError(f"{name}: expected text without the character NUL")
    return where


def whole_number(parameters: Parameters, name: str, default: int, least: int, most: int) -> int:
    """A parameter as a whole number from `least` to `most`."""
    text = parameters.get(name, str(default))
    if not text.isdigit() or not least <= int(text) <= most:
        raise ValueError(f"{name}={text!r}: expected a whole number from {least} to {most}")
    return int(text)


def iso(us: int) -> str:
    """A moment as text, UTC."""
    return from_us(us).astimezone(timezone.utc).isoformat().replace("+00:00", "Z")
