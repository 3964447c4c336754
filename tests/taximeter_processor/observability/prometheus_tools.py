"""Debian's promtool and amtool for tests: rules and queries run on series written by hand."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
import yaml

from taximeter_processor.names import Metric
from taximeter_processor.observability import alerts

ROOT = Path(__file__).parents[3]
RULES = ROOT / "grafana" / "rules" / "taximeter.yml"
PACKAGES = {"promtool": "prometheus", "amtool": "prometheus-alertmanager"}

_USUAL = {
    "provider": "openai",
    "model": "gpt-5",
    "environment": "prod",
    "request_type": "interactive",
    "team": "growth",
    "instance": "main",
    "job": "taximeter",
}
_TELLING = "owner, team, feature, budget, job, reason, exporter"


class Expected(NamedTuple):
    """What a query answers at a time: values by their labels."""

    at: str
    expr: str
    values: Mapping[str, float]


class Message(NamedTuple):
    """What an alert says when it fires."""

    at: str
    alert: str
    labels: Mapping[str, str]
    summary: str
    description: str
    dashboard: str = ""
    """Where it leads; empty: to the board of the alert, for the feature or tenant it is about."""


def run(tool: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run promtool or amtool; its absence fails the test with what to install."""
    path = shutil.which(tool)
    if path is None:
        pytest.fail(f"{tool} is missing: apt-get install {PACKAGES[tool]}", pytrace=False)
    return subprocess.run([path, *arguments], capture_output=True, text=True, check=False)


def accepts(tool: str, *arguments: str | Path) -> None:
    """The tool ends well, or the test shows what it said."""
    result = run(tool, *arguments)
    assert result.returncode == 0, result.stdout + result.stderr


def series(metric: Metric, **labels: str) -> str:
    """One series of a metric as the processor shows it: usual values where none is given."""
    known = {**_USUAL, **labels}
    names = [*metric.labels, *({"instance", "job", *labels} - {*metric.labels})]
    return f"{metric.name}{{{','.join(f'{name}={_quoted(known[name])}' for name in names)}}}"


def firing(at: str, alert: str, *who: str) -> Expected:
    """The alert fires for each `who` (its labels without name and severity) and nobody else."""
    expr = f'group by ({_TELLING}) (ALERTS{{alertname="{alert}",alertstate="firing"}})'
    return Expected(at, expr, {f"{{{labels}}}": 1 for labels in who})


def promtool_test(
    folder: Path,
    given: Mapping[str, str],
    *expected: Expected | Message,
    interval: str = "1m",
    evaluated: str = "",
) -> None:
    """Run the shipped rules over the given series (promtool's notation) and compare.

    `interval` is that of the samples and, where `evaluated` says nothing else, of the rules.
    """
    groups = [group["name"] for group in yaml.safe_load(RULES.read_text())["groups"]]
    document = {
        "rule_files": [str(RULES)],
        "group_eval_order": groups,  # without it, at random: an alert may see the minute before
        "evaluation_interval": evaluated or interval,
        "tests": [
            {
                "interval": interval,
                "input_series": [{"series": name, "values": v} for name, v in given.items()],
                "promql_expr_test": [_query(e) for e in expected if isinstance(e, Expected)],
                "alert_rule_test": [_alert(e) for e in expected if isinstance(e, Message)],
            }
        ],
    }
    path = folder / "test.yml"
    path.write_text(yaml.safe_dump(document))
    accepts("promtool", "test", "rules", path)


def _query(expected: Expected) -> dict[str, Any]:
    samples = [{"labels": labels, "value": value} for labels, value in expected.values.items()]
    return {"expr": expected.expr, "eval_time": expected.at, "exp_samples": samples}


def _alert(message: Message) -> dict[str, Any]:
    annotations = {
        "summary": message.summary,
        "description": message.description,
        "runbook_url": f"docs/runbooks/{message.alert}.md",
        "dashboard": message.dashboard or _dashboard(message),
    }
    return {
        "eval_time": message.at,
        "alertname": message.alert,
        "exp_alerts": [{"exp_labels": dict(message.labels), "exp_annotations": annotations}],
    }


def _dashboard(message: Message) -> str:
    board = next(alert.board for alert in alerts.ALL if alert.name == message.alert)
    url = f"http://localhost:3000/d/{board.uid}"
    if not board.label:
        return url
    return f"{url}?var-{board.label}={quote(message.labels.get(board.label, '$__all'), safe='')}"


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
