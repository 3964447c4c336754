"""Every dashboard: one file each, one line here."""

from __future__ import annotations

from taximeter_processor.errors import TaximeterError


def build_all(runbooks_url: str) -> dict[str, dict[str, object]]:
    """Each dashboard's JSON by its `uid`; links to runbooks lead below `runbooks_url`.

    Raises `TaximeterError` without `grafana-foundation-sdk`, which only building needs.
    """
    try:
        from taximeter_processor.observability.dashboards import (
            budgets,
            calls,
            daily,
            feature,
            meter,
            optimizations,
            tenants,
        )
    except ModuleNotFoundError as error:
        raise TaximeterError(
            f"{error.name} is missing: building dashboards needs Python 3.11 and "
            "pip install 'taximeter[dev]'"
        ) from error
    boards = (daily, feature, tenants, optimizations, budgets, meter, calls)
    return {board.UID: board.build(runbooks_url) for board in boards}
