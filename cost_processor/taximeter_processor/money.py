"""Money as integers of one pico-USD, and the few places where it becomes something else.

`float` appears only in `to_float`, for the metrics exporter and statistics.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import Final

PICO_PER_USD: Final = 10**12
_QUANTUM: Final = Decimal(1).scaleb(-12)
_EXACT: Final = Context(prec=60, rounding=ROUND_HALF_EVEN)


def pico_to_usd(pico: int) -> Decimal:
    """Exact dollars of an integer number of pico-USD, always with 12 decimals."""
    return Decimal(pico).scaleb(-12, _EXACT).quantize(_QUANTUM, context=_EXACT)


def usd_to_pico(usd: Decimal | Fraction | int | str) -> int:
    """Dollars to pico-USD, rounded half-even; a `str` is read as a decimal number.

    Raises `ValueError` for text that is no finite number.
    """
    try:
        number = Decimal(usd) if isinstance(usd, str) else usd
        # A huge exponent would make a fraction of as many digits.
        if isinstance(number, Decimal) and number.is_finite() and abs(number.adjusted()) > 60:
            if number and number.adjusted() > 0:
                raise ValueError("too large")
            return 0
        value = Fraction(number)
    except (ValueError, OverflowError, ArithmeticError) as error:
        shown = str(usd)[:40]
        raise ValueError(
            f"{shown!r} is not an amount of money: expected a decimal number"
        ) from error
    return round_half_even(value.numerator * PICO_PER_USD, value.denominator)


def stored_to_pico(usd: Decimal) -> int:
    """An amount as a ledger keeps it, of at most 12 decimals, to pico-USD."""
    return int(usd.scaleb(12))


def round_half_even(numerator: int, denominator: int) -> int:
    """`numerator / denominator` as the nearest integer, ties to the even one; denominator > 0."""
    quotient, remainder = divmod(numerator, denominator)
    twice = 2 * remainder
    if twice > denominator or (twice == denominator and quotient & 1):
        return quotient + 1
    return quotient


def to_float(pico: int) -> float:
    """Dollars as the nearest float: for Prometheus and statistics only."""
    return pico / PICO_PER_USD


def format_usd(pico: int) -> str:
    """Exact dollars as a plain decimal string without trailing zeros, e.g. `0.000412`."""
    text = f"{pico_to_usd(pico):f}".rstrip("0")
    return text + "0" if text.endswith(".") else text
