"""The rules of Grafana's `dashboard-linter`, which cannot be built here, and a few of our own.

Left out are its four on `job` and `instance`: boards show all processors together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import promql_parser

from taximeter_processor import names
from taximeter_processor.observability import recorded
from taximeter_processor.observability.promql import REPLICA_LABELS
from taximeter_processor.observability.queries import VARIABLES, fill
from taximeter_processor.observability.rules import RECORDED
from tests.taximeter_processor.observability.dashboards.test_all_dashboards import (
    POSTGRES,
    each_board,
    load,
    panels,
)

COUNTERS = {metric.name for metric in names.ALL if metric.type == "counter"}
WHOLE_COUNTERS = {"Ledger less counters", "Cost in the ledger", "Not in the rates"}
"""Panels that set whole counters against the ledger: they never reset."""
WITH_BIRTHS = re.compile(r"\(\w+ unless last_over_time\(")
TARGET_LABELS = {"instance", "job"}
LABELS = {
    **{metric.name: {*metric.labels} for metric in names.ALL},
    **{f"{m.name}_bucket": {*m.labels, "le"} for m in names.ALL if m.type == "histogram"},
    **{rule: {*metric.labels} - {*REPLICA_LABELS} for rule, metric in RECORDED.items()},
    recorded.RULE_OWNER: {"feature", "team", "owner"},
    "ALERTS": {"alertname", "alertstate", "severity", "owner", "feature", "team"},
    "up": set[str](),
}


def exprs(path: Path) -> Iterator[tuple[str, str]]:
    """Title and expression of every PromQL query, variables still in it."""
    for panel in panels(path):
        for target in panel["targets"]:
            if "expr" in target:
                yield panel["title"], target["expr"]


def selectors(expr: str) -> Iterator[promql_parser.VectorSelector]:
    """Every selector of a query."""

    def visit(node: object) -> Iterator[promql_parser.VectorSelector]:
        if isinstance(node, promql_parser.VectorSelector):
            yield node
        for field in ("expr", "lhs", "rhs", "vector_selector", "args", "param"):
            child = getattr(node, field, None)
            for inner in child if isinstance(child, list) else [child]:
                if isinstance(inner, promql_parser.Expr):
                    yield from visit(inner)

    yield from visit(promql_parser.parse(fill(expr)))


@each_board
def test_every_panel_asks_something(path: Path) -> None:
    assert [panel["title"] for panel in panels(path) if not panel["targets"]] == []


@each_board
def test_every_query_is_promql(path: Path) -> None:
    found = [*exprs(path)]
    for _, expr in found:
        promql_parser.parse(fill(expr))
    assert bool(found) is (path.stem not in POSTGRES)


@each_board
def test_a_rate_is_over_the_interval_that_fits_the_scrapes(path: Path) -> None:
    for title, expr in exprs(path):
        for window in re.findall(r"\brate\([^\[]*\[([^\]]*)\]", expr):
            assert window == "$__rate_interval", title
        assert "irate(" not in expr, title


@each_board
def test_a_counter_is_only_shown_by_how_much_it_rose(path: Path) -> None:
    for title, expr in exprs(path):
        if title in WHOLE_COUNTERS or WITH_BIRTHS.search(expr):
            continue
        bare = re.sub(r"\b(?:rate|increase)\([^\[]*\[[^\]]*\](?: offset \w+)?\)", "", expr)
        assert [name for name in COUNTERS if name in bare] == [], title


@each_board
def test_variables_are_filled_anew_when_the_range_changes(path: Path) -> None:
    for variable in load(path)["templating"]["list"]:
        if variable["type"] == "query":
            assert variable["refresh"] == 2
            assert variable["includeAll"] is True


@each_board
def test_every_variable_of_a_board_narrows_one_of_its_queries(path: Path) -> None:
    text = path.read_text()
    for variable in load(path)["templating"]["list"]:
        name = variable["name"]
        assert f"${name}" in text or f"${{{name}" in text or name == "runbooks", name


@each_board
def test_nobody_edits_it_in_place(path: Path) -> None:
    assert load(path)["editable"] is False


@each_board
def test_every_condition_is_on_a_label_that_the_series_has(path: Path) -> None:
    for title, expr in exprs(path):
        for selector in selectors(expr):
            assert selector.name is not None
            asked = {matcher.name for matcher in selector.matchers.matchers}
            assert asked - LABELS[selector.name] - TARGET_LABELS == set(), (title, selector.name)


@each_board
def test_every_filter_of_the_board_is_followed_or_the_panel_says_that_it_is_not(
    path: Path,
) -> None:
    filters = [v["name"] for v in load(path)["templating"]["list"] if v["name"] in VARIABLES]
    for panel in panels(path):
        used = {
            name
            for target in panel["targets"]
            if "expr" in target
            for name in re.findall(r"\$(\w+)", target["expr"])
        }
        missing = [name for name in filters if name not in used]
        if len(missing) < len(filters) and path.stem not in POSTGRES:
            for name in missing:
                assert name.replace("_", " ") in panel["description"], panel["title"]
