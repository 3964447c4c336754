"""A group of bodies: one commit, an answer each, and counters that follow exactly what was new."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from taximeter_processor.errors import BadRequest, LedgerError, Overloaded
from taximeter_processor.ledger.prune import prune_slice
from taximeter_processor.ledger.record import Record
from taximeter_processor.metrics.counters import BUCKETS_PICO
from taximeter_processor.pipeline import Accepted, Body, Pipeline
from taximeter_processor.service import Service
from taximeter_processor.settings import Settings
from tests.support.otlp import CHAT, NOW_NS, proto_span, protobuf
from tests.support.records import call


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    running = Service(Settings(ledger=str(tmp_path / "l.duckdb"), birth_hold_seconds=0))
    yield running
    running.store.close()


@pytest.fixture
def pipeline(service: Service) -> Pipeline:
    return service.pipeline


def body(*numbers: int, **changes: Any) -> Body:
    spans = [proto_span(number, {**CHAT, **changes}) for number in numbers]
    return Body(protobuf(*spans), "application/x-protobuf", "identity", "127.0.0.1")


def refuse(*_: object) -> None:
    raise LedgerError("disk full")


BROKEN = Body(b"\xff\xff", "application/x-protobuf", "identity", "127.0.0.1")


def metric(service: Service, name: str, **labels: str) -> float:
    return service.metrics.registry.get_sample_value(name, labels) or 0


def count(service: Service) -> int:
    return int(service.store.read("select count(*) from calls")[0][0])


def test_each_body_of_a_group_gets_its_own_answer(pipeline: Pipeline, service: Service) -> None:
    answers = pipeline.process([body(1), BROKEN, body(2)])
    assert answers[0] == answers[2] == Accepted()
    assert isinstance(answers[1], BadRequest)
    assert count(service) == 2


def test_the_same_span_in_two_bodies_of_a_group_counts_once(
    pipeline: Pipeline, service: Service
) -> None:
    assert pipeline.process([body(1), body(1, 2)]) == [Accepted(), Accepted()]
    assert count(service) == 2
    assert metric(service, "taximeter_ingest_spans_total", outcome="duplicate") == 1


def test_a_redelivery_changes_neither_ledger_nor_counters(
    pipeline: Pipeline, service: Service
) -> None:
    pipeline.process([body(1)])
    before = service.counters.totals(2**62)
    pipeline.process([body(1)])
    assert service.counters.totals(2**62) == before


def test_a_refused_body_becomes_a_dead_letter(pipeline: Pipeline, service: Service) -> None:
    pipeline.process([BROKEN])
    assert service.store.read("select reason, size_bytes, peer from dead_letters") == [
        ("malformed_protobuf", 2, "127.0.0.1")
    ]
    assert metric(service, "taximeter_dead_letters_total", reason="malformed_protobuf") == 1


def test_refused_spans_are_told_counted_and_kept_by_reason(
    pipeline: Pipeline, service: Service
) -> None:
    bad = {"gen_ai.usage.input_tokens": -1}
    (answer,) = pipeline.process([body(1, 2, **bad)])
    assert isinstance(answer, Accepted)
    assert answer.rejected_spans == 2
    name = "taximeter_ingest_rejected_spans_total"
    assert metric(service, name, reason="bad_count") == 2
    assert service.store.read("select count(*) from dead_letters") == [(1,)]


def test_spans_that_are_no_calls_are_accepted_and_not_stored(
    pipeline: Pipeline, service: Service
) -> None:
    (answer,) = pipeline.process([body(1, **{"gen_ai.operation.name": "invoke_agent"})])
    assert answer == Accepted()
    assert count(service) == 0
    assert metric(service, "taximeter_ingest_spans_total", outcome="not_a_call") == 1


def test_when_the_ledger_cannot_commit_clients_are_asked_to_retry_and_nothing_is_counted(
    pipeline: Pipeline, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(service.store, "append", refuse)
        retry, refused = pipeline.process([body(1), BROKEN])
    assert isinstance(retry, Overloaded)
    assert isinstance(refused, BadRequest)
    assert service.counters.totals(2**62)["counted"] == 0
    assert not service.is_ready


def test_the_service_is_ready_again_after_the_next_commit(
    pipeline: Pipeline, service: Service
) -> None:
    service.metrics.set_ready(False)
    pipeline.process([body(1)])
    assert service.is_ready


def test_while_a_commit_hangs_the_service_is_not_ready(
    pipeline: Pipeline, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    readiness: list[tuple[bool, float]] = []

    def hang(*batch: Any) -> list[Record]:
        readiness.append((service.is_ready, metric(service, "taximeter_ledger_ready")))
        monkeypatch.setattr("taximeter_processor.metrics.meter.STUCK_SECONDS", 0.0)
        readiness.append((service.is_ready, metric(service, "taximeter_ledger_ready")))
        return []

    monkeypatch.setattr(service.store, "append", hang)
    pipeline.process([body(1)])
    assert readiness == [(True, 1), (False, 0)]
    assert service.is_ready


def test_an_idle_service_becomes_ready_again_by_a_probe(
    pipeline: Pipeline, service: Service
) -> None:
    service.metrics.set_ready(False)
    pipeline.probe()
    assert service.is_ready


def test_a_large_group_is_committed_in_parts(
    pipeline: Pipeline, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("taximeter_processor.pipeline.COMMIT_RECORDS", 2)
    answers = pipeline.process([body(1), body(2), body(3), BROKEN, body(4)])
    assert [isinstance(answer, Accepted) for answer in answers] == [True, True, True, False, True]
    assert metric(service, "taximeter_ledger_commits_total", result="ok") == 2
    assert count(service) == 4


def test_spans_that_are_no_calls_fill_a_commit_too(
    pipeline: Pipeline, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("taximeter_processor.pipeline.COMMIT_RECORDS", 2)
    spans = [proto_span(n, {"gen_ai.operation.name": "invoke_agent"}) for n in range(1, 5)]
    for span in spans:
        span.parent_span_id = b"parentid"
    bodies = [
        Body(protobuf(span), "application/x-protobuf", "identity", "127.0.0.1") for span in spans
    ]
    assert pipeline.process(bodies) == [Accepted()] * 4
    assert metric(service, "taximeter_ledger_commits_total", result="ok") == 2


def test_an_unknown_provider_is_no_label_of_its_own(pipeline: Pipeline, service: Service) -> None:
    pipeline.process([body(1, **{"gen_ai.provider.name": "made-up"})])
    name = "taximeter_usage_status_total"
    assert metric(service, name, status="reported", provider="made-up") == 0


def test_arrival_times_rise_even_when_the_clock_does_not(
    pipeline: Pipeline, service: Service
) -> None:
    for number in range(1, 4):
        pipeline.process([body(number)])
    rows = service.store.read("select epoch_us(ingested_at) from calls order by span_id")
    assert rows == sorted(set(rows))


def test_unknown_usage_keys_are_counted_a_hundred_by_name(
    pipeline: Pipeline, service: Service
) -> None:
    pipeline.process([body(1, **{f"acme.usage.{n}": 1 for n in range(150)})])
    samples = [
        sample
        for family in service.metrics.registry.collect()
        if family.name == "taximeter_ingest_unknown_usage_keys"
        for sample in family.samples
        if sample.name.endswith("_total")
    ]
    assert len(samples) == 101
    assert sum(sample.value for sample in samples) == 150


def numbered(sequence: int) -> Body:
    return body(sequence, **{"taximeter.process": "f00d", "taximeter.sequence": sequence})


def lost_and_found(service: Service) -> tuple[float | None, float | None]:
    value = service.metrics.registry.get_sample_value
    return (
        value("taximeter_missing_spans_total", {"service": "api"}),
        value("taximeter_recovered_spans_total", {"service": "api"}),
    )


def test_a_span_that_never_came_is_shown_by_service(
    pipeline: Pipeline, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("taximeter_processor.gaps.GRACE_US", 0)
    pipeline.process([numbered(1)])
    assert lost_and_found(service) == (0, 0)
    pipeline.process([numbered(3)])
    assert lost_and_found(service) == (1, 0)
    pipeline.process([numbered(2)])
    assert lost_and_found(service) == (1, 1)


def test_a_span_that_was_not_committed_has_not_come(
    pipeline: Pipeline, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("taximeter_processor.gaps.GRACE_US", 0)
    pipeline.process([numbered(1)])
    with monkeypatch.context() as broken:
        broken.setattr(service.store, "append", refuse)
        pipeline.process([numbered(2)])
    pipeline.process([numbered(3)])
    assert lost_and_found(service) == (1, 0)


def test_a_call_from_before_the_ledger_begins_is_refused_beside_good_ones(
    pipeline: Pipeline, service: Service
) -> None:
    horizon_us = NOW_NS // 1000 - 1_000_000
    prune_slice(service.store, horizon_us, BUCKETS_PICO, horizon_us)
    # Both began two days before the clock, one just before the horizon, one at it.
    service.pipeline._clock_ns = lambda: NOW_NS + 2 * 86_400 * 10**9
    old, young = proto_span(1), proto_span(2)
    young.start_time_unix_nano = horizon_us * 1000
    wire = Body(protobuf(old, young), "application/x-protobuf", "identity", "127.0.0.1")
    (answer,) = pipeline.process([wire])
    assert isinstance(answer, Accepted)
    assert (answer.rejected_spans, count(service)) == (1, 1)
    assert answer.message.startswith("before_retention (1): the call began before the ledger does")
    name = "taximeter_ingest_rejected_spans_total"
    assert metric(service, name, reason="before_retention") == 1
    assert service.store.read("select reason from dead_letters") == [("before_retention",)]


def test_a_horizon_that_cannot_be_looked_up_is_asked_for_again_later(
    pipeline: Pipeline, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.pipeline._clock_ns = lambda: NOW_NS + 2 * 86_400 * 10**9
    with monkeypatch.context() as patch:
        patch.setattr(service.store, "read", refuse)
        (answer,) = pipeline.process([body(1)])
    assert isinstance(answer, Overloaded)
    assert pipeline.process([body(1)]) == [Accepted()]


@pytest.mark.parametrize("step_hours", [-2, 2])
def test_a_call_is_neither_ahead_nor_old_because_the_clock_was_set(
    pipeline: Pipeline, service: Service, monkeypatch: pytest.MonkeyPatch, step_hours: int
) -> None:
    monkeypatch.setattr(pipeline, "_steady_us", lambda: NOW_NS // 1000)
    monkeypatch.setattr(pipeline, "_clock_ns", lambda: NOW_NS + step_hours * 3600 * 10**9)
    assert pipeline.process([body(1)]) == [Accepted()]
    assert service.store.read("select is_backfill from calls") == [(False,)]


def test_a_call_that_is_old_by_both_clocks_is_old(
    pipeline: Pipeline, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "_steady_us", lambda: NOW_NS // 1000 + 2 * 3_600_000_000)
    monkeypatch.setattr(pipeline, "_clock_ns", lambda: NOW_NS + 2 * 3600 * 10**9)
    pipeline.process([body(1)])
    assert service.store.read("select is_backfill from calls") == [(True,)]


def test_calls_of_a_commit_in_doubt_may_be_counted_by_a_commit_of_nothing(
    pipeline: Pipeline, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service.store, "append", lambda *_: [call(1)])
    pipeline.probe()
    assert service.counters.totals(2**62)["counted"] == 236_800_000
    assert metric(service, "taximeter_ingest_spans_total", outcome="duplicate") == 0
