"""Each digest is sent once a day to the right person, also across restarts and failures."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from taximeter_processor.digest_clock import DigestClock
from taximeter_processor.digests import deliver
from taximeter_processor.metrics.meter import SelfMetrics
from taximeter_processor.people import Contact, Owner, Rota
from taximeter_processor.settings import Digest, Mail, Settings
from tests.support.mail import MailSink
from tests.support.servers import Webhook

EIGHT = datetime(2026, 11, 18, 8, tzinfo=timezone.utc)


def row(owner: str = "alice", *, worth_reading: bool = True, day: str = "2026-11-17") -> Any:
    return {
        "owner": owner,
        "day": day,
        "subject": f"AI cost, {owner}\nBcc: everybody@example.com",
        "text": "It cost $16.00 <!channel>\n▁█\n",
        "worth_reading": worth_reading,
    }


@pytest.fixture
def mail() -> Iterator[MailSink]:
    sink = MailSink()
    yield sink
    sink.stop()


@pytest.fixture
def chat() -> Iterator[Webhook]:
    sink = Webhook()
    yield sink
    sink.stop()


@pytest.fixture
def settings(tmp_path: Path, mail: MailSink, chat: Webhook) -> Settings:
    (tmp_path / "slack").write_text(f"{chat.url}/slack\n")
    slack = Contact(slack_channel="#cost", slack_api_url_file=str(tmp_path / "slack"))
    return Settings(
        ledger=str(tmp_path / "l.duckdb"),
        owners=(
            Owner(name="alice", contact=Contact(email="alice@example.com")),
            Owner(name="bob", contact=slack),
            Owner(name="carol", contact=Contact(pagerduty_routing_key_file="/k")),
            Owner(name="oncall", rota=Rota(persons=("alice", "bob"), since=date(2026, 11, 18))),
        ),
        fallback_owner=Contact(email="finops@example.com"),
        mail=Mail(smarthost=mail.address, sender="cost@example.com", require_tls=False),
        digest=Digest(at="08:00"),
    )


def whats(settings: Settings, *rows: Any) -> list[str]:
    return [outcome.what for outcome in deliver(settings, rows)]


def test_a_mail_goes_to_the_owner_with_the_chart(settings: Settings, mail: MailSink) -> None:
    assert whats(settings, row()) == ["sent"]
    (message,) = mail.received
    assert (message["To"], message["From"]) == ("alice@example.com", "cost@example.com")
    assert message["Subject"] == "AI cost, alice Bcc: everybody@example.com"
    assert message["Bcc"] is None
    assert "▁█" in message.get_content()


def test_a_chat_gets_a_block_that_a_tag_cannot_break_out_of(
    settings: Settings, chat: Webhook
) -> None:
    assert whats(settings, row("bob")) == ["sent"]
    ((path, body),) = chat.received
    assert (path, body["channel"]) == ("/slack", "#cost")
    assert "&lt;!channel&gt;" in body["text"]


def test_it_is_sent_once_a_day(settings: Settings, mail: MailSink) -> None:
    assert whats(settings, row()) == ["sent"]
    assert whats(settings, row()) == ["sent before"]
    assert whats(settings, row(day="2026-11-18")) == ["sent"]
    assert len(mail.received) == 2


def test_two_that_send_at_the_same_time_send_one(settings: Settings, mail: MailSink) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: whats(settings, row())[0], range(4)))
    assert sorted(found) == ["sent", "sent before", "sent before", "sent before"]
    assert len(mail.received) == 1


def test_nothing_worth_reading_is_not_sent_unless_asked_for(
    settings: Settings, mail: MailSink
) -> None:
    assert whats(settings, row(worth_reading=False)) == ["nothing to read"]
    always = settings.model_copy(update={"digest": Digest(when_quiet=True)})
    assert whats(always, row(worth_reading=False)) == ["sent"]
    assert len(mail.received) == 1


def test_a_pager_takes_no_digest(settings: Settings) -> None:
    assert whats(settings, row("carol")) == ["no channel"]


def test_what_nobody_owns_goes_to_the_fallback(settings: Settings, mail: MailSink) -> None:
    assert whats(settings, row("unowned")) == ["sent"]
    assert mail.received[0]["To"] == "finops@example.com"


def test_a_rota_s_digest_goes_to_who_is_on_duty_today(settings: Settings, mail: MailSink) -> None:
    assert whats(settings, row("oncall", day="2026-11-17")) == ["sent"]
    assert mail.received[0]["To"] == "alice@example.com"


def test_one_that_fails_is_tried_again_and_stops_no_other(
    settings: Settings, chat: Webhook
) -> None:
    away = settings.model_copy(update={"mail": Mail(smarthost="127.0.0.1:1", require_tls=False)})
    assert whats(away, row("alice"), row("bob")) == ["failed", "sent"]
    assert whats(settings, row("alice"), row("bob")) == ["sent", "sent before"]


class Now:
    """A clock that stands where it is put."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def __call__(self) -> datetime:
        return self.moment


def clock(settings: Settings, now: Now) -> DigestClock:
    metrics = SelfMetrics(writer="main", queue_limit_bytes=1, label_sets_limit=1)
    return DigestClock(settings, lambda: [row()], metrics, now, tick_seconds=0.01)


def test_the_service_sends_at_the_hour_and_not_before(settings: Settings, mail: MailSink) -> None:
    now = Now(EIGHT - timedelta(minutes=1))
    running = clock(settings, now)
    assert running.tick() == []
    now.moment = EIGHT
    assert [outcome.what for outcome in running.tick()] == ["sent"]
    assert running.tick() == []


def test_a_restart_sends_nothing_twice(settings: Settings, mail: MailSink) -> None:
    clock(settings, Now(EIGHT)).tick()
    again = clock(settings, Now(EIGHT + timedelta(hours=1))).tick()
    assert [outcome.what for outcome in again] == ["sent before"]
    assert len(mail.received) == 1


def test_a_service_that_was_away_at_the_hour_sends_when_it_is_back(
    settings: Settings, mail: MailSink
) -> None:
    clock(settings, Now(EIGHT + timedelta(hours=5))).tick()
    assert len(mail.received) == 1


def test_the_thread_ends_when_it_is_told_to(settings: Settings, mail: MailSink) -> None:
    running = clock(settings, Now(EIGHT))
    running.start()
    running.stop()
    assert len(mail.received) <= 1
