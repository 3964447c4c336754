from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from taximeter_processor.observability.provisioning import (
    grafana_postgres_datasource,
    prometheus_config,
)
from taximeter_processor.observability.render import to_yaml
from taximeter_processor.settings import Addresses
from tests.taximeter_processor.observability.prometheus_tools import ROOT, accepts

GRAFANA = ROOT / "grafana"


def scrape_jobs(addresses: Addresses) -> list[dict[str, Any]]:
    jobs: list[dict[str, Any]] = yaml.safe_load(to_yaml(prometheus_config(addresses)))[
        "scrape_configs"
    ]
    return jobs


def test_promtool_accepts_the_scrape_configuration_and_the_rules_it_names() -> None:
    accepts("promtool", "check", "config", GRAFANA / "prometheus" / "prometheus.yml")


def test_each_processor_is_an_instance_named_after_its_writer(tmp_path: Path) -> None:
    addresses = Addresses(processors={"eu": "10.0.0.1:4319", "us": "10.0.0.2:4319"})
    path = tmp_path / "prometheus.yml"
    path.write_text(to_yaml(prometheus_config(addresses)))
    accepts("promtool", "check", "config", "--syntax-only", path)
    (job, _) = scrape_jobs(addresses)
    assert [(c["labels"]["instance"], c["targets"]) for c in job["static_configs"]] == [
        ("eu", ["10.0.0.1:4319"]),
        ("us", ["10.0.0.2:4319"]),
    ]


def test_a_token_is_sent_to_the_processors_alone() -> None:
    (processor, collector) = scrape_jobs(Addresses(token_file="/run/secrets/prometheus"))
    assert processor["authorization"] == {"credentials_file": "/run/secrets/prometheus"}
    assert "authorization" not in collector


def test_the_data_source_knows_how_often_prometheus_scrapes() -> None:
    text = (GRAFANA / "provisioning" / "datasources" / "taximeter.yaml").read_text()
    (source,) = yaml.safe_load(text)["datasources"]
    scraped = yaml.safe_load((GRAFANA / "prometheus" / "prometheus.yml").read_text())
    assert source["jsonData"]["timeInterval"] == scraped["global"]["scrape_interval"]
    assert source["isDefault"] is False


def test_the_ledger_is_read_by_a_user_whose_password_is_in_no_file() -> None:
    text = (GRAFANA / "provisioning" / "datasources" / "taximeter-ledger.yaml").read_text()
    (source,) = yaml.safe_load(text)["datasources"]
    assert source["secureJsonData"] == {"password": "$TAXIMETER_READER_PASSWORD"}
    assert source["type"] == "grafana-postgresql-datasource"
    assert source["jsonData"]["sslmode"] == "require"


def test_a_ledger_without_tls_is_read_without() -> None:
    found: Any = grafana_postgres_datasource(Addresses(postgres_sslmode="disable"))
    assert found["datasources"][0]["jsonData"]["sslmode"] == "disable"


def test_grafana_is_told_where_the_dashboards_are() -> None:
    text = (GRAFANA / "provisioning" / "dashboards" / "taximeter.yaml").read_text()
    (provider,) = yaml.safe_load(text)["providers"]
    assert provider["options"]["path"] == "/var/lib/grafana/dashboards/taximeter"
    assert provider["allowUiUpdates"] is False
