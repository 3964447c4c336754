"""Requests that name tags, and what the tags are where the code under test runs."""

from __future__ import annotations

from opentelemetry import context

from taximeter.tags import values_in

HEADERS = {"x-taximeter-feature": "search", "x-taximeter-tenant": "acme"}
FOUND = {"feature": "search", "tenant": "acme"}
TRUSTED = "10.0.0.0/8,fd00::/8"


def now() -> dict[str, str]:
    """The tags in force here, by their short names."""
    values = values_in(context.get_current())
    return {name.removeprefix("taximeter."): value for name, value in values.items()}
