from __future__ import annotations

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from taximeter_processor import names
from taximeter_processor.observability import recorded
from taximeter_processor.observability.queries import fill, panel_queries
from tests.taximeter_processor.observability.prometheus_tools import ROOT, RULES

FILES = sorted((ROOT / "grafana" / "dashboards").glob("*.json"))
BUCKETS = {f"{metric.name}_bucket" for metric in names.ALL if metric.type == "histogram"}
KNOWN = {"up", "ALERTS", *recorded.RULES, *(metric.name for metric in names.ALL), *BUCKETS}
UNITS = {"currencyUSD", "percentunit", "short", "s", "d", "bytes", "dateTimeAsIso"}
POSTGRES = ["taximeter-calls"]

each_board = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def load(path: Path) -> dict[str, Any]:
    board: dict[str, Any] = json.loads(path.read_text())
    return board


def panels(path: Path) -> list[dict[str, Any]]:
    return [panel for panel in load(path)["panels"] if panel["type"] != "row"]


def metric_names(expr: str) -> set[str]:
    """Names of the series in a query; a name given as a pattern is returned as the pattern."""
    found: set[str] = set()

    def visit(node: object) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            named = [m.value for m in node.matchers.matchers if m.name == "__name__"]
            found.update([node.name] if node.name else named)
        for field in ("expr", "lhs", "rhs", "vector_selector", "args", "param"):
            child = getattr(node, field, None)
            for inner in child if isinstance(child, list) else [child]:
                if isinstance(inner, promql_parser.Expr):
                    visit(inner)

    visit(promql_parser.parse(expr))
    return found


def test_there_is_a_dashboard_for_each_question() -> None:
    assert [path.stem for path in FILES] == [
        f"taximeter-{name}"
        for name in ("budgets", "calls", "daily", "feature", "meter", "optimizations", "tenants")
    ]


@each_board
def test_it_is_classic_json_named_after_its_stable_uid(path: Path) -> None:
    board = load(path)
    assert board["schemaVersion"] == 41
    assert board["uid"] == path.stem
    assert len(board["uid"]) <= 40
    assert "__inputs" not in board


@each_board
def test_every_panel_has_a_title_a_description_and_a_unit(path: Path) -> None:
    for panel in panels(path):
        assert panel["title"]
        assert panel["description"].endswith(".")
        units = [panel["fieldConfig"]["defaults"]["unit"]]
        for override in panel["fieldConfig"]["overrides"]:
            units += [each["value"] for each in override["properties"] if each["id"] == "unit"]
        assert {*units} <= UNITS


@each_board
def test_a_row_of_panels_fills_the_grid_and_no_panel_is_too_narrow_to_read(path: Path) -> None:
    widths: dict[int, int] = {}
    for panel in panels(path):
        box = panel["gridPos"]
        assert box["w"] >= 4, panel["title"]
        widths[box["y"]] = widths.get(box["y"], 0) + box["w"]
    assert {*widths.values()} == {24}


@each_board
def test_a_table_has_no_more_columns_than_a_small_screen_can_scroll(path: Path) -> None:
    for panel in panels(path):
        if panel["type"] == "table" and "transformations" in panel:
            (organized,) = [t for t in panel["transformations"] if t["id"] == "organize"]
            assert len(organized["options"]["indexByName"]) <= 9


@each_board
def test_it_links_to_its_sisters_and_to_the_alerts(path: Path) -> None:
    links = {link["title"]: link for link in load(path)["links"]}
    assert links["Taximeter"]["tags"] == ["taximeter"]
    assert links["Taximeter"]["includeVars"] is True
    assert links["Alerts"]["url"] == "/alerting/list?search=Taximeter"


def test_links_in_tables_lead_to_boards_and_variables_that_exist() -> None:
    boards = {path.stem: load(path) for path in FILES}
    found = 0
    for board in boards.values():
        for link in re.findall(r'"/d/([\w-]+)\?var-(\w+)=', json.dumps(board)):
            uid, variable = link
            assert variable in {v["name"] for v in boards[uid]["templating"]["list"]}, link
            found += 1
    assert found >= 8


def test_a_firing_alert_leads_to_its_runbook() -> None:
    (panel,) = [
        panel
        for path in FILES
        for panel in panels(path)
        if path.stem == "taximeter-daily" and panel["title"] == "Firing alerts"
    ]
    assert '"${runbooks}/${__value.raw}.md"' in json.dumps(panel)


@each_board
def test_the_data_source_is_chosen_by_the_viewer_everywhere(path: Path) -> None:
    board = load(path)
    kind, name = "prometheus", "datasource"
    if path.stem in POSTGRES:  # links hand variables on by name: another kind has another
        kind, name = "grafana-postgresql-datasource", "ledger"
    chosen = {"type": kind, "uid": f"${name}"}
    asked = [*panels(path), *board["annotations"]["list"][1:]]
    asked += [target for panel in panels(path) for target in panel["targets"]]
    variables = board["templating"]["list"]
    asked += [variable for variable in variables if variable["type"] == "query"]
    assert [part for part in asked if part["datasource"] != chosen] == []
    assert (variables[0]["name"], variables[0]["label"]) == (name, "Data source")
    assert variables[0]["query"] == kind


@each_board
def test_no_panel_covers_another_or_leaves_the_grid(path: Path) -> None:
    boxes = [panel["gridPos"] for panel in load(path)["panels"]]
    for box in boxes:
        assert box["x"] + box["w"] <= 24
    for a, b in combinations(boxes, 2):
        beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
        assert beside or a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"], (a, b)


@each_board
def test_panel_numbers_and_query_letters_are_unique(path: Path) -> None:
    numbers = [panel["id"] for panel in load(path)["panels"]]
    assert len({*numbers}) == len(numbers)
    for panel in panels(path):
        letters = [target["refId"] for target in panel["targets"]]
        assert len({*letters}) == len(letters) >= 1


@each_board
def test_every_query_names_only_series_that_exist(path: Path) -> None:
    board = load(path)
    exprs = [query.expr for query in panel_queries(board)]
    exprs += [fill(note["expr"]) for note in board["annotations"]["list"][1:]]
    for expr in exprs:
        assert metric_names(expr) - KNOWN == set(), expr
        assert metric_names(expr), expr


@each_board
def test_every_legend_names_labels_the_query_keeps(path: Path) -> None:
    for query in panel_queries(load(path)):
        for label in ("feature", "team", "request_type", "model", "reason", "instance"):
            if f"{{{{{label}}}}}" in query.legend:
                by = re.findall(r"by \(([^)]*)\)", query.expr)
                assert any(label in each.split(", ") for each in by), query.expr


def test_every_rule_names_only_series_that_exist() -> None:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    recorded = {rule.get("record") for rule in rules}
    for expr in (rule["expr"] for rule in rules):
        unknown = metric_names(expr) - KNOWN - recorded
        assert {name for name in unknown if not name.startswith("otelcol_")} == set(), expr
