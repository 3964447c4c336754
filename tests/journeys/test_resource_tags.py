"""Tags that only `OTEL_RESOURCE_ATTRIBUTES` names reach the ledger, below every other tag."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.journeys.conftest import APP, finish
from tests.support.provider import ReplayProvider
from tests.support.servers import Processor, wait_for


def test_a_deployment_can_name_tags_without_touching_the_application(
    tmp_path: Path, provider: ReplayProvider
) -> None:
    processor = Processor(tmp_path)
    processor.start()
    environment = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": processor.url,
        "OTEL_RESOURCE_ATTRIBUTES": "taximeter.feature=checkout,taximeter.team=shop",
        "TAXIMETER_HOSTS": f"127.0.0.1:{provider.port}=openai",
    }
    plans = ("chat:::acme::1", "chat:search::acme::1")
    application = subprocess.Popen(
        [sys.executable, str(APP), provider.base_url, *plans],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    finish(application)
    rows = wait_for(
        "two features in the ledger",
        lambda: [
            (row["feature"], row["team"], row["requests"])
            for row in processor.api("costs", by="feature,team", since="1d")["rows"]
        ],
    )
    processor.stop()
    assert sorted(rows) == [("checkout", "shop", 1), ("search", "shop", 1)]
