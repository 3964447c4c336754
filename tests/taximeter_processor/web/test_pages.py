"""The pages on a real server: hostile tags stay text, nothing needs a script, login guards them."""

from __future__ import annotations

import csv
import io
import json
import re
import time
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser
from urllib.parse import urlencode

import pytest

from taximeter_processor.delivery import post_all
from taximeter_processor.reports.account_text import notes, time_text
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


@pytest.mark.parametrize(
    "path",
    ["/?by=tenant&days=14", "/?feature=nothing", "/costs?by=model", "/requests", "/status"],
)
def test_every_element_is_closed_and_none_is_a_script_or_style(
    processor: Processor, path: str
) -> None:
    text = page(processor, path).text
    elements = Elements(text)
    assert elements.open == []
    assert not {"script", "style", "iframe", "object"} & elements.names
    assert not re.search(r"\s(style|on\w+)=", text)


def test_amounts_are_to_the_cent_with_the_exact_value_beside(processor: Processor) -> None:
    assert '<span title="$0.0002368">&lt;$0.01</span>' in page(processor).text


def test_the_owner_of_a_feature_is_named(processor: Processor) -> None:
    assert '<span class="owner">alice</span>' in page(processor).text


def test_nothing_is_loaded_from_elsewhere(processor: Processor) -> None:
    answer = page(processor)
    sources = re.findall(r'(?:src|href|action)="([^"]*)"', answer.text)
    assert [link for link in sources if not link.startswith(("/", "#", "data:"))] == []
    assert answer.headers["cache-control"] == "no-store"


def test_a_browser_is_told_to_run_and_frame_nothing(processor: Processor) -> None:
    headers = page(processor).headers
    policy = headers["content-security-policy"].split("; ")
    assert {
        "default-src 'none'",
        "script-src 'none'",
        "style-src 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "form-action 'self'",
    } <= set(policy)
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"


def test_the_style_sheet_may_be_kept_for_ever_under_its_own_name(processor: Processor) -> None:
    (path,) = re.findall(r'href="(/static/[^"]+)"', page(processor).text)
    answer = request(processor.port, "GET", path)
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert "immutable" in answer.headers["cache-control"]
    assert request(processor.port, "GET", "/static/style-000000000000.css").status == 404


@pytest.mark.parametrize(
    "path",
    [
        "/?days=0",
        "/?by=password",
        "/?date=tomorrow",
        "/costs?page=0",
        "/costs?sort=x",
        "/requests?first=last",
        "/requests?after=x",
        "/requests?status=x",
        "/explain/xyz",
    ],
)
def test_a_wrong_choice_is_refused_with_what_was_expected(processor: Processor, path: str) -> None:
    answer = request(processor.port, "GET", path)
    assert answer.status == 400
    assert '<p role="alert">' in answer.text
    assert "expected" in answer.text


def test_the_number_of_today_s_requests_leads_to_those_of_today(processor: Processor) -> None:
    (link,) = re.findall(
        r'<p class="figure"><a href="(/requests[^"]*)">1</a>', page(processor).text
    )
    assert "1 day up to" in page(processor, unescape(link)).text


def test_a_feature_leads_to_its_requests_and_each_to_what_it_cost(processor: Processor) -> None:
    links = re.findall(r'href="(/requests\?feature=[^"]+)"', page(processor).text)
    requests_page = page(processor, unescape(links[0])).text
    (link,) = re.findall(r'href="(/explain/[0-9a-f]{32})#', requests_page)
    text = page(processor, link).text
    assert "$0.0002368" in text
    for line in (
        "160",
        "$0.25 / 1,000,000",
        "$0.00004",
        "1,152",
        "$0.025 / 1,000,000",
        "$0.0000288",
    ):
        assert f">{line}</td>" in text


def test_the_page_says_of_a_call_what_the_interface_and_the_terminal_say(
    processor: Processor,
) -> None:
    (link,) = re.findall(r'href="(/explain/[0-9a-f]{32})#', page(processor, "/requests").text)
    told = json.loads(request(processor.port, "GET", f"/api/v1{link}").body)
    (account,) = told["calls"]
    text = unescape(page(processor, link).text)
    assert f"<strong>${told['cost_usd']}</strong>" in text
    assert f'<span class="quiet">{time_text(account)}</span>' in text
    assert "<dt>environment</dt><dd>unknown</dd>" in text
    assert "<dt>service name</dt><dd>api</dd>" in text
    said = [f"<dt>{note.name}</dt><dd>{note.text}</dd>" for note in notes(account)]
    assert [note.name for note in notes(account)][:2] == ["prices", "list price"]
    assert all(note in text for note in said)
    assert all(f"<td>catalogue: {one['source_detail']}</td>" in text for one in account["meters"])


def test_a_trace_that_is_not_there_is_not_found(processor: Processor) -> None:
    answer = request(processor.port, "GET", f"/explain/{'0' * 32}")
    assert answer.status == 404
    assert "the ledger holds no call of trace" in answer.text


def test_a_table_is_downloaded_as_it_is_filtered_with_every_decimal(processor: Processor) -> None:
    answer = request(processor.port, "GET", "/costs?by=feature&format=csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith("attachment")
    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert (row["feature"], row["owner"], row["day_usd"]) == (HOSTILE, "alice", "0.0002368")
    nothing = request(processor.port, "GET", "/costs?by=feature&team=none&format=csv")
    assert nothing.text == ""


def test_requests_are_downloaded_one_a_row(processor: Processor) -> None:
    answer = request(processor.port, "GET", "/requests?format=csv")
    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert (row["model"], row["input_tokens"], row["cost_usd"]) == (
        "gpt-5-mini",
        "1312",
        "0.0002368",
    )


def test_the_trend_is_downloaded_day_by_day(processor: Processor) -> None:
    answer = request(processor.port, "GET", "/days?days=7")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(rows) == 7
    assert (rows[0]["cost_usd"], rows[0]["normal_high_usd"]) == ("0.0002368", "")
    assert {row["cost_usd"] for row in rows[1:]} == {"0.0"}


def test_the_status_page_names_the_next_layer(processor: Processor) -> None:
    text = page(processor, "/status").text
    assert text.count('<li class="card') == 5
    assert "in progress, <strong>next</strong>" in text
    assert "not tested yet" in text


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


def test_the_cookie_holds_no_token_and_cannot_write(guarded: Processor) -> None:
    cookie = login(guarded, READ).headers["set-cookie"].partition(";")[0]
    assert READ not in cookie
    wrong = {"cookie": cookie, "authorization": "Bearer wrong-token-0123456789"}
    assert request(guarded.port, "GET", "/api/v1/status", headers=wrong).status == 401
    headers = {"cookie": cookie, "content-type": "application/json"}
    body = b'{"since": "1d", "until": "now"}'
    assert request(guarded.port, "POST", "/api/v1/reprice", body, headers).status == 401


@pytest.mark.parametrize("path", ["/", "/costs", "/requests", f"/explain/{'0' * 32}", "/status"])
def test_every_page_asks_a_stranger_to_sign_in(guarded: Processor, path: str) -> None:
    answer = request(guarded.port, "GET", path)
    assert (answer.status, answer.headers["location"]) == (303, "/login")


def test_the_login_form_tells_a_stranger_nothing_of_the_service(guarded: Processor) -> None:
    assert "genai-prices" not in page(guarded, "/login").text


@pytest.mark.parametrize(
    ("back", "place"),
    [
        ("/costs?by=team", "/costs?by=team"),
        ("//elsewhere.example", "/"),
        ("/\\elsewhere.example", "/"),
        ("https://elsewhere.example", "/"),
        ("/x\r\nSet-Cookie: a=b", "/"),
        ("", "/"),
    ],
)
def test_a_choice_of_colours_leads_back_to_this_site_only(
    processor: Processor, back: str, place: str
) -> None:
    body = urlencode({"theme": "dark", "back": back}).encode()
    answer = request(processor.port, "POST", "/theme", body, FORM)
    assert (answer.status, answer.headers["location"]) == (303, place)
    cookie = answer.headers["set-cookie"].partition(";")[0]
    dark = request(processor.port, "GET", "/", headers={"cookie": cookie})
    assert '<html lang="en" data-theme="dark">' in dark.text


def test_colours_that_do_not_exist_are_refused(processor: Processor) -> None:
    assert request(processor.port, "POST", "/theme", b"theme=x", FORM).status == 400
    answer = request(processor.port, "GET", "/", headers={"cookie": 'taximeter_theme="><b>'})
    assert 'data-theme="auto"' in answer.text


def test_signing_out_takes_the_cookie_back(guarded: Processor) -> None:
    answer = request(guarded.port, "POST", "/logout")
    assert (answer.status, answer.headers["location"]) == (303, "/login")
    assert "max-age=0" in answer.headers["set-cookie"].lower()


def test_a_form_too_large_or_of_another_type_is_refused(guarded: Processor) -> None:
    large = b"token=" + b"x" * 5000
    assert request(guarded.port, "POST", "/login", large, FORM).status == 413
    assert request(guarded.port, "POST", "/login", b"{}").status == 415
