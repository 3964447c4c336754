"""Turns amounts into the text people read: money to the cent, with the exact value beside it."""

from __future__ import annotations

from datetime import date, tzinfo
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from taximeter_processor.money import format_usd, pico_to_usd
from taximeter_processor.periods import from_us

_CENT: Final = Decimal("0.01")
_MINUS: Final = "\N{MINUS SIGN}"


def cents(pico: int) -> str:
    """Dollars to the cent; what is more than nothing never reads as nothing."""
    sign = _MINUS if pico < 0 else ""
    amount = pico_to_usd(abs(pico)).quantize(_CENT, ROUND_HALF_EVEN)
    if pico and not amount:
        return f"<{sign}$0.01"
    return f"{sign}${amount:,.2f}"


def change(pico: int) -> str:
    """Dollars to the cent with their direction in words."""
    if not pico:
        return "the same"
    return f"{cents(abs(pico))} {'more' if pico > 0 else 'less'}"


def signed(pico: int) -> str:
    """Dollars to the cent with a sign, for a difference in a table."""
    text = cents(abs(pico))
    mark = "+" if pico > 0 else _MINUS if pico < 0 else ""
    return text.replace("$", f"{mark}$")


def exact(pico: int) -> str:
    """Every decimal of an amount."""
    return f"${format_usd(pico)}"


def percent(part: int, whole: int) -> str:
    """A share as people say it; the ends are exact, so 100 % means all of it."""
    if not whole or not part:
        return "0 %"
    tenths = 1000 * part // whole
    if tenths == 0:
        return "<0.1 %"
    return f"{tenths // 10} %" if tenths >= 100 else f"{tenths / 10:.1f} %"


def day_name(day: date) -> str:
    """`Tue 3 Nov`."""
    return f"{day:%a} {day.day} {day:%b}"


def moment(us: int, zone: tzinfo) -> str:
    """`2026-11-03 14:05:09` in a zone, of µs UTC."""
    return f"{from_us(us).astimezone(zone):%Y-%m-%d %H:%M:%S}"
