"""`bind(client, …)`: a client of any SDK whose calls are tagged, and is otherwise itself."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import gc
import inspect
import pickle
from collections.abc import AsyncIterator, Iterator

import anthropic
import boto3
import openai
import pytest
from botocore.stub import Stubber

import taximeter
from tests.taximeter.conftest import Spans
from tests.taximeter.replay import ReplayServer, answer
from tests.taximeter.tagged import now


class Resource:
    """What an SDK's client has below it."""

    def create(self) -> dict[str, str]:
        return now()


class Sdk:
    """A client with every kind of call an SDK may have."""

    def __init__(self, key: str = "k") -> None:
        self.key = key
        self.resource = Resource()

    def copy(self) -> Sdk:
        return Sdk(self.key)

    async def send(self) -> dict[str, str]:
        await asyncio.sleep(0)
        return now()

    def lazy(self) -> Iterator[dict[str, str]]:
        yield now()
        yield now()

    async def lazy_async(self) -> AsyncIterator[dict[str, str]]:
        yield now()

    @contextlib.contextmanager
    def stream(self) -> Iterator[dict[str, str]]:
        yield now()

    @contextlib.asynccontextmanager
    async def stream_async(self) -> AsyncIterator[dict[str, str]]:
        await asyncio.sleep(0)
        yield now()

    def __enter__(self) -> Sdk:
        return self

    def __exit__(self, *_: object) -> None: ...

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sdk) and other.key == self.key

    def __hash__(self) -> int:
        return hash(self.key)


BOUND = {"feature": "search"}


def test_calls_of_the_bound_client_are_tagged_and_of_the_original_not() -> None:
    original = Sdk()
    bound = taximeter.bind(original, feature="search")
    assert bound.resource.create() == BOUND
    assert original.resource.create() == {}
    assert now() == {}


def test_bound_tags_override_the_surrounding_ones_and_inherit_the_rest() -> None:
    bound = taximeter.bind(Sdk(), feature="search")
    with taximeter.tags(feature="chat", tenant="acme"):
        assert bound.resource.create() == {"feature": "search", "tenant": "acme"}
        assert now() == {"feature": "chat", "tenant": "acme"}


def test_binding_again_overrides_what_it_names() -> None:
    bound = taximeter.bind(Sdk(), feature="search", team="growth")
    assert taximeter.bind(bound, feature="chat").resource.create() == {
        "feature": "chat",
        "team": "growth",
    }
    assert bound.resource.create() == {"feature": "search", "team": "growth"}


def test_copies_stay_bound() -> None:
    bound = taximeter.bind(Sdk(), feature="search")
    again = pickle.loads(pickle.dumps(bound))
    for other in (bound.copy(), copy.copy(bound), copy.deepcopy(bound), again):
        assert other.resource.create() == BOUND


def test_a_coroutine_runs_inside_them() -> None:
    bound = taximeter.bind(Sdk(), feature="search")

    async def together() -> list[dict[str, str]]:
        with taximeter.tags(feature="chat"):
            return [*await asyncio.gather(bound.send(), bound.send()), now()]

    assert asyncio.run(together()) == [BOUND, BOUND, {"feature": "chat"}]


def test_what_sends_only_when_it_is_iterated_or_entered_does_so_inside_them() -> None:
    bound = taximeter.bind(Sdk(), feature="search")
    for inside in bound.lazy():
        assert (inside, now()) == (BOUND, {})
    with bound.stream() as inside:
        assert (inside, now()) == (BOUND, {})
    with bound as entered:
        assert entered.resource.create() == BOUND


def test_the_same_holds_for_asynchronous_ones() -> None:
    bound = taximeter.bind(Sdk(), feature="search")

    async def use() -> None:
        async for inside in bound.lazy_async():
            assert (inside, now()) == (BOUND, {})
        async with bound.stream_async() as inside:
            assert (inside, now()) == (BOUND, {})

    asyncio.run(use())


def test_a_coroutine_that_is_cancelled_before_it_began_leaves_none_behind() -> None:
    bound = taximeter.bind(Sdk(), feature="search")

    async def cancel() -> None:
        task = asyncio.create_task(bound.send())
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    bound.send().close()
    gc.collect()


def test_it_is_otherwise_like_the_original() -> None:
    original = Sdk()
    bound = taximeter.bind(original, feature="search")
    assert isinstance(bound, Sdk)
    assert (bound, hash(bound), repr(bound)) == (original, hash(original), repr(original))
    assert (original == bound, bound == Sdk("other")) == (True, False)
    bound.key = "changed"
    assert original.key == "changed"
    assert inspect.iscoroutinefunction(bound.send)
    assert inspect.signature(bound.send) == inspect.signature(original.send)


def test_it_does_not_pretend_to_be_what_the_original_is_not() -> None:
    bound = taximeter.bind(Sdk(), feature="search")
    assert not inspect.isawaitable(bound)
    for name in ("__call__", "__await__", "__iter__", "__next__", "__aiter__", "__anext__"):
        assert not hasattr(bound, name)


def test_what_the_client_raises_passes_and_the_tags_go() -> None:
    bound = taximeter.bind(Sdk(), feature="search")
    with pytest.raises(AttributeError, match="absent"):
        bound.absent()  # type: ignore[attr-defined] # that is the point
    with pytest.raises(TypeError):
        bound.resource.create(1)  # type: ignore[call-arg] # that is the point
    assert now() == {}


def tag_of(spans: Spans) -> object:
    return spans.attributes()["taximeter.feature"]


def test_openai_s_clients(metered: Spans, server: ReplayServer) -> None:
    client = openai.OpenAI(base_url=server.url, api_key="k", max_retries=0)
    bound = taximeter.bind(client, feature="search").with_options(timeout=5)
    server.answers.append(answer("openai-chat-json"))
    completion = bound.chat.completions.create(model="m", messages=[])
    assert type(completion) is openai.types.chat.ChatCompletion
    assert tag_of(metered) == "search"


def test_openai_s_streams(metered: Spans, server: ReplayServer) -> None:
    client = openai.OpenAI(base_url=server.url, api_key="k", max_retries=0)
    bound = taximeter.bind(client, feature="search")
    server.answers.append(answer("openai-chat-stream-usage"))
    with bound.chat.completions.create(model="m", messages=[], stream=True) as stream:
        assert isinstance(stream, openai.Stream)
        assert {type(chunk) for chunk in stream} == {openai.types.chat.ChatCompletionChunk}
    assert tag_of(metered) == "search"


def test_openai_s_asynchronous_client(metered: Spans, server: ReplayServer) -> None:
    async def call() -> None:
        async with openai.AsyncOpenAI(base_url=server.url, api_key="k", max_retries=0) as client:
            bound = taximeter.bind(client, feature="search")
            answered = await bound.chat.completions.with_raw_response.create(model="m", messages=[])
            assert answered.parse().choices

    server.answers.append(answer("openai-chat-json"))
    asyncio.run(call())
    assert tag_of(metered) == "search"


def test_anthropic_s_stream_that_is_sent_when_it_is_entered(server: ReplayServer) -> None:
    client = anthropic.Anthropic(base_url=server.url, api_key="k", max_retries=0)
    bound = taximeter.bind(client, feature="search")
    sent: list[dict[str, str]] = []
    client._client.event_hooks = {"request": [lambda request: sent.append(now())], "response": []}
    server.answers.append(answer("anthropic-messages-stream"))
    with bound.messages.stream(model="m", max_tokens=9, messages=[]) as stream:
        assert isinstance(stream, anthropic.MessageStream)
        stream.until_done()
    assert (sent, now()) == ([BOUND], {})


def test_botos_client() -> None:
    client = boto3.client(
        "bedrock-runtime", region_name="us-east-1", aws_access_key_id="k", aws_secret_access_key="s"
    )
    bound = taximeter.bind(client, feature="search")
    sent: list[dict[str, str]] = []
    client.meta.events.register("provide-client-params", lambda **_: sent.append(now()))
    with Stubber(client) as stub:
        stub.add_client_error("converse", "ThrottlingException")
        with pytest.raises(bound.exceptions.ThrottlingException):
            bound.converse(modelId="m", messages=[])
    assert sent == [BOUND]
