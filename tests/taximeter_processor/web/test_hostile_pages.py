"""In a real browser: hostile tags run nothing, and other sites can neither post nor look."""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from taximeter_processor.delivery import post_all
from tests.support.browser import Watched, chromium
from tests.support.loopback import OnePage
from tests.support.otlp import CHAT, proto_span, protobuf
from tests.support.servers import Processor

READ = "read-token-0123456789ab"
HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "javascript:alert(1)",
    '"><svg onload=alert(1)>',
    "' onfocus=alert(1) autofocus x='",
    "</title></style></textarea><script>alert(1)</script>",
    "{{ 7*7 }}{% raise %}",
)
FORMULAS = ('=HYPERLINK("https://evil.example","x")', "+1+cmd|' /C calc'!A0", "@SUM(1)", "-2+3")
TAGS = ("feature", "tenant", "team", "request_type")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def processor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processor]:
    """One call for each hostile text, in all four tags, the model, and a budget's name."""
    server = Processor(
        tmp_path_factory.mktemp("hostile"),
        budgets=[{"name": text, "usd": "1"} for text in HOSTILE],
    )
    server.start()
    spans = []
    for number, text in enumerate((*HOSTILE, *FORMULAS), start=1):
        tags = {f"taximeter.{tag}": text for tag in TAGS}
        models = {"gen_ai.request.model": text, "gen_ai.response.model": text}
        own = {"gen_ai.response.id": f"r-{number}"}
        span = proto_span(number, {**CHAT, **tags, **(models if number % 2 else {}), **own})
        span.start_time_unix_nano = time.time_ns() - 10**9
        span.end_time_unix_nano = time.time_ns()
        spans.append(span)
    post_all(f"{server.url}/v1/traces", [(protobuf(*spans), len(spans))], lambda _: None)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processor]:
    """Asks for a token."""
    server = Processor(
        tmp_path_factory.mktemp("guarded-browser"),
        tokens=[{"name": "people", "scopes": ["read"], "value": READ}],
    )
    server.start()
    yield server
    server.stop()


class Elsewhere(OnePage):
    """Another server on this machine, with one page that tries to use this one."""

    def __init__(self, body: str) -> None:
        super().__init__(f"<!doctype html><title>elsewhere</title>{body}", "text/html")

    def __enter__(self) -> str:
        return f"http://localhost:{self.port}/"

    def __exit__(self, *_: object) -> None:
        self.stop()


def opened(browser: Browser, server: Processor, path: str = "/") -> Watched:
    watched = Watched(browser.new_context(base_url=server.url))
    watched.page.goto(path)
    return watched


@pytest.mark.parametrize(
    "path", ["/", "/costs?by=feature", "/costs?by=model", "/requests", "/?by=tenant", "/status"]
)
def test_hostile_tags_are_text(browser: Browser, processor: Processor, path: str) -> None:
    watched = opened(browser, processor, path)
    watched.page.wait_for_timeout(200)
    assert watched.complaints == []
    assert watched.ask("document.querySelectorAll('img, script, [onload], [onfocus]').length") == 0
    addresses = watched.ask("[...document.links].map(link => link.protocol)")
    assert set(addresses) == {"http:"}
    assert "49" not in watched.page.title()


def test_every_hostile_tag_is_seen_whole_and_can_be_filtered_by(
    browser: Browser, processor: Processor
) -> None:
    for text in HOSTILE:
        watched = opened(browser, processor, "/costs?by=feature")
        watched.page.get_by_role("link", name=text, exact=True).click()
        expect(watched.page.locator(".chip")).to_contain_text(text)
        assert watched.complaints == []
        watched.page.context.close()


def test_the_account_of_a_hostile_call_is_text(browser: Browser, processor: Processor) -> None:
    watched = opened(browser, processor, f"/explain/{1:032x}")
    assert watched.page.locator("dd").first.text_content() == HOSTILE[0]
    assert watched.complaints == []


def test_a_hostile_address_is_refused_as_text(browser: Browser, processor: Processor) -> None:
    watched = opened(browser, processor, "/?by=<img src=x onerror=alert(1)>")
    watched.page.wait_for_timeout(200)
    assert [said for said in watched.complaints if "dialog" in said] == []
    filtered = opened(browser, processor, '/?team="><img src=x onerror=alert(1)>')
    assert filtered.complaints == []
    assert filtered.ask("document.images.length") == 0


def test_a_script_that_got_in_would_not_run(browser: Browser, processor: Processor) -> None:
    watched = opened(browser, processor)
    watched.ask(
        "(() => { const s = document.createElement('script'); s.textContent = 'window.ran = 1';"
        " document.body.append(s) })()"
    )
    assert watched.ask("typeof window.ran") == "undefined"
    assert "Content Security Policy" in watched.complaints[0]


@pytest.mark.parametrize("path", ["/costs?by=feature&format=csv", "/requests?format=csv"])
def test_a_spreadsheet_runs_no_cell(browser: Browser, processor: Processor, path: str) -> None:
    page = opened(
        browser, processor, path.replace("&format=csv", "").replace("?format=csv", "")
    ).page
    with page.expect_download() as download:
        page.locator("a[download]").first.click()
    rows = list(csv.DictReader(download.value.path().read_text().splitlines()))
    cells = [cell for row in rows for cell in row.values()]
    assert {f"'{text}" for text in FORMULAS} <= set(cells)
    assert [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))] == []


def test_a_token_is_exchanged_for_a_cookie_and_given_back(
    browser: Browser, guarded: Processor
) -> None:
    page = opened(browser, guarded, "/requests").page
    assert page.url.endswith("/login")
    page.get_by_label("Token with scope read").fill("wrong-token-0123456789")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("not known")
    page.get_by_label("Token with scope read").fill(READ)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("No call has arrived yet")).to_be_visible()
    (cookie,) = page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert READ not in cookie["value"]
    assert page.evaluate("document.cookie") == ""
    page.get_by_role("button", name="Sign out").click()
    assert page.url.endswith("/login")
    assert page.context.cookies() == []


@pytest.mark.parametrize("action", ["/theme", "/logout", "/login"])
def test_another_server_s_form_changes_nothing(
    browser: Browser, processor: Processor, action: str
) -> None:
    watched = opened(browser, processor)
    form = (
        f'<form method="post" action="{processor.url}{action}">'
        '<input name="theme" value="dark"><input name="token" value="x"></form>'
        "<script>document.forms[0].submit()</script>"
    )
    with Elsewhere(form) as address, watched.page.expect_navigation(url=f"**{action}") as gone:
        watched.page.goto(address, wait_until="commit")
    answer = gone.value
    assert answer is not None
    assert answer.status == 403
    assert watched.page.context.cookies(processor.url) == []


def test_another_server_s_page_can_neither_read_nor_frame_it(
    browser: Browser, processor: Processor
) -> None:
    body = (
        f'<iframe src="{processor.url}/"></iframe><script>'
        f"fetch('{processor.url}/api/v1/costs').then(() => document.title = 'read',"
        " () => document.title = 'refused')</script>"
    )
    watched = opened(browser, processor)
    with Elsewhere(body) as address:
        watched.page.goto(address)
        expect(watched.page).to_have_title("refused")
        assert watched.page.frames[-1].url == "chrome-error://chromewebdata/"


def test_a_name_rebound_to_this_machine_shows_nothing(
    browser: Browser, processor: Processor
) -> None:
    page = browser.new_context().new_page()
    answer = page.goto(f"http://rebound.example:{processor.port}/")
    assert answer is not None
    assert answer.status == 421
    assert "is not served here" in page.content()
