"""Turns the rule file into a resource of the Prometheus operator."""

from __future__ import annotations

from collections.abc import Mapping


def prometheus_rule(rule_file: Mapping[str, object]) -> dict[str, object]:
    """A `PrometheusRule` with the same groups; the namespace is whoever applies it's to choose."""
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "taximeter", "labels": {"app.kubernetes.io/name": "taximeter"}},
        "spec": dict(rule_file),
    }
