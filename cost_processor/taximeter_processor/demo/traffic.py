"""Sends users' requests to the example app, with the tag headers its gateway would add."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Final, NamedTuple

import httpx2

from taximeter_processor.demo.workload import FEATURES, some_tenant
from taximeter_processor.errors import TaximeterError

CONCURRENCY: Final = 8
TIMEOUT_SECONDS: Final = 120.0

_PATH_OF_FEATURE: Final = {
    "support-chat": "/support",
    "search": "/search",
    "summarise": "/summarise",
    "agent": "/agent",
}
_PARAGRAPH: Final = (
    "The parcel left the warehouse on Monday, was scanned twice on its way, and waits at the "
    "counter since Wednesday because nobody was at home when the courier rang. "
)
_TEAM_OF_FEATURE: Final = {feature.name: feature.team for feature in FEATURES}


class UserRequest(NamedTuple):
    """One request to the example app."""

    path: str
    tenant: str
    team: str
    text: str


def user_requests(count: int, seed: int = 1) -> list[UserRequest]:
    """A mix of every endpoint in turn, for tenants large and small."""
    generator = random.Random(seed)
    features = list(_PATH_OF_FEATURE)
    first = generator.randrange(len(features))
    chosen = [features[(first + index) % len(features)] for index in range(count)]
    return [
        UserRequest(
            path=_PATH_OF_FEATURE[feature],
            tenant=some_tenant(generator),
            team=_TEAM_OF_FEATURE[feature],
            text=f"Question {index}: " + _PARAGRAPH * generator.randint(1, 40),
        )
        for index, feature in enumerate(chosen)
    ]


def calls_of(requests: list[UserRequest]) -> int:
    """The LLM calls the app makes for these requests: the agent takes two steps."""
    return sum(2 if request.path == "/agent" else 1 for request in requests)


def drive(url: str, requests: list[UserRequest], answered: Callable[[], object]) -> None:
    """Send all requests, a few at a time; `answered` hears of each answer.

    Raises `TaximeterError` when the app does not answer, or not 200.
    """
    try:
        asyncio.run(_drive(url, requests, answered))
    except httpx2.HTTPError as error:
        raise TaximeterError(f"the example app at {url} failed: {error!r}") from error


async def _drive(url: str, requests: list[UserRequest], answered: Callable[[], object]) -> None:
    places = asyncio.Semaphore(CONCURRENCY)
    async with httpx2.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False) as client:

        async def send(request: UserRequest) -> None:
            async with places:
                await _send(client, url, request)
                answered()

        await asyncio.gather(*(send(request) for request in requests))


async def _send(client: httpx2.AsyncClient, url: str, request: UserRequest) -> None:
    headers = {"x-taximeter-tenant": request.tenant, "x-taximeter-team": request.team}
    answer = await client.post(url + request.path, json={"text": request.text}, headers=headers)
    if answer.status_code != 200:
        raise TaximeterError(
            f"the example app answered {answer.status_code} to {request.path}: {answer.text[:200]}"
        )
