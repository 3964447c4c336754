"""How far a team is: the five layers of cost control as a checklist with numbers.

Each layer answers one question about the last 30 days. What nobody measures is said to be unknown,
never assumed to be good.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final, Literal

from taximeter_processor.budgets import scope_of
from taximeter_processor.ledger import slices
from taximeter_processor.ledger.filters import Where
from taximeter_processor.ledger.queries import Window
from taximeter_processor.ledger.store import LedgerStore
from taximeter_processor.money import format_usd
from taximeter_processor.names import TAG_NAMES, UNKNOWN_VALUE, UNOWNED
from taximeter_processor.owners import Owners
from taximeter_processor.periods import midnight
from taximeter_processor.reports.asked import Answer, Asked
from taximeter_processor.reports.notified import NotTold, notified
from taximeter_processor.settings import Budget, Settings

DAYS: Final = 30
TAGGED_PERCENT: Final = 98
PRICED_PERCENT: Final = 99
OWNED_PERCENT: Final = 98
BUDGETED_PERCENT: Final = 80
NOT_TESTED: Final = "not tested yet"

State = Literal["done", "in progress", "not set up"]


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of a layer."""

    name: str
    value: str
    is_good: bool


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer and what to do next; nothing is next in a layer that is done."""

    name: str
    question: str
    state: State
    measures: tuple[Measure, ...]
    next_step: str


@dataclass(frozen=True, slots=True)
class Adoption:
    """All layers, the first to be built first."""

    days: int
    spend_pico: int
    layers: tuple[Layer, ...]

    @property
    def next_layer(self) -> str:
        """The first that is not done; empty when all are."""
        return next((layer.name for layer in self.layers if layer.state != "done"), "")


@dataclass(frozen=True)
class _Facts:
    """What the layers are judged by."""

    store: LedgerStore
    settings: Settings
    window: Window

    @cached_property
    def spend(self) -> slices.DaySum:
        return slices.by_stretch(self.store, (self.window.start_us, self.window.end_us))[0]

    @cached_property
    def by_scope(self) -> dict[tuple[str, str], int]:
        """Pico by (feature, team)."""
        found = slices.by_scope(self.store, [self.window])
        return {scope: sums[self.window.name] for scope, sums in found.items()}

    def untagged_pico(self, tag: str) -> int:
        """Spend that lacks a tag."""
        return slices.total(self.store, self.window, Where({tag: UNKNOWN_VALUE}))


def adoption(store: LedgerStore, settings: Settings, now: datetime) -> Adoption:
    """The checklist at `now`. Raises `LedgerError` at a limit of the ledger."""
    today = now.astimezone(settings.zone).date()
    start = midnight(today - timedelta(days=DAYS - 1), settings.zone)
    end = midnight(today + timedelta(days=1), settings.zone)
    facts = _Facts(store, settings, Window("period", start, end))
    layers = tuple(layer(facts) for layer in LAYERS)
    return Adoption(DAYS, facts.spend.cost_pico, layers)


def adoption_read(asked: Asked) -> Answer:
    """Which layers of cost control are in use, with numbers, and what comes next."""
    found = adoption(asked.store, asked.settings, asked.now)
    return {
        "days": found.days,
        "spend_usd": format_usd(found.spend_pico),
        "next_layer": found.next_layer or None,
        "layers": [asdict(layer) for layer in found.layers],
    }


def _attribution(facts: _Facts) -> Layer:
    name, question = "Attribution", "Is every call priced, and does it say whose it is?"
    spend = facts.spend
    if not spend.calls:
        step = "Meter an application: pip install taximeter, then taximeter doctor"
        return Layer(name, question, "not set up", (), step)
    tagged = _share(
        "spend with all four tags",
        spend.cost_pico - spend.untagged_pico,
        spend.cost_pico,
        TAGGED_PERCENT,
    )
    priced = _share("calls with a price", spend.calls - spend.unpriced, spend.calls, PRICED_PERCENT)
    step = ""
    if not priced.is_good:
        step = "See which models lack a price: taximeter prices check"
    elif not tagged.is_good:
        worst = max(TAG_NAMES, key=facts.untagged_pico)
        step = f"Set the tag {worst}: most spend without all tags lacks it"
    return _judged(name, question, (tagged, priced), step)


def _alerting(facts: _Facts) -> Layer:
    name, question = "Owners and alerts", "Does somebody answer for it, and do they hear of it?"
    owners, budgets = Owners(facts.settings.owners), facts.settings.budgets
    if not facts.settings.owners:
        step = "Name owners in taximeter.yaml, then: taximeter rules --out grafana"
        return Layer(name, question, "not set up", (), step)
    spend = facts.spend.cost_pico
    owned = sum(p for scope, p in facts.by_scope.items() if owners.owner_of(*scope) != UNOWNED)
    budgeted = sum(
        p for scope, p in facts.by_scope.items() if any(_covers(b, scope) for b in budgets)
    )
    measures = (
        _share("spend with an owner", owned, spend, OWNED_PERCENT),
        _share("spend within a budget", budgeted, spend, BUDGETED_PERCENT),
        _delivered(facts.settings.links.alertmanager_url),
    )
    steps = (
        "Give what is unowned an owner: taximeter owners shows it",
        "Set budgets in taximeter.yaml for what is outside of them",
        "Send a test alert to its owner: amtool alert add Test owner=NAME, "
        "with Alertmanager's address in links.alertmanager_url",
    )
    missing = [s for measure, s in zip(measures, steps, strict=True) if not measure.is_good]
    return _judged(name, question, measures, missing[0] if missing else "")


def _delivered(alertmanager_url: str | None) -> Measure:
    """What Alertmanager says became of its notifications."""
    name = "alerts delivered"
    if alertmanager_url is None:
        return Measure(name, NOT_TESTED, is_good=False)
    try:
        delivered, failed = notified(alertmanager_url)
    except NotTold as problem:
        return Measure(name, f"not known: {problem}", is_good=False)
    if not delivered and not failed:
        return Measure(name, NOT_TESTED, is_good=False)
    return Measure(name, f"{delivered:,}, failed {failed:,}", is_good=failed == 0)


def _optimisations(_: _Facts) -> Layer:
    return Layer(
        "Optimisations",
        "Did what was changed save what it should?",
        "not set up",
        (Measure("optimisations with a verdict", "none", is_good=False),),
        "Write down what you change and on which day; a feature's own view shows the days after",
    )


def _forecast(_: _Facts) -> Layer:
    return Layer(
        "Forecast",
        "What will the next months cost?",
        "not set up",
        (Measure("age of the forecast", "never made", is_good=False),),
        "Until one is kept, the daily view says where each month ends at the present pace",
    )


def _review(_: _Facts) -> Layer:
    return Layer(
        "Weekly review",
        "Does somebody look at it every week and decide?",
        "not set up",
        (Measure("last review", "never", is_good=False),),
        "Go through What moved on the daily view with its owners, every week",
    )


LAYERS: Final[tuple[Callable[[_Facts], Layer], ...]] = (
    _attribution,
    _alerting,
    _optimisations,
    _forecast,
    _review,
)


def _judged(name: str, question: str, measures: tuple[Measure, ...], step: str) -> Layer:
    return Layer(name, question, "in progress" if step else "done", measures, step)


def _share(name: str, part: int, whole: int, good_percent: int) -> Measure:
    """A share, rounded down: 100 % means all. Of nothing, all is good."""
    if not whole:
        return Measure(name, "nothing spent", is_good=True)
    tenths = 1000 * part // whole
    return Measure(name, f"{tenths / 10:g} %", is_good=tenths >= 10 * good_percent)


def _covers(budget: Budget, scope: tuple[str, str]) -> bool:
    named = dict(zip(("feature", "team"), scope, strict=True))
    return all(named[tag] == value for tag, value in scope_of(budget).items())
