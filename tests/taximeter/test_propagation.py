"""Tags as headers: they come back as they were, and reach named hosts only."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import httpx
import httpx2
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

import taximeter
from taximeter import attributes, propagation
from taximeter.tags import checked
from tests.taximeter.conftest import Spans
from tests.taximeter.replay import ReplayServer, answer

SEARCH = taximeter.tags(feature="search", tenant="größe 100%", team="growth", request_type="chat")
HEADERS = {
    "x-taximeter-feature": "search",
    "x-taximeter-tenant": "gr%C3%B6%C3%9Fe 100%25",
    "x-taximeter-team": "growth",
    "x-taximeter-request-type": "chat",
}


@pytest.fixture(params=[httpx, httpx2], ids=lambda library: library.__name__)
def library(request: pytest.FixtureRequest) -> Iterator[ModuleType]:
    taximeter.instrument(propagate_to="b.internal,c.internal:8443")
    yield request.param
    taximeter.uninstrument()


def ours(headers: Any) -> dict[str, str]:
    return {name: value for name, value in headers.items() if "taximeter" in name}


def seen_by(
    library: Any, url: str, answer: Any = None, **options: Any
) -> dict[str, dict[str, str]]:
    """Our headers, by the host that got them."""
    seen: dict[str, dict[str, str]] = {}

    def handle(request: Any) -> Any:
        seen[request.url.host] = ours(request.headers)
        return answer(request) if answer else library.Response(200)

    with library.Client(transport=library.MockTransport(handle), **options) as client, SEARCH:
        client.get(url)
    return seen


def test_a_named_host_gets_the_four_headers(library: ModuleType) -> None:
    assert seen_by(library, "http://b.internal/orders") == {"b.internal": HEADERS}


@pytest.mark.parametrize(
    "url",
    [
        "https://api.openai.com/v1/chat/completions",
        "https://api.stripe.com/v1/charges",
        "http://c.internal:8080/",
        "http://b.internal.example.com/",
        "http://xb.internal/",
    ],
)
def test_no_other_host_ever_sees_a_tag(library: ModuleType, url: str) -> None:
    (headers,) = seen_by(library, url).values()
    assert headers == {}


def test_a_redirect_away_takes_no_tag_along(library: Any) -> None:
    def answer(request: Any) -> Any:
        if request.url.host == "b.internal":
            return library.Response(307, headers={"location": "http://evil.example/"})
        return library.Response(200)

    seen = seen_by(library, "http://b.internal/", answer, follow_redirects=True)
    assert seen == {"b.internal": HEADERS, "evil.example": {}}


def test_the_request_of_a_redirect_that_is_not_followed_is_clean_too(library: Any) -> None:
    away = {"location": "http://evil.example/"}
    transport = library.MockTransport(lambda request: library.Response(307, headers=away))
    with library.Client(transport=transport) as client, SEARCH:
        following = client.get("http://b.internal/").next_request
    assert ours(following.headers) == {}


def test_the_async_client_propagates_alike(library: Any) -> None:
    async def send() -> dict[str, str]:
        transport = library.MockTransport(lambda request: library.Response(200))
        async with library.AsyncClient(transport=transport) as client:
            with SEARCH:
                answer = await client.get("https://c.internal:8443/")
        return ours(answer.request.headers)

    assert asyncio.run(send()) == HEADERS


@pytest.mark.parametrize(
    "url", ["https://api.openai.com/v1/chat/completions", "https://api.stripe.com/v1/charges"]
)
def test_no_other_host_sees_a_tag_from_the_async_client(library: Any, url: str) -> None:
    assert asyncio.run(seen_by_async(library, "POST", url)) == {library.URL(url).host: {}}


def test_a_redirect_of_the_async_client_takes_no_tag_along(library: Any) -> None:
    seen = asyncio.run(seen_by_async(library, "GET", "http://b.internal/"))
    assert seen == {"b.internal": HEADERS, "evil.example": {}}


async def seen_by_async(library: Any, method: str, url: str) -> dict[str, dict[str, str]]:
    """The same as `seen_by`; `b.internal` redirects to `evil.example`."""
    seen: dict[str, dict[str, str]] = {}

    def handle(request: Any) -> Any:
        seen[request.url.host] = ours(request.headers)
        if request.url.host == "b.internal":
            return library.Response(307, headers={"location": "http://evil.example/"})
        return library.Response(200)

    transport = library.MockTransport(handle)
    async with library.AsyncClient(transport=transport, follow_redirects=True) as client:
        with SEARCH:
            await client.request(method, url)
    return seen


def test_a_bound_client_s_tags_stay_away_from_its_provider_too(
    metered: Spans, server: ReplayServer
) -> None:
    server.answers.append(answer("openai-chat-json"))
    client = openai.OpenAI(base_url=server.url, api_key="k", max_retries=0)
    taximeter.bind(client, feature="search").chat.completions.create(model="m", messages=[])
    ((_, headers),) = server.requests
    assert (ours(headers), metered.attributes()["taximeter.feature"]) == ({}, "search")


def test_a_header_the_application_has_set_stays(library: Any) -> None:
    request = library.Request("GET", "http://b.internal/", headers={"x-taximeter-team": "own"})
    transport = library.MockTransport(lambda request: library.Response(200))
    with library.Client(transport=transport) as client, SEARCH:
        client.send(request)
    assert request.headers["x-taximeter-team"] == "own"


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(attributes.TAGS, st.text(max_size=140))))
def test_tags_come_back_as_they_were(values: dict[str, str]) -> None:
    good = checked(values)
    headers: dict[str, str] = {}
    propagation.add_headers(headers, good)
    raw = [(name.encode("ascii"), value.encode("ascii")) for name, value in headers.items()]
    assert propagation.from_headers(raw) == good


def test_baggage_counts_where_no_header_says_otherwise() -> None:
    raw = [
        (b"Baggage", b"taximeter.team=gr%C3%B6%C3%9Fe;ttl=1, taximeter.feature=b, user=x"),
        (b"X-Taximeter-Feature", b"h"),
    ]
    assert propagation.from_headers(raw) == {"taximeter.team": "größe", "taximeter.feature": "h"}
