"""Tags travel with Celery tasks: a real Redis, and real workers in processes of their own."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import chain, chord, group
from celery.result import AsyncResult

import taximeter
from tests.support.celery_app import (
    app,
    leave_open,
    send_another,
    tell,
    tell_own,
    tell_when_retried,
)
from tests.support.servers import Redis
from tests.taximeter.tagged import FOUND

ROOT = Path(__file__).parents[2]
ACME = taximeter.tags(feature="search", tenant="acme")


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    server = Redis(tmp_path_factory.mktemp("redis"))
    server.start()
    app.conf.update(broker_url=server.url, result_backend=server.url)
    # Results say goodbye to the server when they are collected: amid a request, that is a deadlock.
    gc.disable()
    yield server
    gc.collect()
    gc.enable()
    app.close()
    server.stop()


@pytest.fixture(scope="module", params=["prefork", "threads", "gevent"])
def worker(
    request: pytest.FixtureRequest, redis: Redis, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """One worker with one slot, so that tasks follow each other in the same place."""
    command = [sys.executable, "-m", "celery", "-A", "tests.support.celery_app", "worker"]
    where = {"CELERY_BROKER_URL": redis.url, "CELERY_RESULT_BACKEND": redis.url}
    with (tmp_path_factory.mktemp("worker") / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--pool", request.param, "--concurrency", "1"],
            cwd=ROOT,
            env={**os.environ, **where},
            stdout=log,
            stderr=log,
        )
        yield
        process.terminate()
        process.wait(30)


def answer(result: AsyncResult[Any]) -> Any:
    return result.get(timeout=60)


@pytest.mark.usefixtures("worker")
def test_a_task_runs_in_the_tags_of_whoever_sent_it() -> None:
    with ACME:
        sent = tell.delay()
    assert answer(sent) == [FOUND]
    assert answer(tell.delay()) == [{}]


@pytest.mark.usefixtures("worker")
def test_what_the_task_sets_itself_wins() -> None:
    with ACME:
        assert answer(tell_own.delay()) == {"feature": "own", "tenant": "acme"}


@pytest.mark.usefixtures("worker")
def test_a_retry_keeps_the_tags_it_was_sent_with() -> None:
    with ACME:
        sent = tell_when_retried.delay()
    assert answer(sent) == FOUND


@pytest.mark.usefixtures("worker")
def test_a_task_passes_them_to_the_tasks_it_sends() -> None:
    with ACME:
        sent = send_another.delay()
    assert answer(AsyncResult(answer(sent), app=app)) == [FOUND]


@pytest.mark.usefixtures("worker")
def test_chains_groups_and_chords_keep_them() -> None:
    with ACME:
        chained = chain(tell.s(), tell.s(), tell.s()).delay()
        grouped = group(tell.s(), tell.s()).delay()
        joined = chord([tell.s(), tell.s()], tell.s()).delay()
    assert answer(chained) == [[[FOUND], FOUND], FOUND]
    assert answer(grouped) == [[FOUND], [FOUND]]
    assert answer(joined) == [[[FOUND], [FOUND]], FOUND]


@pytest.mark.usefixtures("worker")
def test_nothing_that_a_task_left_open_reaches_the_next() -> None:
    answer(leave_open.delay())
    assert answer(tell.delay()) == [{}]


def test_an_eager_task_runs_inside_its_caller_s_tags() -> None:
    with ACME:
        assert tell.apply().get() == [FOUND]
        assert tell_own.apply().get() == {"feature": "own", "tenant": "acme"}
        assert tell_when_retried.apply().get() == FOUND
