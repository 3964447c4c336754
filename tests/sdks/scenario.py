"""Turns a function that calls an SDK into a scenario: what the provider answers, and what is shown.

Runs in the SDKs' own environments, so it needs nothing but the standard library.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from tests.taximeter.replay import Answer, answer, recording

Play = Callable[[str], object] | Callable[[str], Awaitable[object]]
"""Calls a provider at a URL, and returns what an application would see of the answer."""
PlayT = TypeVar("PlayT", bound=Play)

_EVENT_ENDS = {"text/event-stream": rb"\r?\n\r?\n", "application/x-ndjson": rb"\n"}
_VARYING = re.compile(r" at 0x[0-9a-f]+|\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT")
"""Memory addresses, and the date a server writes into a header."""


@dataclass(frozen=True)
class Given:
    """One request's answer."""

    recording: str
    is_left: bool = False
    """The rest of the stream is held back, because the application leaves after its first event."""
    is_unavailable: bool = False
    """The provider answers 503 instead."""

    def answer(self) -> Answer:
        if self.is_unavailable:
            return Answer([b"{}"], status=503, headers={"retry-after-ms": "1"})
        recorded = recording(self.recording)
        if self.is_left:
            return answer(
                self.recording, chunks=_in_two(recorded.body, recorded.content_type), is_held=True
            )
        if recorded.status >= 400:
            return answer(self.recording, headers={**recorded.headers, "retry-after-ms": "1"})
        return answer(self.recording)


@dataclass(frozen=True)
class Scenario:
    """One use of an SDK."""

    name: str
    feature: str
    given: tuple[Given, ...]
    play: Play

    @property
    def provider(self) -> str:
        return recording(self.given[-1].recording).provider


@dataclass(frozen=True)
class Sdk:
    """An SDK and what is tried with it."""

    distribution: str
    scenarios: list[Scenario] = field(default_factory=list)

    def scenario(
        self, feature: str, *given: str | Given, exists: bool = True
    ) -> Callable[[PlayT], PlayT]:
        """Register a function as the scenario of a feature, unless this version lacks the feature.

        The provider answers in the order of `given`.
        """
        answers = tuple(Given(item) if isinstance(item, str) else item for item in given)

        def register(play: PlayT) -> PlayT:
            if exists:
                self.scenarios.append(Scenario(play.__name__, feature, answers, play))
            return play

        return register


def left(name: str) -> Given:
    """A stream that the application leaves after its first event."""
    return Given(name, is_left=True)


def unavailable(name: str) -> Given:
    """503 where this answer was hoped for."""
    return Given(name, is_unavailable=True)


def shown(value: object) -> object:
    """A value as JSON, the same for the same value in every run."""
    if isinstance(value, (list, tuple)):
        return [shown(item) for item in value]
    return _VARYING.sub("", repr(value))


def shown_error(call: Callable[[], object]) -> object:
    """What an application can tell of the exception that a call raises."""
    try:
        return call()
    except Exception as error:
        return _described(error)


async def shown_error_async(call: Awaitable[object]) -> object:
    """What an application can tell of the exception that an awaited call raises."""
    try:
        return await call
    except Exception as error:
        return _described(error)


def _described(error: Exception) -> object:
    causes = [type(cause).__name__ for cause in (error.__cause__, error.__context__)]
    return type(error).__name__, str(error), *causes


def _in_two(body: bytes, content_type: str) -> list[bytes]:
    ends = _EVENT_ENDS.get(content_type.partition(";")[0])
    if ends is None:  # AWS's binary events begin with their length
        (at,) = struct.unpack_from("!I", body)
    else:
        found = re.search(ends, body)
        assert found is not None
        at = found.end()
    return [body[:at], body[at:]]
