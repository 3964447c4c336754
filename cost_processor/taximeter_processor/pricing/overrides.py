"""The `prices:` list of the configuration: the user's own dated rates and percentages."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, model_validator

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


def _read_decimal(value: Any) -> Any:
    """The number as it was written: YAML gives a float for 0.25, whose text is what was meant."""
    if isinstance(value, bool):
        raise ValueError(f"{value} is no number: expected a decimal number such as 0.25")
    return Decimal(str(value)) if isinstance(value, float) else value


Amount = Annotated[Decimal, BeforeValidator(_read_decimal), Field(ge=0, max_digits=40)]
Percentage = Annotated[
    Decimal, BeforeValidator(_read_decimal), Field(ge=-100, le=1000, max_digits=40)
]
Pattern = Annotated[str, Field(min_length=1, max_length=256)]


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
    tier: str | None = Field(default=None, min_length=1)
    """Absent: rates are those of the standard tier, a percentage is that of every tier."""
    rates: dict[TokenMeter, Amount] = Field(default_factory=dict)
    """Dollars per million tokens, by meter."""
    percent: Percentage | None = None
    """On every catalogue rate of the entry, e.g. -15."""
    per_request_usd: Amount | None = None
    per_web_search_usd: Amount | None = None
    currency: Literal["USD"] = "USD"
    note: str = ""

    @model_validator(mode="after")
    def _says_one_thing(self) -> PriceOverride:
        if self.percent is not None and self.has_rates:
            raise ValueError("percent and rates exclude each other: expected one of them")
        if self.percent is None and not self.has_rates:
            raise ValueError(
                "expected rates, percent, per_request_usd or per_web_search_usd: "
                f"nothing here prices {self.model}"
            )
        if self.from_ and self.until and self.until < self.from_:
            raise ValueError(
                f"until {self.until} is before from {self.from_}: expected a later day"
            )
        return self

    @property
    def has_rates(self) -> bool:
        """True when it names rates or fees, false for a percentage."""
        fees = (self.per_request_usd, self.per_web_search_usd)
        return bool(self.rates) or any(fee is not None for fee in fees)

    @property
    def label(self) -> str:
        """How a price it made is explained, e.g. `openai/gpt-5*@2026-10-01`."""
        return f"{self.provider}/{self.model}" + (f"@{self.from_}" if self.from_ else "")

    def matches(self, provider: str, names: Sequence[str]) -> bool:
        """Whether it speaks of this provider and of one of the model's names."""
        return _fits(self.provider, provider) and any(_fits(self.model, name) for name in names)

    def is_active(self, day: date) -> bool:
        """Whether `day` (UTC) is one of its days, both ends included."""
        return (self.from_ is None or self.from_ <= day) and (
            self.until is None or day <= self.until
        )


def most_specific(overrides: Sequence[PriceOverride]) -> PriceOverride | None:
    """The one that wins: an exact name, a named tier, a longer glob, a later start, the last."""
    if not overrides:
        return None
    return max(enumerate(overrides), key=lambda place: (*_specificity(place[1]), place[0]))[1]


def fingerprint(overrides: Sequence[PriceOverride]) -> str:
    """8 hex digits that change whenever a price in the list does; notes do not count."""
    content = TypeAdapter(list[PriceOverride]).dump_json(
        list(overrides), by_alias=True, exclude={"__all__": {"note"}}
    )
    return hashlib.sha256(content).hexdigest()[:8]


def _specificity(override: PriceOverride) -> tuple[bool, bool, bool, int, date]:
    return (
        not _is_glob(override.model),
        not _is_glob(override.provider),
        override.tier is not None,
        len(override.model) + len(override.provider),
        override.from_ or date.min,
    )


def _is_glob(pattern: str) -> bool:
    return any(character in pattern for character in "*?[")


def _fits(pattern: str, text: str) -> bool:
    return pattern.lower() == text.lower() or fnmatchcase(text.lower(), pattern.lower())
