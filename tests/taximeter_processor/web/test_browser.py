"""The pages in a real browser: seen, sorted, filtered and drilled into, by keyboard, on paper."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from taximeter_processor.delivery import post_all
from tests.support.browser import Watched, chromium, flaws, unreadable
from tests.support.otlp import CHAT, proto_span, protobuf
from tests.support.servers import Processor

FEATURES, TENANTS = 500, 200
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
PAGES = ("/", "/?date=2025-01-01&days=1", "/costs?by=tenant", "/requests", "/status", "/?team=none")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def processor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processor]:
    """A call of each of 500 features for 200 tenants, just now; later ones used more tokens."""
    server = Processor(
        tmp_path_factory.mktemp("browser"),
        owners=[{"name": "alice", "features": ["feature-4*"]}],
        budgets=[{"name": "everything", "usd": "0.05"}, {"name": "day", "usd": 9, "period": "day"}],
    )
    server.start()
    now_ns = time.time_ns()
    spans = []
    for number in range(1, FEATURES + 1):
        changed = {
            "taximeter.feature": f"feature-{number:03}",
            "taximeter.tenant": f"tenant-{number % TENANTS:03}",
            "gen_ai.response.id": f"r-{number}",
            "gen_ai.usage.input_tokens": 2000 + number,
        }
        if number % 50 == 0:
            changed["gen_ai.request.model"] = changed["gen_ai.response.model"] = "no-such-model"
        span = proto_span(number, {**CHAT, **changed})
        span.start_time_unix_nano, span.end_time_unix_nano = now_ns - 10**9, now_ns
        spans.append(span)
    post_all(f"{server.url}/v1/traces", [(protobuf(*spans), len(spans))], lambda _: None)
    yield server
    server.stop()


def opened(browser: Browser, processor: Processor, path: str = "/", **options: object) -> Watched:
    context = browser.new_context(base_url=processor.url, **{"viewport": DESKTOP, **options})  # type: ignore[arg-type]
    context.set_default_timeout(20_000)
    watched = Watched(context)
    watched.page.goto(path)
    return watched


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_readable_complete_and_fits(
    browser: Browser,
    processor: Processor,
    path: str,
    viewport: dict[str, int],
    scheme: str,
    tmp_path: Path,
) -> None:
    watched = opened(browser, processor, path, viewport=viewport, color_scheme=scheme)
    assert watched.complaints == []
    assert flaws(watched.page) == []
    assert unreadable(watched.page) == []
    assert watched.ask("document.documentElement.scrollWidth") <= viewport["width"]
    picture = watched.page.screenshot(path=tmp_path / "page.png", full_page=True)
    assert io.BytesIO(picture).read(4) == b"\x89PNG"
    background = watched.ask("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(18, 21, 25)") == (scheme == "dark")
    watched.page.context.close()


def test_a_page_with_flaws_would_be_found(browser: Browser) -> None:
    page = browser.new_context().new_page()
    page.set_content(
        "<h1>x</h1><h3>y</h3><main><input name=q><a href=/></a><p style='color:#999'>pale</p>"
        "<table><tr><th>z</th></tr></table><svg></svg></main>"
    )
    assert unreadable(page) == ["2.85 P pale"]
    assert flaws(page) == [
        "not one language",
        "not one title",
        'no name: <a href="/"></a>',
        "svg that is read out",
        "no label: q",
        "table without caption",
        "th without scope: z",
        "a heading level is left out",
    ]
    page.context.close()


def test_the_ten_dearest_are_shown_and_all_are_a_link_away(
    browser: Browser, processor: Processor
) -> None:
    page = opened(browser, processor).page
    table = page.get_by_role("region", name="Cost by feature, scrolls sideways")
    expect(table.locator("tbody tr")).to_have_count(11)
    expect(table.get_by_role("row").nth(1)).to_contain_text("feature-499")
    table.get_by_role("link", name="490 others").click()
    expect(page.locator("tbody tr")).to_have_count(200)
    page.get_by_role("link", name="Next").click()
    page.get_by_role("link", name="Next").click()
    expect(page.get_by_text("401 to 500 of 500")).to_be_visible()
    expect(page.get_by_role("link", name="Next")).to_have_count(0)


def test_a_table_is_sorted_by_its_headings_without_a_script(
    browser: Browser, processor: Processor
) -> None:
    page = opened(browser, processor, "/costs?by=tenant", java_script_enabled=False).page
    heading = page.get_by_role("columnheader", name="Tenant")
    assert heading.get_attribute("aria-sort") is None
    page.get_by_role("link", name="Tenant", exact=True).click()
    assert heading.get_attribute("aria-sort") == "ascending"
    assert page.locator("tbody th a").first.text_content() == "tenant-000"
    page.get_by_role("columnheader", name="Tenant").get_by_role("link").click()
    assert heading.get_attribute("aria-sort") == "descending"
    assert page.locator("tbody th a").first.text_content() == "tenant-199"


def test_one_drills_from_a_feature_to_what_one_request_cost(
    browser: Browser, processor: Processor
) -> None:
    page = opened(browser, processor).page
    page.get_by_role("link", name="feature-499", exact=True).first.click()
    expect(page.locator(".chip")).to_contain_text("feature feature-499")
    page.get_by_role("link", name="See these requests").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.locator("tbody th a").click()
    # 2499 input of which 1152 cached, 84 output: 1347 x $0.25 + 1152 x $0.025 + 84 x $2, a million.
    expect(page.locator("tfoot")).to_contain_text("$0.00053355")
    expect(page.get_by_text("genai-prices", exact=False).first).to_be_visible()


def test_one_goes_from_day_to_day(browser: Browser, processor: Processor) -> None:
    page = opened(browser, processor, "/?tenant=tenant-007").page
    days = page.get_by_role("navigation", name="Other days")
    expect(days.get_by_role("link")).to_have_count(1)
    days.get_by_role("link").click()
    expect(days.get_by_role("link")).to_have_count(2)
    expect(page.locator(".figure").first).to_have_text("$0.00")
    expect(page.locator(".chip")).to_contain_text("tenant-007")
    days.get_by_role("link").last.click()
    expect(page.get_by_role("heading", name="AI cost today")).to_be_visible()


def test_a_filter_is_set_shown_and_removed(browser: Browser, processor: Processor) -> None:
    page = opened(browser, processor).page
    page.get_by_text("Day and filters").click()
    page.get_by_label("Tenant", exact=True).fill("tenant-007")
    page.get_by_role("button", name="Show").click()
    expect(page.locator(".chip")).to_contain_text("tenant tenant-007")
    assert "tenant=tenant-007" in page.url
    features = page.get_by_role("region", name="Cost by feature, scrolls sideways")
    expect(features.locator("tbody tr")).to_have_count(3)
    page.get_by_role("link", name="Remove the filter tenant tenant-007").click()
    expect(page.locator(".chip")).to_have_count(0)


def test_what_has_no_price_and_no_owner_stands_beside_the_total(
    browser: Browser, processor: Processor
) -> None:
    page = opened(browser, processor).page
    now = page.get_by_role("region", name="Now")
    expect(now).to_contain_text("2.0 % of calls unpriced")
    expect(now).to_contain_text("all cost tagged")
    owners = page.get_by_role("region", name="Cost by owner, scrolls sideways")
    expect(owners.get_by_role("row", name="unowned")).to_be_visible()
    now.get_by_role("link", name="2.0 % of calls unpriced").first.click()
    expect(page.locator("tbody tr")).to_have_count(10)


def test_a_budget_that_is_used_up_says_so_in_words(browser: Browser, processor: Processor) -> None:
    page = opened(browser, processor).page
    row = page.get_by_role("row", name="everything, a month")
    expect(row).to_contain_text(", over")


def test_the_keyboard_reaches_the_content_at_once_and_shows_where_it_is(
    browser: Browser, processor: Processor
) -> None:
    watched = opened(browser, processor)
    keyboard = watched.page.keyboard
    keyboard.press("Tab")
    assert watched.ask("document.activeElement.textContent") == "Skip to the content"
    assert watched.ask("document.activeElement.getBoundingClientRect().left") >= 0
    keyboard.press("Enter")
    assert watched.ask("document.activeElement.id") == "main"
    for _ in range(25):
        keyboard.press("Tab")
        outline = "getComputedStyle(document.activeElement).outlineStyle"
        assert watched.ask(outline) == "solid", watched.ask("document.activeElement.outerHTML")


def test_colours_are_chosen_with_a_button_and_kept(browser: Browser, processor: Processor) -> None:
    watched = opened(browser, processor, "/status", color_scheme="light")
    watched.page.get_by_role("button", name="dark").click()
    assert watched.page.url.endswith("/status")
    watched.page.goto("/")
    assert watched.ask("getComputedStyle(document.body).backgroundColor") == "rgb(18, 21, 25)"
    assert watched.page.get_by_role("button", name="dark").get_attribute("aria-pressed") == "true"


def test_paper_shows_the_figures_and_no_controls(browser: Browser, processor: Processor) -> None:
    page = opened(browser, processor, color_scheme="dark").page
    page.emulate_media(media="print")
    for hidden in ("header form", ".filters", ".choice", "a[download]"):
        expect(page.locator(hidden).first).to_be_hidden()
    expect(page.get_by_role("heading", name="Cost by day")).to_be_visible()
    assert unreadable(page) == []
    assert page.pdf(format="A4")[:5] == b"%PDF-"
