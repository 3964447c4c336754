"""A running service sends the digest by itself; the command shows it and sends nothing twice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from taximeter_processor.ledger.duckdb_store import DuckDBStore
from taximeter_processor.periods import to_us
from tests.support.mail import MailSink
from tests.support.records import call
from tests.support.servers import Processor, run_taximeter, wait_for


@pytest.fixture
def mail() -> Iterator[MailSink]:
    sink = MailSink()
    yield sink
    sink.stop()


def processor(tmp_path: Path, mail: MailSink, **digest: object) -> Processor:
    started = Processor(
        tmp_path,
        owners=[{"name": "alice", "features": ["chat"], "contact": {"email": "alice@x.example"}}],
        mail={"smarthost": mail.address, "sender": "cost@x.example", "require_tls": False},
        digest=digest,
    )
    if not started.ledger.exists():
        yesterday = datetime.now(timezone.utc) - timedelta(days=1)
        store = DuckDBStore(started.ledger)
        store.append([call(1, feature="chat", cost_usd=3 * 10**12, start_time=to_us(yesterday))])
        store.close()
    return started


def test_the_service_sends_it_once_also_after_a_restart(tmp_path: Path, mail: MailSink) -> None:
    for _ in range(2):
        service = processor(tmp_path, mail, at="00:00")
        service.start()
        wait_for("the mail", lambda: mail.received)
        answer = run_taximeter("digest", "--config", str(service.config))
        service.stop()
        assert answer.returncode == 0, answer.stderr
        assert "sent before" in answer.stdout
    (message,) = mail.received
    assert "alice: $3.00" in str(message["Subject"])


def test_a_dry_run_shows_it_and_sends_nothing(tmp_path: Path, mail: MailSink) -> None:
    service = processor(tmp_path, mail)
    config = str(service.config)
    answer = run_taximeter("digest", "--config", config, "--dry-run", "--owner", "alice")
    assert "chat: $3.00, $3.00 more than normal" in answer.stdout
    assert mail.received == []
    unknown = run_taximeter("digest", "--config", config, "--dry-run", "--owner", "zoe")
    assert unknown.returncode == 2
    assert "owner='zoe': expected one of alice, unowned" in unknown.stderr
