"""Every dashboard: one file each, one line here."""

from __future__ import annotations

from taximeter_processor.errors import TaximeterError


def build_all() -> dict[str, dict[str, object]]:
    """Each dashboard's JSON by its `uid`.

    Raises `TaximeterError` without `grafana-foundation-sdk`, which only building needs.
    """
    try:
        from taximeter_processor.observability.dashboards import daily
    except ModuleNotFoundError as error:
        raise TaximeterError(
            f"{error.name} is missing: building dashboards needs Python 3.11 and "
            "pip install 'taximeter[dev]'"
        ) from error
    return {
        daily.UID: daily.build(),
    }
