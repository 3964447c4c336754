"""Where tags go by themselves: threads, asyncio, trio, gevent and eventlet.

The last two replace parts of the standard library, so each runs in a process of its own.
"""

from __future__ import annotations

import asyncio
import contextvars
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import trio

import taximeter
from tests.taximeter.tagged import now

ROOT = Path(__file__).parents[2]
SEARCH = {"feature": "search"}


def in_thread(target: Any, *arguments: Any) -> dict[str, str]:
    seen: list[dict[str, str]] = []
    thread = threading.Thread(target=lambda: seen.append(target(*arguments)))
    thread.start()
    thread.join()
    return seen[0]


def test_a_bare_thread_starts_without_tags() -> None:
    with taximeter.tags(feature="search"):
        assert in_thread(now) == {}


def test_a_thread_or_pool_that_is_given_the_context_has_them() -> None:
    with taximeter.tags(feature="search"), ThreadPoolExecutor() as pool:
        assert in_thread(contextvars.copy_context().run, now) == SEARCH
        assert pool.submit(contextvars.copy_context().run, now).result() == SEARCH


def test_asyncio_s_tasks_and_threads_inherit_them_and_keep_theirs_apart() -> None:
    async def tagged(feature: str) -> dict[str, str]:
        with taximeter.tags(feature=feature):
            await asyncio.sleep(0)
            return await asyncio.to_thread(now)

    async def run() -> list[dict[str, str]]:
        with taximeter.tags(tenant="acme"):
            return list(await asyncio.gather(tagged("a"), tagged("b")))

    assert asyncio.run(run()) == [{"feature": feature, "tenant": "acme"} for feature in ("a", "b")]


def test_trio_s_tasks_and_threads_inherit_them_and_keep_theirs_apart() -> None:
    seen: dict[str, dict[str, str]] = {}

    async def tagged(feature: str) -> None:
        with taximeter.tags(feature=feature):
            await trio.lowlevel.checkpoint()
            seen[feature] = await trio.to_thread.run_sync(now)

    async def run() -> None:
        with taximeter.tags(tenant="acme"):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(tagged, "a")
                nursery.start_soon(tagged, "b")

    trio.run(run)
    assert seen == {feature: {"feature": feature, "tenant": "acme"} for feature in ("a", "b")}


@pytest.mark.parametrize(
    "setup",
    [
        "import gevent.monkey as m; m.patch_all(); from gevent import spawn, sleep, joinall; "
        "done = joinall",
        "import eventlet as e; e.monkey_patch(); from eventlet import spawn, sleep; "
        "done = lambda all: [one.wait() for one in all]",
    ],
    ids=["gevent", "eventlet"],
)
def test_greenlets_keep_their_tags_apart_and_start_without(setup: str) -> None:
    program = f"""
{setup}
import contextvars, threading, taximeter
from tests.taximeter.tagged import now
seen = []
def tagged(feature):
    with taximeter.tags(feature=feature):
        sleep(0)
        seen.append(now()["feature"])
with taximeter.tags(tenant="acme"):
    done([spawn(tagged, "a"), spawn(tagged, "b")])
    done([spawn(lambda: seen.append(now()))])
    done([spawn(contextvars.copy_context().run, lambda: seen.append(now()))])
print(seen)
"""
    command = [sys.executable, "-W", "ignore", "-c", program]
    # Eventlet's own DNS would import trio, which cannot live in a patched process.
    environment = {**os.environ, "EVENTLET_NO_GREENDNS": "yes"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout == "['a', 'b', {}, {'tenant': 'acme'}]\n", done.stderr
