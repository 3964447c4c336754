"""A real Chromium for tests, and what to ask of any page in it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, cast

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.support.servers import program

_HERE: Final = Path(__file__).parent
_ARGUMENTS: Final = ("--no-sandbox", "--host-resolver-rules=MAP rebound.example 127.0.0.1")


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """The system's Chromium, for which `rebound.example` is this machine."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program("chromium"), args=list(_ARGUMENTS)
        )
        yield browser
        browser.close()


class Watched:
    """One page of a context, and everything it complained about or ran that it should not."""

    def __init__(self, context: BrowserContext) -> None:
        self.page: Page = context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", self._dismiss)

    def _dismiss(self, dialog: Any) -> None:
        self.complaints.append(f"dialog {dialog.message}")
        dialog.dismiss()

    def ask(self, script: str) -> Any:
        """The value of a JavaScript expression on the page."""
        return self.page.evaluate(script)


def unreadable(page: Page) -> list[str]:
    """Texts whose contrast to what is behind them is below 4.5, or 3 where they are large."""
    return cast("list[str]", page.evaluate((_HERE / "unreadable.js").read_text()))


def flaws(page: Page) -> list[str]:
    """What a screen reader or keyboard would miss: names, labels, captions, scopes, landmarks."""
    return cast("list[str]", page.evaluate((_HERE / "flaws.js").read_text()))
