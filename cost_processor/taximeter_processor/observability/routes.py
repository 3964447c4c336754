"""Turns owners into Alertmanager's configuration: nobody is left unowned, nobody is woken twice.

Alertmanager knows neither rotas nor escalation. A turn of a rota is a time interval with the days
of that person, written out for two years; past them the fallback is told. An escalation is a second
route whose first message waits: an alert that ends or is silenced in the meantime is never sent.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from taximeter_processor.errors import ConfigError
from taximeter_processor.names import UNOWNED
from taximeter_processor.observability.alerts import ALL
from taximeter_processor.observability.alerts.alert import SUBJECT, WATCHDOG, Alert
from taximeter_processor.observability.receivers import Receiver, receiver_config
from taximeter_processor.observability.schedule import Intervals, off_hours, planned, turns
from taximeter_processor.people import Owner

NOBODY: Final = "nobody"
"""The receiver that drops what it gets: for a watchdog without a dead man's switch."""
Route = dict[str, object]


@dataclass(frozen=True, slots=True)
class MailServer:
    """How Alertmanager sends e-mail."""

    smarthost: str = "localhost:25"
    sender: str = "taximeter@localhost"
    require_tls: bool = True


@dataclass(frozen=True, slots=True)
class Timing:
    """How long alerts are gathered before a message, and when it is repeated."""

    group_wait: str = "30s"
    group_interval: str = "5m"
    repeat_interval: str = "12h"


@dataclass(frozen=True, slots=True)
class Routing:
    """Who is told of what, and when."""

    owners: Sequence[Owner]
    fallback: Receiver
    year: int
    """The first of the years for which rotas are laid out."""
    deadman: Receiver | None = None
    mail: MailServer = field(default_factory=MailServer)
    timing: Timing = field(default_factory=Timing)


def alertmanager_config(routing: Routing) -> dict[str, object]:
    """Alertmanager's configuration as plain values: one route and receiver for each owner.

    An owner without a complete contact has no receiver: the fallback is told instead. Raises
    `ConfigError` when the fallback cannot be reached, or two receivers share a name.
    """
    _check(routing)
    receivers = [routing.fallback, *_reachable(routing), routing.deadman or Receiver(NOBODY)]
    intervals = _time_intervals(routing)
    config: dict[str, object] = {
        "route": _root(routing),
        **({"time_intervals": intervals} if intervals else {}),
        "inhibit_rules": _inhibit_rules(),
        "receivers": [receiver_config(receiver) for receiver in receivers],
    }
    if any(receiver.contact.email for receiver in receivers):
        mail: dict[str, object] = {
            "smtp_smarthost": routing.mail.smarthost,
            "smtp_from": routing.mail.sender,
        }
        if not routing.mail.require_tls:
            mail["smtp_require_tls"] = False
        return {"global": mail, **config}
    return config


def _reachable(routing: Routing) -> list[Receiver]:
    found = [Receiver(owner.name, owner.contact) for owner in routing.owners]
    return [receiver for receiver in found if receiver.is_reachable]


def _check(routing: Routing) -> None:
    if not routing.fallback.is_reachable:
        raise ConfigError(
            "fallback_owner: no complete contact, so alerts that nobody owns would be lost; "
            "expected webhook_url, email, pagerduty_routing_key_file, opsgenie_api_key_file, or "
            "slack_channel with slack_api_url_file"
        )
    names = [NOBODY, UNOWNED, routing.fallback.name, *(owner.name for owner in routing.owners)]
    names += [routing.deadman.name] if routing.deadman else []
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ConfigError(f"owners: {repeated[0]!r} is taken by another receiver; rename it")


def _root(routing: Routing) -> Route:
    watchdog: Route = {
        "matchers": [_equals("alertname", WATCHDOG)],
        "receiver": routing.deadman.name if routing.deadman else NOBODY,
        "group_by": ["alertname"],
        "group_wait": "0s",
        "group_interval": "1m",
        "repeat_interval": "1m",
    }
    names = {receiver.name for receiver in _reachable(routing)}
    routes = [watchdog]
    routes += [route for owner in routing.owners for route in _escalation(owner, names)]
    routes += [route for owner in routing.owners for route in _own(owner, names, routing)]
    routes.append(
        {
            "matchers": [f'owner=~"{UNOWNED}|"'],
            "receiver": routing.fallback.name,
            "group_by": ["alertname", "feature"],
        }
    )
    return {
        "receiver": routing.fallback.name,
        "group_by": ["owner", "alertname"],
        "group_wait": routing.timing.group_wait,
        "group_interval": routing.timing.group_interval,
        "repeat_interval": routing.timing.repeat_interval,
        "routes": routes,
    }


def _escalation(owner: Owner, names: set[str]) -> list[Route]:
    """A route that says nothing for a while: each alert is a group, so each has its own wait."""
    if owner.escalate_to not in names:
        return []
    return [
        {
            "matchers": [_equals("owner", owner.name), _equals("severity", "critical")],
            "receiver": owner.escalate_to,
            "group_by": ["..."],
            "group_wait": owner.escalate_after,
            "group_interval": owner.escalate_after,
            "continue": True,
        }
    ]


def _own(owner: Owner, names: set[str], routing: Routing) -> list[Route]:
    matchers = [_equals("owner", owner.name)]
    if owner.name in names:
        return [{"matchers": matchers, **_told(owner.name, owner, [])}]
    if owner.rota is None or not names.intersection(owner.rota.persons):
        return []
    children = [
        {
            **_told(
                person if person in names else routing.fallback.name, owner, [_turn(owner, person)]
            )
        }
        for person in dict.fromkeys(owner.rota.persons)
    ]
    unplanned = {"receiver": routing.fallback.name, "mute_time_intervals": [_planned(owner)]}
    routes = [*({**child, "continue": True} for child in children), unplanned]
    return [{"matchers": matchers, "receiver": routing.fallback.name, "routes": routes}]


def _told(receiver: str, owner: Owner, active: list[str]) -> Route:
    """What is not critical waits for working hours."""
    when: Route = {"active_time_intervals": active} if active else {}
    route: Route = {"receiver": receiver, **when}
    if owner.working_hours:
        route["routes"] = [
            {
                "matchers": ['severity=~"info|warning"'],
                "receiver": receiver,
                **when,
                "mute_time_intervals": [_off(owner)],
            }
        ]
    return route


def _time_intervals(routing: Routing) -> list[dict[str, object]]:
    found: list[tuple[str, Intervals]] = []
    for owner in routing.owners:
        if owner.working_hours:
            found.append((_off(owner), off_hours(owner.working_hours)))
        if owner.rota and not owner.contact.is_complete:
            days = turns(owner.rota, routing.year)
            found += [(_turn(owner, person), days[person]) for person in days]
            found.append((_planned(owner), planned(owner.rota, routing.year)))
    return [{"name": name, "time_intervals": intervals} for name, intervals in found]


def _off(owner: Owner) -> str:
    return f"{owner.name} is off"


def _turn(owner: Owner, person: str) -> str:
    return f"{person} is on duty for {owner.name}"


def _planned(owner: Owner) -> str:
    return f"{owner.name} is planned"


def _inhibit_rules() -> list[dict[str, object]]:
    """What follows from an alert, then what says less than another about the same thing."""
    sources = sorted({alert.inhibited_by for alert in ALL if alert.inhibited_by})
    found = [
        _inhibit(source, [alert for alert in ALL if alert.inhibited_by == source])
        for source in sources
    ]
    for source in sorted({name for alert in ALL for name in alert.outranked_by}):
        targets = [alert for alert in ALL if source in alert.outranked_by]
        found.append({**_inhibit(source, targets), "equal": list(SUBJECT)})
    return found


def _inhibit(source: str, targets: Sequence[Alert]) -> dict[str, object]:
    names = "|".join(alert.name for alert in targets)
    return {
        "source_matchers": [_equals("alertname", source)],
        "target_matchers": [f'alertname=~"{names}"'],
    }


def _equals(label: str, value: str) -> str:
    return f"{label}={json.dumps(value, ensure_ascii=False)}"
