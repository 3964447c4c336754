"""The pages on a real server: hostile tags stay text, nothing needs a script, login guards them."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import urlencode

import pytest

from taximeter_processor.delivery import post_all
from tests.support.otlp import CHAT, proto_span, protobuf
from tests.support.raw_http import Answer, request
from tests.support.servers import Processor

READ = "read-token-0123456789ab"
INGEST = "ingest-token-0123456789"
HOSTILE = "</title></script><script>alert(1)</script>"
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def processor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processor]:
    """Holds one call that costs $0.0002368, with hostile tags, made just now."""
    server = Processor(
        tmp_path_factory.mktemp("pages"),
        owners=[{"name": "alice", "features": ["*"]}],
        budgets=[{"name": HOSTILE, "usd": "1"}],
    )
    server.start()
    tags = dict.fromkeys(("feature", "tenant", "team", "request_type"), HOSTILE)
    span = proto_span(1, {**CHAT, **{f"taximeter.{tag}": text for tag, text in tags.items()}})
    now_ns = time.time_ns()
    span.start_time_unix_nano, span.end_time_unix_nano = now_ns - 10**9, now_ns
    post_all(f"{server.url}/v1/traces", [(protobuf(span), 1)], lambda _: None)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processor]:
    """An empty processor with tokens."""
    server = Processor(
        tmp_path_factory.mktemp("guarded-pages"),
        tokens=[
            {"name": "people", "scopes": ["read"], "value": READ},
            {"name": "collector", "scopes": ["ingest"], "value": INGEST},
        ],
    )
    server.start()
    yield server
    server.stop()


class Elements(HTMLParser):
    """The elements of a page, and those left open."""

    VOID = frozenset({"meta", "link", "input"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.names.add(tag)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def page(server: Processor, path: str = "/") -> Answer:
    answer = request(server.port, "GET", path)
    assert answer.status == 200
    return answer


def login(server: Processor, token: str) -> Answer:
    return request(server.port, "POST", "/login", urlencode({"token": token}).encode(), FORM)


def test_hostile_tags_stay_text(processor: Processor) -> None:
    text = page(processor).text
    assert "<script" not in text
    assert text.count("&lt;script&gt;alert(1)") >= 5


@pytest.mark.parametrize("by", ["feature", "tenant", "team", "request_type", "model"])
def test_every_element_is_closed_and_none_is_a_script(processor: Processor, by: str) -> None:
    elements = Elements(page(processor, f"/?by={by}&days=14").text)
    assert elements.open == []
    assert "svg" in elements.names
    assert "script" not in elements.names


def test_amounts_are_to_the_cent_with_the_exact_value_beside(processor: Processor) -> None:
    assert '<span title="$0.0002368">&lt;$0.01</span>' in page(processor).text


def test_the_owner_of_a_feature_is_named(processor: Processor) -> None:
    assert '<span class="owner">alice</span>' in page(processor).text


def test_nothing_is_loaded_from_elsewhere(processor: Processor) -> None:
    answer = page(processor)
    sources = re.findall(r'(?:src|href|action)="([^"]*)"', answer.text)
    assert [link for link in sources if not link.startswith(("/", "?", "data:"))] == []
    assert answer.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("query", ["days=6", "days=91", "days=x", "by=password", "by=cost_usd"])
def test_a_wrong_choice_is_refused(processor: Processor, query: str) -> None:
    assert request(processor.port, "GET", f"/?{query}").status == 422


def test_without_tokens_there_is_nothing_to_sign_in_to(processor: Processor) -> None:
    answer = request(processor.port, "GET", "/login")
    assert (answer.status, answer.headers["location"]) == (303, "/")
    assert "Sign out" not in page(processor).text


def test_a_stranger_is_sent_to_the_login_form(guarded: Processor) -> None:
    answer = request(guarded.port, "GET", "/")
    assert (answer.status, answer.headers["location"]) == (303, "/login")
    assert Elements(page(guarded, "/login").text).open == []


def test_a_token_becomes_a_cookie_that_scripts_and_other_sites_cannot_use(
    guarded: Processor,
) -> None:
    answer = login(guarded, READ)
    assert (answer.status, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"].lower()
    assert {"httponly", "samesite=strict", "path=/"} <= set(cookie.split("; "))


def test_the_cookie_opens_the_page_and_an_empty_ledger_says_how_to_begin(
    guarded: Processor,
) -> None:
    cookie = login(guarded, READ).headers["set-cookie"].partition(";")[0]
    answer = request(guarded.port, "GET", "/", headers={"cookie": cookie})
    assert answer.status == 200
    assert f"TAXIMETER_ENDPOINT=http://127.0.0.1:{guarded.port}" in answer.text
    assert "taximeter.instrument()" in answer.text
    assert "Sign out" in answer.text


@pytest.mark.parametrize("token", ["", "wrong", INGEST])
def test_another_token_opens_nothing(guarded: Processor, token: str) -> None:
    answer = login(guarded, token)
    assert answer.status == 401
    assert "set-cookie" not in answer.headers
    assert 'role="alert"' in answer.text


def test_signing_out_takes_the_cookie_back(guarded: Processor) -> None:
    answer = request(guarded.port, "POST", "/logout")
    assert (answer.status, answer.headers["location"]) == (303, "/login")
    assert "max-age=0" in answer.headers["set-cookie"].lower()


def test_a_form_too_large_or_of_another_type_is_refused(guarded: Processor) -> None:
    large = b"token=" + b"x" * 5000
    assert request(guarded.port, "POST", "/login", large, FORM).status == 413
    assert request(guarded.port, "POST", "/login", b"{}").status == 415


def test_a_form_on_another_site_is_refused(guarded: Processor) -> None:
    headers = {**FORM, "origin": "https://elsewhere.example"}
    assert request(guarded.port, "POST", "/login", b"token=x", headers).status == 403
