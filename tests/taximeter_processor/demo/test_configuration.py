"""The demo's configuration is good, complete and never overwritten."""

from __future__ import annotations

from pathlib import Path

from taximeter_processor.demo.configuration import write_if_absent
from taximeter_processor.demo.workload import FEATURES
from taximeter_processor.names import UNOWNED
from taximeter_processor.owners import Owners
from taximeter_processor.settings import load


def test_it_loads_and_names_its_ledger_absolutely(tmp_path: Path) -> None:
    settings = load(write_if_absent(tmp_path / "my: demo", 5000), environ={})
    assert settings.port == 5000
    assert settings.ledger == str(tmp_path / "my: demo" / "taximeter.duckdb")


def test_every_feature_of_the_demo_has_an_owner(tmp_path: Path) -> None:
    owners = Owners(load(write_if_absent(tmp_path, 5000), environ={}).owners)
    assert UNOWNED not in {owners.owner_of(feature.name, "") for feature in FEATURES}


def test_what_the_user_changed_stays(tmp_path: Path) -> None:
    (tmp_path / "taximeter.yaml").write_text("listen: 127.0.0.1:6000\n")
    assert write_if_absent(tmp_path, 5000).read_text() == "listen: 127.0.0.1:6000\n"
