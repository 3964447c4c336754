"""The worker groups what waits, bounds what may wait, and leaves no client unanswered."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

import pytest

from taximeter_processor.errors import Overloaded
from taximeter_processor.metrics.meter import SelfMetrics
from taximeter_processor.pipeline import Accepted, Answer, Body
from taximeter_processor.worker import GROUP_BODIES, IngestWorker


class Recorder:
    """A pipeline that notes its groups, and waits or fails when told to."""

    def __init__(self) -> None:
        self.groups: list[int] = []
        self.may_go = threading.Event()
        self.may_go.set()
        self.has_begun = threading.Event()
        self.fails = False
        self.poison: bytes | None = None

    def process(self, bodies: Sequence[Body]) -> list[Answer]:
        self.has_begun.set()
        self.may_go.wait(10)
        self.groups.append(len(bodies))
        if self.fails or self.poison in [body.data for body in bodies]:
            raise RuntimeError("boom")
        return [Accepted()] * len(bodies)


def body(size: int = 10) -> Body:
    return Body(b"x" * size, "application/json", "identity", "127.0.0.1")


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def worker(recorder: Recorder) -> Iterator[IngestWorker]:
    metrics = SelfMetrics(writer="main", queue_limit_bytes=1000, label_sets_limit=10)
    worker = IngestWorker(recorder, metrics, queue_bytes=1000)
    yield worker
    recorder.may_go.set()
    worker.stop()


def test_bodies_that_wait_together_share_one_group(
    worker: IngestWorker, recorder: Recorder
) -> None:
    futures = [worker.submit(body()) for _ in range(5)]
    worker.start()
    assert [future.result(10) for future in futures] == [Accepted()] * 5
    assert recorder.groups == [5]


def test_a_group_is_bounded(worker: IngestWorker, recorder: Recorder) -> None:
    futures = [worker.submit(body(1)) for _ in range(GROUP_BODIES + 1)]
    worker.start()
    for future in futures:
        future.result(10)
    assert recorder.groups == [GROUP_BODIES, 1]


def test_past_its_bytes_the_queue_asks_to_come_back(worker: IngestWorker) -> None:
    worker.submit(body(900))
    with pytest.raises(Overloaded, match="900 bytes are waiting; the limit is 1000"):
        worker.submit(body(101))


def test_bodies_that_are_being_committed_count_against_the_queue(
    worker: IngestWorker, recorder: Recorder
) -> None:
    recorder.may_go.clear()
    worker.start()
    worker.submit(body(900))
    assert recorder.has_begun.wait(10)
    with pytest.raises(Overloaded, match="900 bytes are waiting; the limit is 1000"):
        worker.submit(body(101))


def test_one_body_larger_than_the_queue_is_taken_when_nothing_waits(worker: IngestWorker) -> None:
    future = worker.submit(body(5000))
    worker.start()
    assert future.result(10) == Accepted()


def test_the_queue_has_room_again_after_a_group(worker: IngestWorker) -> None:
    worker.start()
    for _ in range(5):
        assert worker.submit(body(900)).result(10) == Accepted()


def test_a_fault_in_the_pipeline_asks_the_clients_to_retry(
    worker: IngestWorker, recorder: Recorder
) -> None:
    recorder.fails = True
    futures = [worker.submit(body()) for _ in range(2)]
    worker.start()
    assert all(isinstance(future.result(10), Overloaded) for future in futures)


def test_a_body_that_brings_the_pipeline_down_takes_no_other_with_it(
    worker: IngestWorker, recorder: Recorder
) -> None:
    recorder.poison = b"poison"
    poisoned = body()._replace(data=b"poison")
    futures = [worker.submit(each) for each in (body(), poisoned, body())]
    worker.start()
    first, middle, last = [future.result(10) for future in futures]
    assert (first, last) == (Accepted(), Accepted())
    assert isinstance(middle, Overloaded)


def test_a_cancelled_answer_does_not_stop_the_thread(
    worker: IngestWorker, recorder: Recorder
) -> None:
    worker.submit(body()).cancel()
    worker.run(lambda: None).cancel()
    worker.start()
    assert worker.submit(body()).result(10) == Accepted()
    assert worker.is_alive


def test_after_a_fault_the_next_group_goes_through(
    worker: IngestWorker, recorder: Recorder
) -> None:
    recorder.fails = True
    worker.start()
    worker.submit(body()).result(10)
    recorder.fails = False
    assert worker.submit(body()).result(10) == Accepted()


def test_stopping_finishes_what_was_accepted_and_refuses_the_rest(
    worker: IngestWorker,
) -> None:
    future = worker.submit(body())
    worker.start()
    worker.stop()
    assert future.result(0) == Accepted()
    with pytest.raises(Overloaded, match="stopping"):
        worker.submit(body())


def test_a_job_runs_between_groups_and_returns_its_value(worker: IngestWorker) -> None:
    worker.start()
    assert worker.run(lambda: threading.current_thread().name).result(10) == "taximeter-ingest"


def test_a_job_s_exception_reaches_whoever_asked(worker: IngestWorker) -> None:
    worker.start()
    with pytest.raises(ZeroDivisionError):
        worker.run(lambda: 1 // 0).result(10)
