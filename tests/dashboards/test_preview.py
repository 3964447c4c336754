"""The drawn pages: every panel with its data, numbers as Grafana's units write them."""

from __future__ import annotations

import re
from html import unescape

import pytest

from tests.dashboards.answers import Target, ask, board, targets
from tests.dashboards.history import HistoryServer, Series
from tests.dashboards.preview.drawing import Answered, page
from tests.dashboards.preview.formats import shown
from tests.dashboards.test_panels import ON_PROMETHEUS


def drawn(history: HistoryServer, uid: str) -> str:
    document = board(uid)
    found: dict[int, list[tuple[Target, list[Series]]]] = {}
    for target in targets(document):
        found.setdefault(target.panel["id"], []).append((target, ask(history, target)))
    panels = [Answered(p, found.get(p["id"], ())) for p in document["panels"]]
    return page(document, panels, {}, "light")


@pytest.mark.parametrize("uid", ON_PROMETHEUS)
def test_every_panel_is_drawn_and_none_is_empty(history: HistoryServer, uid: str) -> None:
    text = drawn(history, uid)
    titles = {panel["title"] for panel in board(uid)["panels"]}
    found = {unescape(title) for title in re.findall(r"<h[23][^>]*>([^<]+)<", text)}
    assert found == titles
    assert "No data" not in text


@pytest.mark.parametrize(
    ("value", "unit", "decimals", "text"),
    [
        (1234.5, "currencyUSD", 2, "$1.23K"),
        (-0.25, "currencyUSD", 2, "-$0.25"),
        (0.125, "percentunit", 1, "12.5%"),
        (2048, "bytes", 1, "2.0 KiB"),
        (1_500_000, "short", 1, "1.5 Mil"),
        (90, "s", 0, "1.5 mins"),
        (float("nan"), "s", 0, "–"),
    ],
)
def test_a_value_is_written_with_its_unit(
    value: float, unit: str, decimals: int, text: str
) -> None:
    assert shown(value, unit, decimals) == text
