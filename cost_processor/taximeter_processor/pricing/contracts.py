"""The `contracts:` list: monthly volume discounts and commitments, applied to a month's sum.

They depend on the month and not on the call, so no call's price knows of them: reports do.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from taximeter_processor.money import round_half_even, usd_to_pico
from taximeter_processor.pricing.overrides import Amount, Pattern, Percentage, fits

Month = Annotated[
    str, BeforeValidator(str), Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$", examples=["2026-10"])
]


class VolumeDiscount(BaseModel):
    """What changes once a month's sum is above an amount."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    above_usd: Amount
    percent: Percentage


class Contract(BaseModel):
    """One agreement with a provider, by calendar month of the reporting time zone."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    name: Pattern
    provider: Pattern = "*"
    model: Pattern = "*"
    """The model calls are booked under, or a glob."""
    from_: Month | None = Field(default=None, alias="from")
    """First month; absent: since ever."""
    until: Month | None = None
    """Last month; absent: for ever."""
    discounts: tuple[VolumeDiscount, ...] = ()
    discount_on: Literal["excess", "everything"] = "excess"
    """The part of the sum above the amount, or all of it once it is above."""
    commitment_usd: Amount | None = None
    """Due each month, used or not."""
    note: str = ""

    @model_validator(mode="after")
    def _changes_something(self) -> Contract:
        if not self.discounts and self.commitment_usd is None:
            raise ValueError("expected discounts or commitment_usd: nothing here changes a sum")
        amounts = [discount.above_usd for discount in self.discounts]
        if amounts != sorted(set(amounts)):
            raise ValueError("discounts: expected above_usd to grow from one to the next")
        return self

    def is_active(self, month: str) -> bool:
        """Whether it holds in a month."""
        return (self.from_ is None or self.from_ <= month) and (
            self.until is None or month <= self.until
        )

    def covers(self, month: str, provider: str, model: str) -> bool:
        """Whether it is about a model in a month."""
        return self.is_active(month) and fits(self.provider, provider) and fits(self.model, model)


class Settlement(NamedTuple):
    """A month under a contract: `metered + discount + shortfall = payable`, in pico-USD."""

    metered_pico: int
    discount_pico: int
    """What the volume changed: negative when it is cheaper."""
    shortfall_pico: int
    """What is due beyond use, to fill the commitment."""

    @property
    def payable_pico(self) -> int:
        """What the month costs in the end."""
        return self.metered_pico + self.discount_pico + self.shortfall_pico


def settle(contract: Contract, metered_pico: int) -> Settlement:
    """Apply the contract to a month's sum; the discount is rounded once, half-even."""
    change = _volume_change(contract, metered_pico)
    discount = round_half_even(change.numerator, change.denominator)
    committed = usd_to_pico(contract.commitment_usd) if contract.commitment_usd else 0
    return Settlement(metered_pico, discount, max(committed - metered_pico - discount, 0))


def _volume_change(contract: Contract, metered_pico: int) -> Fraction:
    steps = [
        (usd_to_pico(one.above_usd), Fraction(one.percent) / 100) for one in contract.discounts
    ]
    reached = [(above, share) for above, share in steps if metered_pico > above]
    if not reached:
        return Fraction(0)
    if contract.discount_on == "everything":
        return metered_pico * reached[-1][1]
    ends = [*(above for above, _ in reached[1:]), metered_pico]
    return sum(
        ((end - above) * share for (above, share), end in zip(reached, ends, strict=True)),
        Fraction(0),
    )


def shares(total_pico: int, weights: list[int]) -> list[int]:
    """A sum divided in proportion, exactly: largest remainders first, so the parts add up to it."""
    whole = sum(weights)
    if not whole:
        return [0] * len(weights)
    parts = [total_pico * weight // whole for weight in weights]
    order = sorted(range(len(weights)), key=lambda i: (-(total_pico * weights[i] % whole), i))
    for index in order[: total_pico - sum(parts)]:
        parts[index] += 1
    return parts
