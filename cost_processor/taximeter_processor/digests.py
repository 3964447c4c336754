"""Decides who gets which digest today and sends each once, whoever asks and however often.

What was sent is in a small file, locked while it is worked on: the service at its hour, a cron job
and a restart between them send one message. A message that fails is tried again the next time.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, NamedTuple

from taximeter_processor.mailing import NotSent, has_channel, send
from taximeter_processor.people import Contact
from taximeter_processor.settings import Settings

_log = logging.getLogger(__name__)
What = Literal["sent", "sent before", "nothing to read", "no channel", "failed"]


class Outcome(NamedTuple):
    """What became of one owner's digest."""

    owner: str
    what: What
    detail: str = ""


def is_due(settings: Settings, now: datetime) -> bool:
    """Whether the set hour of today has come."""
    local = now.astimezone(settings.zone)
    return settings.digest.at is not None and f"{local:%H:%M}" >= settings.digest.at


def deliver(settings: Settings, rows: Sequence[Mapping[str, Any]]) -> list[Outcome]:
    """Send what was not sent yet for its day."""
    with _remembered(settings) as sent:
        return [_delivered(settings, row, sent) for row in rows]


def _delivered(settings: Settings, row: Mapping[str, Any], sent: dict[str, str]) -> Outcome:
    owner, day = str(row["owner"]), str(row["day"])
    if sent.get(owner, "") >= day:
        return Outcome(owner, "sent before", sent[owner])
    if not (row["worth_reading"] or settings.digest.when_quiet):
        return Outcome(owner, "nothing to read")
    contacts = [
        contact
        for contact in contacts_of(settings, owner, date.fromisoformat(day) + timedelta(days=1))
        if has_channel(contact)
    ]
    if not contacts:
        return Outcome(owner, "no channel", "neither email nor slack_api_url_file")
    try:
        ways = [send(c, settings.mail, str(row["subject"]), str(row["text"])) for c in contacts]
    except NotSent as error:
        _log.warning("%s", error)
        return Outcome(owner, "failed", str(error))
    sent[owner] = day
    return Outcome(owner, "sent", ", ".join(ways))


def contacts_of(settings: Settings, name: str, day: date) -> list[Contact]:
    """How an owner is reached: a rota without a contact by whoever is on duty."""
    owners = {owner.name: owner for owner in settings.owners}
    owner = owners.get(name)
    if owner is None:
        return [settings.fallback_owner]
    if owner.rota is None or owner.contact.is_complete:
        return [owner.contact]
    return [owners[owner.rota.on_duty(day)].contact]


def memory_path(settings: Settings) -> Path:
    """The file of what was sent: beside the ledger, or where `digest.memory` says."""
    if settings.digest.memory is not None:
        return settings.digest.memory
    path = settings.ledger.removeprefix("duckdb:")
    return Path("taximeter.digests.json") if "://" in path else Path(f"{path}.digests.json")


@contextmanager
def _remembered(settings: Settings) -> Iterator[dict[str, str]]:
    """The last day sent to each owner; what is changed is kept, even when the rest fails."""
    handle = os.open(memory_path(settings), os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(handle, "r+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        sent: dict[str, str] = json.loads(file.read() or "{}")
        try:
            yield sent
        finally:
            file.seek(0)
            file.write(json.dumps(sent, indent=1, sort_keys=True))
            file.truncate()
            file.flush()
            os.fsync(file.fileno())
