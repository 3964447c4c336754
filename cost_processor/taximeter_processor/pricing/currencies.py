"""Reads the dated exchange rate file: a currency and a day to dollars for one unit, exactly."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Final

import yaml
from pydantic import TypeAdapter, ValidationError

from taximeter_processor.errors import ConfigError
from taximeter_processor.pricing.overrides import CurrencyCode, PositiveAmount, PriceOverride

USD: Final = "USD"
_FILE: Final = TypeAdapter(dict[CurrencyCode, dict[date, PositiveAmount]])


class ExchangeRates:
    """Dollars for one unit of each currency; a rate holds from its day until the next one's."""

    def __init__(self, rates: Mapping[str, Mapping[date, Decimal]] | None = None) -> None:
        self._rates = {
            currency: sorted(by_day.items()) for currency, by_day in (rates or {}).items()
        }

    @classmethod
    def read(cls, path: Path) -> ExchangeRates:
        """The rates of a YAML file. Raises `ConfigError` naming what is wrong with it."""
        try:
            # Everything as text: a rate is the number that was written, a key can be named.
            content = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
            return cls(_FILE.validate_python(content))
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"exchange_rates {path}: cannot be read: {error}") from error
        except yaml.YAMLError as error:
            raise ConfigError(f"exchange_rates {path}: is no YAML: {error}") from error
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(str(part) for part in first["loc"] if part != "[key]")
            raise ConfigError(
                f"exchange_rates {path}: {key or 'the file'}: {first['msg']}; "
                "expected currencies with dated rates such as `EUR: {2026-01-01: 1.0850}`"
            ) from error

    def __contains__(self, currency: str) -> bool:
        return currency == USD or currency in self._rates

    def usd_for(self, currency: str, day: date) -> Fraction | None:
        """Dollars for one unit on a day (UTC); None before the first rate."""
        if currency == USD:
            return Fraction(1)
        rates = self._rates[currency]
        index = bisect_right(rates, day, key=lambda rate: rate[0])
        return Fraction(rates[index - 1][1]) if index else None

    def days(self, currency: str) -> list[date]:
        """The days on which a currency's rate changes."""
        return [day for day, _ in self.changes(currency)]

    def changes(self, currency: str) -> list[tuple[date, Decimal]]:
        """Every rate of a currency with its first day, oldest first."""
        return self._rates.get(currency, [])


def fingerprint(overrides: Sequence[PriceOverride], exchange: ExchangeRates) -> str:
    """8 hex digits that change whenever a price or a rate it needs does; notes do not count."""
    prices = TypeAdapter(list[PriceOverride]).dump_json(
        list(overrides), by_alias=True, exclude={"__all__": {"note"}}, exclude_defaults=True
    )
    currencies = sorted({override.currency for override in overrides} - {USD})
    rates = [(currency, exchange.changes(currency)) for currency in currencies]
    return hashlib.sha256(prices + str(rates).encode()).hexdigest()[:8]
