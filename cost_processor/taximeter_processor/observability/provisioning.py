"""Turns addresses into Prometheus' scrape configuration and Grafana's provisioning files."""

from __future__ import annotations

from typing import Final

from taximeter_processor.observability.alerts.meter import PROCESSOR_JOB
from taximeter_processor.settings import Addresses

SCRAPE_INTERVAL: Final = "15s"
DATASOURCE_UID: Final = "taximeter-prometheus"
POSTGRES_DATASOURCE_UID: Final = "taximeter-ledger"


def prometheus_config(addresses: Addresses) -> dict[str, object]:
    """A complete Prometheus configuration as plain values; paths are relative to its own."""
    processors = [
        {"targets": [address], "labels": {"instance": writer}}
        for writer, address in addresses.processors.items()
    ]
    authorization: dict[str, object] = (
        {"authorization": {"credentials_file": addresses.token_file}}
        if addresses.token_file
        else {}
    )
    return {
        "global": {"scrape_interval": SCRAPE_INTERVAL, "evaluation_interval": SCRAPE_INTERVAL},
        "rule_files": ["../rules/taximeter.yml"],
        "alerting": {
            "alertmanagers": [{"static_configs": [{"targets": [addresses.alertmanager]}]}]
        },
        "scrape_configs": [
            {"job_name": PROCESSOR_JOB, **authorization, "static_configs": processors},
            {
                "job_name": "otel-collector",
                "static_configs": [{"targets": [addresses.collector]}],
            },
        ],
    }


def grafana_datasources(addresses: Addresses) -> dict[str, object]:
    """The data source; not the default one, of which a Grafana can have only one."""
    return {
        "apiVersion": 1,
        "datasources": [
            {
                "name": "Taximeter Prometheus",
                "uid": DATASOURCE_UID,
                "type": "prometheus",
                "access": "proxy",
                "url": f"http://{addresses.prometheus}",
                "isDefault": False,
                "editable": False,
                # Grafana derives $__rate_interval from it.
                "jsonData": {"timeInterval": SCRAPE_INTERVAL, "httpMethod": "POST"},
            }
        ],
    }


def grafana_postgres_datasource(addresses: Addresses) -> dict[str, object]:
    """The ledger on PostgreSQL, for the dashboard of single calls; others leave the file out."""
    return {
        "apiVersion": 1,
        "datasources": [
            {
                "name": "Taximeter ledger",
                "uid": POSTGRES_DATASOURCE_UID,
                "type": "grafana-postgresql-datasource",
                "access": "proxy",
                "url": addresses.postgres,
                "user": "$TAXIMETER_READER",
                "secureJsonData": {"password": "$TAXIMETER_READER_PASSWORD"},
                "isDefault": False,
                "editable": False,
                "jsonData": {"database": "taximeter", "sslmode": addresses.postgres_sslmode},
            }
        ],
    }


def grafana_dashboard_providers() -> dict[str, object]:
    """Where Grafana finds the dashboards."""
    return {
        "apiVersion": 1,
        "providers": [
            {
                "name": "taximeter",
                "folder": "Taximeter",
                "folderUid": "taximeter",
                "type": "file",
                "allowUiUpdates": False,
                "options": {"path": "/var/lib/grafana/dashboards/taximeter"},
            }
        ],
    }
