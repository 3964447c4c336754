"""Turns an owner's digest into a subject and plain text with a small chart, for mail and chat."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from taximeter_processor.analysis.variance import rounded
from taximeter_processor.formats import cents, change, day_name, percent
from taximeter_processor.names import UNOWNED
from taximeter_processor.reports.causes import CENT_PICO, sentence, to_cents
from taximeter_processor.reports.digest import BudgetPosition, Day, Mover, OwnerDigest

_BARS: Final = "▁▂▃▄▅▆▇█"
_NAME_LENGTH: Final = 60


def subject(digest: OwnerDigest) -> str:
    """One line: the day, the dollars and how far from normal."""
    whose = "what nobody owns" if digest.owner == UNOWNED else digest.owner
    return (
        f"AI cost of {day_name(digest.day)}, {whose}: {cents(digest.total.pico)} "
        f"({_against(digest.total, digest.normal)})"
    )


def text(digest: OwnerDigest, link: str = "") -> str:
    """The whole message."""
    return "\n".join(_lines(digest, link)) + "\n"


def sparkline(amounts: Sequence[int]) -> str:
    """One bar for each amount, the highest full; nothing is the lowest bar."""
    highest = max(amounts, default=0)
    if highest <= 0:
        return _BARS[0] * len(amounts)
    last = len(_BARS) - 1
    return "".join(_BARS[max(0, amount) * last // highest] for amount in amounts)


def _lines(digest: OwnerDigest, link: str) -> Iterator[str]:
    yield f"{day_name(digest.day)}: {cents(digest.total.pico)}, {digest.total.requests:,} calls."
    if digest.unpriced:
        yield f"What {digest.unpriced:,} of them cost is not known, and in no amount here."
    yield f"Normal for the weekday: {cents(digest.normal.pico)}; that is {change(_more(digest))}."
    yield ""
    yield f"{sparkline(digest.chart)}  {len(digest.chart)} days, highest {cents(max(digest.chart))}"
    if digest.movers:
        yield ""
        yield "What moved"
        for mover in digest.movers:
            yield from _mover(mover)
    if digest.budgets:
        yield ""
        yield "Budgets"
        yield from map(_budget, digest.budgets)
    if digest.owner == UNOWNED:
        yield ""
        yield "Nobody owns this: name an owner under `owners:` in taximeter.yaml."
    if link:
        yield ""
        yield link


def _more(digest: OwnerDigest) -> int:
    return digest.total.pico - digest.normal.pico


def _against(day: Day, normal: Day) -> str:
    difference = day.pico - normal.pico
    if not normal.pico:
        return "no normal yet" if difference else "as normal"
    if not difference:
        return "as normal"
    share = percent(abs(difference), normal.pico)
    return f"{share} {'above' if difference > 0 else 'below'} normal"


def _mover(mover: Mover) -> Iterator[str]:
    change_text = change(mover.change_pico)
    unpriced = f", {mover.unpriced:,} calls unpriced" if mover.unpriced else ""
    yield f"  {_shown(mover.feature)}: {cents(mover.day.pico)}, {change_text} than normal{unpriced}"
    if not mover.normal.requests:
        yield "    It is new: there were no calls on this weekday in four weeks."
    else:
        in_cents = rounded(mover.drivers, CENT_PICO, to_cents(mover.change_pico))
        yield (
            f"    {mover.day.requests:,} calls instead of {mover.normal.requests:,}; "
            f"{sentence(in_cents)}"
        )
    yield f"    most of it in {_shown(mover.model)}: {change(mover.model_change_pico)}"


def _budget(position: BudgetPosition) -> str:
    share = percent(position.spent_pico, position.limit_pico)
    mark = "  <-" if position.is_worth_reading else ""
    return (
        f"  {_shown(position.name)}: {share} of {cents(position.limit_pico)} a {position.period} "
        f"({cents(position.spent_pico)}){mark}"
    )


def _shown(name: str) -> str:
    """A tag as one short line."""
    line = " ".join(name.split())
    return line if len(line) <= _NAME_LENGTH else f"{line[: _NAME_LENGTH - 1]}…"
