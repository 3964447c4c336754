"""Every function of ours that takes part in a call fails in turn; the application sees nothing."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any

import aiohttp
import boto3
import httpx2
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

import taximeter
from taximeter import faults
from taximeter.capture import attempt
from tests.taximeter.conftest import Spans
from tests.taximeter.replay import ReplayServer, answer

PACKAGE = str(Path(taximeter.__file__).parent)
SHELLS = ("capture/shells.py", "capture/tee.py", "faults.py")
"""The guards themselves, and the streams between the application and its client."""
REPLACED = ("_client.py", "include_usage.py")
"""Here functions inside functions are methods that stand in for a client's own, and guards too."""
BETWEEN = ("_reading", "__iter__", "__aiter__", "close", "aclose", "__getattr__")
BROKEN = answer("openai-chat-stream-usage", is_cut=True)
ANSWERS = ("openai-chat-json", "openai-chat-error-429", "openai-chat-stream-usage")
STREAM = {"model": "m", "stream": True}

Calls = Callable[[ReplayServer], list[object]]


def httpx2_calls(server: ReplayServer) -> list[object]:
    """What an application gets from a whole, a refused, a streamed, a dropped, a broken answer."""
    server.answers.extend([*map(answer, ANSWERS), answer(ANSWERS[2]), BROKEN])
    url, got = f"{server.url}/chat/completions", list[object]()
    with httpx2.Client() as client:
        for _ in ANSWERS:
            with client.stream("POST", url, json=STREAM) as response:
                got += [response.status_code, response.read()]
        with client.stream("POST", url, json=STREAM) as response:
            got.append(next(response.iter_raw()))
        try:
            client.post(url, json={})
        except httpx2.RemoteProtocolError as error:
            got.append(str(error))
    return got


def async_httpx2_calls(server: ReplayServer) -> list[object]:
    async def call() -> list[object]:
        url, got = f"{server.url}/chat/completions", list[object]()
        async with httpx2.AsyncClient() as client:
            for _ in ANSWERS:
                async with client.stream("POST", url, json=STREAM) as response:
                    got += [response.status_code, await response.aread()]
            try:
                await client.post(url, json={})
            except httpx2.RemoteProtocolError as error:
                got.append(str(error))
        return got

    server.answers.extend([*map(answer, ANSWERS), BROKEN])
    return asyncio.run(call())


def aiohttp_calls(server: ReplayServer) -> list[object]:
    async def call() -> list[object]:
        url, got = f"{server.url}/chat/completions", list[object]()
        async with aiohttp.ClientSession() as session:
            for _ in ANSWERS:
                async with session.post(url, json=STREAM) as response:
                    got += [response.status, await response.read()]
            async with session.post(url, json=STREAM) as response:
                got.append(await response.content.readline())
            try:
                async with session.post(url, json=STREAM) as response:
                    await response.read()
            except aiohttp.ClientPayloadError as error:
                got.append(str(error))
        return got

    server.answers.extend([*map(answer, ANSWERS), answer(ANSWERS[2]), BROKEN])
    return asyncio.run(call())


def boto3_calls(server: ReplayServer) -> list[object]:
    client = boto3.client(
        "bedrock-runtime",
        region_name="us-east-1",
        aws_access_key_id="a",
        aws_secret_access_key="b",
        endpoint_url=f"http://127.0.0.1:{server.port}",
        config=Config(retries={"total_max_attempts": 1}),
    )
    names = ("converse-json", "converse-stream", "invoke-anthropic", "error-throttling")
    server.answers.extend(answer(f"bedrock-{name}") for name in names)
    messages = [{"role": "user", "content": [{"text": "Hi"}]}]
    model = "anthropic.claude-sonnet-4-5-20250929-v1:0"
    got: list[object] = [client.converse(modelId=model, messages=messages)["usage"]]
    got += list(client.converse_stream(modelId=model, messages=messages)["stream"])
    got.append(client.invoke_model(modelId=model, body=b"{}")["body"].read())
    with pytest.raises(ClientError) as refused:
        client.converse(modelId=model, messages=messages)
    return [*got, str(refused.value)]


@contextmanager
def functions_called() -> Iterator[dict[CodeType, None]]:
    """The code of every function of ours that runs inside, in order."""
    found: dict[CodeType, None] = {}

    def note(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(PACKAGE):
            found[code] = None

    sys.setprofile(note)
    try:
        yield found
    finally:
        sys.setprofile(None)


def functions_of(codes: dict[CodeType, None]) -> list[FunctionType]:
    """The functions that have this code, less those that are the guards."""
    found = [
        function
        for function in gc.get_objects()
        if type(function) is FunctionType and function.__code__ in codes
    ]
    return [function for function in found if not is_guard(function)]


def is_guard(function: FunctionType) -> bool:
    code = function.__code__
    # The function's own name is that of the method it stands in for.
    name = getattr(code, "co_qualname", function.__qualname__)
    is_method = "<locals>" in name and code.co_name != "<lambda>"
    return (
        code.co_filename.endswith(SHELLS)
        or (code.co_filename.endswith(REPLACED) and is_method)
        or code.co_name in BETWEEN
    )


def broken(code: CodeType) -> CodeType:
    """Code that raises, and closes over the same names, or a traceback through it would crash."""
    names = "".join(f"{name} = " for name in code.co_freevars)
    used = ", ".join(code.co_freevars)
    scope: dict[str, Any] = {}
    exec(
        f"def outer():\n {names}None\n def fail(*_, **__):\n"
        f"  raise RuntimeError('injected')\n  ({used})\n return fail",
        scope,
    )
    raising: CodeType = scope["outer"]().__code__
    return raising.replace(co_name=code.co_name)


@contextmanager
def failing(function: FunctionType) -> Iterator[None]:
    whole = function.__code__
    function.__code__ = broken(whole)
    try:
        yield
    finally:
        function.__code__ = whole


@pytest.fixture
def everything_on(spans: Spans, server: ReplayServer) -> Iterator[None]:
    """What is optional is asked for, so that it can fail too."""
    host = f"127.0.0.1:{server.port}"
    taximeter.instrument(
        tracer_provider=spans.provider,
        hosts={host: "openai"},
        bedrock_metadata=True,
        propagate_to=[host],
    )
    yield
    taximeter.uninstrument()


@pytest.fixture
def bedrock_on(spans: Spans, server: ReplayServer) -> Iterator[None]:
    taximeter.instrument(
        tracer_provider=spans.provider,
        hosts={f"127.0.0.1:{server.port}": "aws.bedrock"},
        bedrock_metadata=True,
    )
    yield
    taximeter.uninstrument()


def check(calls: Calls, server: ReplayServer, caplog: pytest.LogCaptureFixture) -> None:
    with taximeter.tags(feature="f"):
        expected = calls(server)
        with functions_called() as codes:
            calls(server)
        functions = functions_of(codes)
        assert len(functions) > 20
        for function in functions:
            faults.reset()
            caplog.clear()
            with failing(function):
                # In a context of its own, because `leave` is one of those that fail.
                got = contextvars.copy_context().run(calls, server)
            assert got == expected, function.__qualname__
            ours = [record for record in caplog.records if record.name == "taximeter"]
            assert len(ours) == len(faults.counts()), function.__qualname__
            assert "injected" not in caplog.text
            server.answers.clear()
    attempt.abort_open()


@pytest.mark.parametrize("calls", [httpx2_calls, async_httpx2_calls, aiohttp_calls])
def test_whatever_of_ours_fails_the_application_gets_the_same(
    server: ReplayServer, everything_on: None, caplog: pytest.LogCaptureFixture, calls: Calls
) -> None:
    with caplog.at_level(logging.WARNING, "taximeter"):
        check(calls, server, caplog)


def test_whatever_of_ours_fails_bedrock_answers_the_same(
    server: ReplayServer, bedrock_on: None, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "taximeter"):
        check(boto3_calls, server, caplog)
