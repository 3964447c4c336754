"""The `prices:` list of the configuration: the user's own dated rates and percentages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Annotated, Any, Final, Literal, NamedTuple, TypeAlias

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    model_validator,
)

TokenMeter: TypeAlias = Literal[
    "input",
    "cache_read",
    "cache_write",
    "cache_write_1h",
    "output",
    "output_reasoning",
    "input_audio",
    "cache_read_audio",
    "output_audio",
    "input_image",
    "cache_read_image",
    "output_image",
]
"""Meters that are priced by the million tokens."""

CountedMeter: TypeAlias = Literal["request", "web_search", "search_unit", "page", "audio_second"]
"""Meters that are priced by the piece."""


def _read_decimal(value: Any) -> Any:
    """The number as it was written: YAML gives a float for 0.25, whose text is what was meant."""
    if isinstance(value, bool):
        raise ValueError(f"{value} is no number: expected a decimal number such as 0.25")
    return Decimal(str(value)) if isinstance(value, float) else value


Amount = Annotated[Decimal, BeforeValidator(_read_decimal), Field(ge=0, max_digits=40)]
PositiveAmount = Annotated[Decimal, BeforeValidator(_read_decimal), Field(gt=0, max_digits=40)]
Percentage = Annotated[
    Decimal, BeforeValidator(_read_decimal), Field(ge=-100, le=1000, max_digits=40)
]
Pattern = Annotated[str, Field(min_length=1, max_length=256)]
CurrencyCode = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Threshold = Annotated[int, Field(gt=0)]


class Hours(NamedTuple):
    """A daily stretch of time, UTC; it may go over midnight."""

    start: time
    end: time
    """The first moment after it."""

    def hold(self, at: time) -> bool:
        """Whether a time of day lies within."""
        if self.start < self.end:
            return self.start <= at < self.end
        return at >= self.start or at < self.end


def _read_hours(value: Any) -> Any:
    """`16:30-00:30` as a pair of times."""
    match = _HOURS.match(value) if isinstance(value, str) else None
    if match is None or match[1] == match[2]:
        raise ValueError("expected two times of the day, UTC, such as 16:30-00:30")
    return Hours(time.fromisoformat(match[1]), time.fromisoformat(match[2]))


_HOURS: Final = re.compile(r"^([01]\d:[0-5]\d|2[0-3]:[0-5]\d)-([01]\d:[0-5]\d|2[0-3]:[0-5]\d)$")


class PriceOverride(BaseModel):
    """One negotiated or self-made price; `docs/pricing.md` says which of several wins."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    provider: Pattern = "*"
    """A `gen_ai.provider.name`, or a glob."""
    model: Pattern
    """A response model, request model or catalogue entry, or a glob; case does not matter."""
    from_: date | None = Field(default=None, alias="from")
    """First day, UTC; absent: since ever."""
    until: date | None = None
    """Last day, UTC; absent: for ever."""
    hours: Annotated[Hours | None, BeforeValidator(_read_hours, json_schema_input_type=str)] = None
    """Daily, UTC, e.g. `16:30-00:30`; absent: all day."""
    tier: str | None = Field(default=None, min_length=1)
    """Absent: rates are those of the standard tier, a percentage is that of every tier."""
    rates: dict[TokenMeter, Amount] = Field(default_factory=dict)
    """Per million tokens, by meter."""
    above: dict[Threshold, dict[TokenMeter, Amount]] = Field(default_factory=dict)
    """Rates of whole requests with more input tokens than the key."""
    fees: dict[CountedMeter, Amount] = Field(default_factory=dict)
    """For one of each."""
    percent: Percentage | None = None
    """On every catalogue rate of the entry, e.g. -15."""
    currency: CurrencyCode = "USD"
    note: str = ""
    _line: int | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _says_one_thing(self) -> PriceOverride:
        if self.percent is not None and self.has_rates:
            raise ValueError("percent and rates exclude each other: expected one of them")
        if self.percent is not None and self.currency != "USD":
            raise ValueError("a percentage has no currency: expected rates or fees with currency")
        if self.percent is None and not self.has_rates:
            raise ValueError(f"expected rates, fees or percent: nothing here prices {self.model}")
        for threshold, rates in self.above.items():
            for meter in rates:
                if meter not in self.rates:
                    raise ValueError(
                        f"above {threshold} prices {meter}, rates do not: "
                        "expected its rate for smaller requests too"
                    )
        if self.from_ and self.until and self.until < self.from_:
            raise ValueError(
                f"until {self.until} is before from {self.from_}: expected a later day"
            )
        return self

    @property
    def has_rates(self) -> bool:
        """True when it names rates or fees, false for a percentage."""
        return bool(self.rates or self.fees)

    @property
    def label(self) -> str:
        """How a price it made is explained, e.g. `openai/gpt-5*@2026-10-01`."""
        return f"{self.provider}/{self.model}" + (f"@{self.from_}" if self.from_ else "")

    @property
    def line(self) -> int | None:
        """Where it stands in its configuration file, from 1; None when it is from no file."""
        return self._line

    def at_line(self, line: int) -> PriceOverride:
        """The same price, knowing where it was written."""
        placed = self.model_copy()
        placed._line = line
        return placed

    def matches(self, provider: str, names: Sequence[str]) -> bool:
        """Whether it speaks of this provider and of one of the model's names."""
        return fits(self.provider, provider) and any(fits(self.model, name) for name in names)

    def is_active(self, at: datetime) -> bool:
        """Whether a moment (UTC) is in its hours of one of its days, both days included."""
        day = at.date()
        return (
            (self.from_ is None or self.from_ <= day)
            and (self.until is None or day <= self.until)
            and (self.hours is None or self.hours.hold(at.time()))
        )


def most_specific(overrides: Sequence[PriceOverride]) -> PriceOverride | None:
    """The one that wins: exact names, a tier, hours, a longer glob, a later start, the last."""
    if not overrides:
        return None
    return max(enumerate(overrides), key=lambda place: (*_specificity(place[1]), place[0]))[1]


def _specificity(override: PriceOverride) -> tuple[bool, bool, bool, bool, int, date]:
    return (
        not _is_glob(override.model),
        not _is_glob(override.provider),
        override.tier is not None,
        override.hours is not None,
        len(override.model) + len(override.provider),
        override.from_ or date.min,
    )


def _is_glob(pattern: str) -> bool:
    return any(character in pattern for character in "*?[")


def fits(pattern: str, text: str) -> bool:
    """Whether a name is the pattern's, exactly or as a glob, in any case."""
    return pattern.lower() == text.lower() or fnmatchcase(text.lower(), pattern.lower())
