"""One alert as a value, and the pieces of text that alerts share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from taximeter_processor.observability.recorded import RULE_OWNER

Severity = Literal["critical", "warning", "info", "none"]

PROCESSOR_DOWN: Final = "TaximeterProcessorDown"
WATCHDOG: Final = "TaximeterWatchdog"

SUBJECT: Final = ("budget", "feature", "tenant")
"""The labels that say what an alert is about; two that lack one are alike in it."""

WITH_OWNER: Final = f"* on (feature) group_left (owner, team) {RULE_OWNER}"
"""Joins the one owner of each feature to an expression that has one series a feature."""


class Board(NamedTuple):
    """A dashboard by its uid, and the label of an alert that narrows it; empty: none does."""

    uid: str
    label: str = "feature"


DAILY: Final = Board("taximeter-daily")
FEATURE: Final = Board("taximeter-feature")
TENANTS: Final = Board("taximeter-tenants", "tenant")
BUDGETS: Final = Board("taximeter-budgets")
METER: Final = Board("taximeter-meter", "")


@dataclass(frozen=True, slots=True)
class Alert:
    """When to tell somebody, whom, and what.

    `summary` and `description` are Prometheus templates. The owner comes as labels `owner` and
    `team` on the series of `expr`; without them the alert goes to the fallback receiver.
    """

    name: str
    expr: str
    severity: Severity
    summary: str
    description: str
    hold: str = "0s"
    """How long `expr` must be true before it fires."""
    keep_firing: str = ""
    """How long it goes on firing when `expr` stops being true; empty: not at all."""
    inhibited_by: str = ""
    """The alert that makes this one not worth a message; empty: none."""
    outranked_by: tuple[str, ...] = ()
    """Alerts that say the same and more when they are about the same budget, feature or tenant."""
    board: Board = DAILY
    """The dashboard that answers what one asks next."""


_AMOUNT: Final = '${{ . | first | value | printf "%.2f" }}'


def dollars(query: str) -> str:
    """A template: the first result of a query (itself a template expression) in dollars."""
    return f"{{{{ with {query} | query }}}}{_AMOUNT}{{{{ else }}}}$0.00{{{{ end }}}}"


def if_known(query: str, before: str, after: str) -> str:
    """The same between some words, and nothing at all when the query has no result."""
    return f"{{{{ with {query} | query }}}}{before}{_AMOUNT}{after}{{{{ end }}}}"
