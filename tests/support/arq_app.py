"""An arq worker whose jobs tell the tags they run in; REDIS_URL says where its queue is."""

from __future__ import annotations

import os
from typing import Any

import arq
from arq.connections import RedisSettings

import taximeter
import taximeter.arq
from tests.taximeter.tagged import now

taximeter.arq.install()
taximeter.arq.install()


async def tell(context: dict[str, Any]) -> dict[str, str]:
    return now()


@taximeter.tags(feature="own")
async def tell_own(context: dict[str, Any]) -> dict[str, str]:
    return now()


async def tell_when_retried(context: dict[str, Any]) -> dict[str, str]:
    if context["job_try"] == 1:
        raise arq.Retry
    return now()


async def send_another(context: dict[str, Any]) -> str:
    """The id of a job that this one enqueues."""
    job = await context["redis"].enqueue_job("tell")
    return str(job.job_id)


class WorkerSettings:
    """What `arq` runs."""

    functions = (tell, tell_own, tell_when_retried, send_another)
    redis_settings = RedisSettings.from_dsn(os.environ.get("REDIS_URL", "redis://127.0.0.1"))
    poll_delay = 0.05
