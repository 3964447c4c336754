"""What a named read is asked, and its parameters as values; wrong ones raise `ValueError`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

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


def time_range(asked: Asked, default: str = "7d") -> tuple[int, int]:
    """`since` (or its default) and `until` (an hour from now) as µs UTC, half open."""
    zone = asked.settings.zone
    start = parse_moment(asked.parameters.get("since", default), asked.now, zone)
    until = asked.parameters.get("until")
    end = parse_moment(until, asked.now, zone) if until else to_us(asked.now) + 3_600_000_000
    if end <= start:
        raise ValueError(f"until {iso(end)} is not after since {iso(start)}")
    return start, end


def whole_number(parameters: Parameters, name: str, default: int, least: int, most: int) -> int:
    """A parameter as a whole number from `least` to `most`."""
    text = parameters.get(name, str(default))
    if not text.isdigit() or not least <= int(text) <= most:
        raise ValueError(f"{name}={text!r}: expected a whole number from {least} to {most}")
    return int(text)


def iso(us: int) -> str:
    """A moment as text, UTC."""
    return from_us(us).astimezone(timezone.utc).isoformat().replace("+00:00", "Z")
