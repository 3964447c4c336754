"""Who answers for cost, when they work, who is on duty, and how they are reached.

An owner is a person, or a rota with at least one person: nobody can call a mailbox to account.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from taximeter_processor.strict import Strict

TagText = Annotated[str, Field(min_length=1, max_length=128)]
PersonName = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[\w.@-]+$")]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
Clock = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
Duration = Annotated[str, Field(pattern=r"^[1-9]\d*[smhd]$")]

WEEKDAYS: tuple[Weekday, ...] = (
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
)  # fmt: skip


def known_zone(value: str) -> str:
    """The zone's name. Raises `ValueError` when there is none of that name."""
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("expected an IANA time zone such as Europe/Berlin") from error
    return value


class Contact(Strict):
    """Where an owner is reached; written to Alertmanager's configuration, never to a label."""

    webhook_url: str | None = None
    email: str | None = None
    pagerduty_routing_key_file: str | None = None
    pagerduty_url: str | None = None
    """Absent: PagerDuty's own."""
    opsgenie_api_key_file: str | None = None
    opsgenie_api_url: str | None = None
    """Absent: Opsgenie's own; anything that speaks its API."""
    slack_channel: str | None = None
    slack_api_url_file: str | None = None

    @property
    def is_complete(self) -> bool:
        """Whether at least one channel has all it needs."""
        slack = self.slack_channel and self.slack_api_url_file
        keys = self.pagerduty_routing_key_file or self.opsgenie_api_key_file
        return bool(self.webhook_url or self.email or slack or keys)


class WorkingHours(Strict):
    """When alerts of severity info and warning reach somebody; critical ones always do."""

    days: tuple[Weekday, ...] = Field(default=WEEKDAYS[:5], min_length=1)
    start: Clock = "09:00"
    end: Clock = "17:00"
    timezone: str = "UTC"

    _zone = field_validator("timezone")(known_zone)

    @model_validator(mode="after")
    def _in_order(self) -> WorkingHours:
        if self.start >= self.end:
            raise ValueError(f"{self.start} to {self.end}: expected a start before the end")
        return self


class Rota(Strict):
    """Persons who take turns of a day or a week; `since` is the first day of the first one."""

    persons: tuple[PersonName, ...]
    turn: Literal["day", "week"] = "week"
    since: date
    timezone: str = "UTC"

    _zone = field_validator("timezone")(known_zone)

    @field_validator("persons")
    @classmethod
    def _somebody(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value:
            raise ValueError("expected at least one person: a rota without persons owns nothing")
        return value

    def on_duty(self, day: date) -> str:
        """Whose turn a day is."""
        turns = (day - self.since).days // (7 if self.turn == "week" else 1)
        return self.persons[turns % len(self.persons)]


class Owner(Strict):
    """A person, or a rota, and the cost they answer for (`*` globs; most specific wins)."""

    name: PersonName
    features: tuple[TagText, ...] = ()
    teams: tuple[TagText, ...] = ()
    contact: Contact = Contact()
    rota: Rota | None = None
    working_hours: WorkingHours | None = None
    escalate_to: str | None = None
    """Who is told of a critical alert that is still there after `escalate_after`."""
    escalate_after: Duration = "30m"

    @property
    def is_person(self) -> bool:
        """Not a rota."""
        return self.rota is None


def refuse_nobody(owners: tuple[Owner, ...]) -> None:
    """Raises `ValueError` where a rota names no person, or nobody is there to escalate to."""
    persons = {owner.name for owner in owners if owner.is_person}
    names = {owner.name for owner in owners}
    for owner in owners:
        for person in owner.rota.persons if owner.rota else ():
            if person not in persons:
                raise ValueError(
                    f"owners: the rota of {owner.name!r} names {person!r}, who is no person in "
                    f"owners; expected one of {', '.join(sorted(persons)) or 'at least one person'}"
                )
        if owner.escalate_to is not None and owner.escalate_to not in names - {owner.name}:
            raise ValueError(
                f"owners: {owner.name!r} escalates to {owner.escalate_to!r}; "
                "expected another one of owners"
            )
