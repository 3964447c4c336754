"""The drivers of a change in plain words, for pages and messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from taximeter_processor.formats import signed
from taximeter_processor.money import round_half_even

CENT_PICO: Final = 10**10
"""What changes and their drivers are shown in."""
HEADINGS: Final[dict[str, str]] = {
    "volume": "Calls",
    "mix": "Mix",
    "tokens": "Tokens a call",
    "cache": "Cache",
    "price": "Prices",
    "meters": "Not text",
    "new": "New kinds",
    "gone": "Ended kinds",
}
"""By `variance.DRIVERS`."""
_WORDS: Final[dict[str, tuple[str, str]]] = {
    "volume": ("more calls", "fewer calls"),
    "mix": ("dearer mix of calls", "cheaper mix of calls"),
    "tokens": ("more tokens a call", "fewer tokens a call"),
    "cache": ("less from the cache", "more from the cache"),
    "price": ("higher prices", "lower prices"),
    "meters": ("more for searches, audio, images", "less for searches, audio, images"),
    "new": ("new kinds of calls", "new kinds of calls"),
    "gone": ("kinds of calls that ended", "kinds of calls that ended"),
}


def to_cents(pico: int) -> int:
    """Pico-USD of the nearest cent."""
    return CENT_PICO * round_half_even(pico, CENT_PICO)


def sentence(drivers: Mapping[str, int]) -> str:
    """The largest driver and its pico-USD, and the second where it is at least half as large."""
    ranked = sorted(drivers.items(), key=lambda item: -abs(item[1]))
    (_, largest), (_, second) = ranked[:2]
    told = ranked[: 2 if second and 2 * abs(second) >= abs(largest) else 1]
    return ", ".join(f"{_WORDS[name][pico < 0]} ({signed(pico)})" for name, pico in told)
