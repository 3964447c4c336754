"""Tags travel with arq jobs: a real Redis, and a real worker in a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from arq.connections import ArqRedis, RedisSettings, create_pool
from arq.jobs import Job, deserialize_job_raw, serialize_job

import taximeter
import taximeter.arq
from taximeter import faults
from tests.support.servers import Redis
from tests.taximeter.tagged import FOUND, now

ROOT = Path(__file__).parents[2]
ACME = taximeter.tags(feature="search", tenant="acme")


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    server = Redis(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def worker(redis: Redis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with (tmp_path_factory.mktemp("worker") / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "arq", "tests.support.arq_app.WorkerSettings"],
            cwd=ROOT,
            env={**os.environ, "REDIS_URL": redis.url, "PYTHONPATH": str(ROOT)},
            stdout=log,
            stderr=log,
        )
        yield
        process.terminate()
        process.wait(30)


def with_pool(redis: Redis, use: Callable[[ArqRedis], Awaitable[Any]], **options: Any) -> Any:
    taximeter.arq.install()

    async def run() -> Any:
        pool = await create_pool(RedisSettings.from_dsn(redis.url), **options)
        try:
            return await use(pool)
        finally:
            await pool.aclose()

    return asyncio.run(run())


async def answer(pool: ArqRedis, name: str) -> Any:
    job = await pool.enqueue_job(name)
    assert job is not None
    return await job.result(timeout=60, poll_delay=0.05)


@pytest.mark.usefixtures("worker")
def test_a_job_runs_in_the_tags_of_whoever_enqueued_it(redis: Redis) -> None:
    async def use(pool: ArqRedis) -> list[Any]:
        with ACME:
            tagged = await answer(pool, "tell")
        return [tagged, await answer(pool, "tell")]

    assert with_pool(redis, use) == [FOUND, {}]


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize(
    ("name", "told"),
    [("tell_own", {"feature": "own", "tenant": "acme"}), ("tell_when_retried", FOUND)],
)
def test_its_own_tags_win_and_a_retry_keeps_them(
    redis: Redis, name: str, told: dict[str, str]
) -> None:
    async def use(pool: ArqRedis) -> Any:
        with ACME:
            return await answer(pool, name)

    assert with_pool(redis, use) == told


@pytest.mark.usefixtures("worker")
def test_a_job_passes_them_to_the_jobs_it_enqueues(redis: Redis) -> None:
    async def use(pool: ArqRedis) -> Any:
        with ACME:
            second = await answer(pool, "send_another")
        return await Job(second, pool).result(timeout=60, poll_delay=0.05)

    assert with_pool(redis, use) == FOUND


def test_looking_at_a_job_takes_no_tags_from_it(redis: Redis) -> None:
    async def use(pool: ArqRedis) -> Any:
        with ACME:
            job = await pool.enqueue_job("tell", _queue_name="other")
        assert job is not None
        await job.info()
        return now()

    assert with_pool(redis, use) == {}


def test_a_serialiser_that_knows_arq_s_keys_only_still_gets_its_job_through(redis: Redis) -> None:
    def strict(payload: dict[str, Any]) -> bytes:
        assert set(payload) == {"t", "f", "a", "k", "et"}
        return json.dumps(payload).encode()

    async def use(pool: ArqRedis) -> Any:
        with ACME:
            job = await pool.enqueue_job("tell", _queue_name="other")
        assert job is not None
        return (await job.info()).function  # type: ignore[union-attr] # it is there

    assert with_pool(redis, use, job_serializer=strict, job_deserializer=json.loads) == "tell"
    assert faults.counts() == {"job tags": 1}


def test_a_worker_without_this_reads_the_job_as_ever() -> None:
    serialized = serialize_job("tell", (1,), {}, None, 5, serializer=_with_more)
    name, arguments, *_ = deserialize_job_raw(serialized, deserializer=json.loads)
    assert (name, list(arguments)) == ("tell", [1])


def _with_more(payload: dict[str, Any]) -> bytes:
    return json.dumps({**payload, taximeter.arq.KEY: FOUND}).encode()
