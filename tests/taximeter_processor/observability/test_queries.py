from __future__ import annotations

import pytest

from taximeter_processor.observability.queries import PanelQuery, fill, panel_queries

BOARD = {
    "panels": [
        {"title": "A row", "panels": [{"title": "Inside", "targets": [{"expr": "up"}]}]},
        {"title": "Two", "targets": [{"expr": "a", "legendFormat": "{{b}}"}, {"expr": "c"}]},
    ]
}


def test_every_query_of_every_panel_is_found_those_in_collapsed_rows_included() -> None:
    assert panel_queries(BOARD) == [
        PanelQuery("Inside", "up", ""),
        PanelQuery("Two", "a", "{{b}}"),
        PanelQuery("Two", "c", ""),
    ]


def test_variables_are_filled_in_with_and_without_braces() -> None:
    expr = 'rate(a{team=~"$team",feature=~"${feature}"}[$__rate_interval])'
    assert fill(expr) == 'rate(a{team=~".*",feature=~".*"}[5m])'


def test_a_variable_can_be_given_another_value() -> None:
    assert fill("increase(a[$__range])", {"__range": "1h"}) == "increase(a[1h])"


def test_a_variable_without_a_value_is_not_passed_on() -> None:
    with pytest.raises(KeyError, match="nobody"):
        fill('a{tenant="$nobody"}')
