"""Turns numbers into text as Grafana's units do, of those that the boards use."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Final

_BYTES: Final = ("B", "KiB", "MiB", "GiB", "TiB")
_THOUSANDS: Final = ("", "K", "Mil", "Bil")
_SPANS: Final = ((86_400, "days"), (3600, "hours"), (60, "mins"))


def shown(value: float | None, unit: str, decimals: int) -> str:
    """A value with its unit; a dash for none."""
    if value is None or not math.isfinite(value):
        return "–"
    if unit == "currencyUSD":
        return (
            f"{'-' if value < 0 else ''}${_scaled(abs(value), 1000, ('', 'K', 'M', 'B'), decimals)}"
        )
    if unit == "percentunit":
        return f"{value * 100:.{decimals}f}%"
    if unit == "bytes":
        return _scaled(value, 1024, tuple(f" {name}" for name in _BYTES), decimals)
    if unit == "dateTimeAsIso":
        return f"{datetime.fromtimestamp(value / 1000, timezone.utc):%Y-%m-%d %H:%M:%S}"
    if unit == "d":
        return f"{value:.{decimals}f} days"
    if unit == "s":
        return _span(value, decimals)
    return _scaled(value, 1000, tuple(f" {name}" if name else "" for name in _THOUSANDS), decimals)


def _scaled(value: float, base: int, names: Sequence[str], decimals: int) -> str:
    power = 0
    while abs(value) >= base and power < len(names) - 1:
        value, power = value / base, power + 1
    return f"{value:.{decimals}f}{names[power]}"


def _span(value: float, decimals: int) -> str:
    for seconds, name in _SPANS:
        if value >= seconds:
            return f"{value / seconds:.1f} {name}"
    return f"{value * 1000:.0f} ms" if 0 < value < 1 else f"{value:.{decimals}f} s"
