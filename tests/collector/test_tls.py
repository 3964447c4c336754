"""The Collector delivers over TLS, and proves who it is where the processor asks."""

from __future__ import annotations

from pathlib import Path

from tests.support.certificates import Authority
from tests.support.collector import Collector
from tests.support.otlp import CHAT, proto_span, protobuf
from tests.support.raw_http import post_traces
from tests.support.secured import HEADERS, Secured
from tests.support.servers import run_taximeter, wait_for


def test_a_collector_with_a_certificate_delivers_to_a_processor_that_wants_one(
    tmp_path: Path,
) -> None:
    authority = Authority(tmp_path)
    trusted = authority.pair.certificate
    processor = Secured(
        tmp_path / "processor", authority.sign("processor"), trusted, client_ca=str(trusted)
    )
    processor.start()
    client = authority.sign("collector")
    environment = {
        "TAXIMETER_PROCESSOR_HEADERS": f"{{authorization: {HEADERS['authorization']}}}",
        "TAXIMETER_PROCESSOR_CA": str(trusted),
        "TAXIMETER_PROCESSOR_CERTIFICATE": str(client.certificate),
        "TAXIMETER_PROCESSOR_KEY": str(client.key),
    }
    url = f"https://127.0.0.1:{processor.port}"

    def cost() -> bool:
        ran = run_taximeter(
            *("costs", "--config", str(processor.config), "--since", "2026-11-01", "--csv"),
            TAXIMETER_CLIENT_CERTIFICATE=str(client.certificate),
            TAXIMETER_CLIENT_KEY=str(client.key),
        )
        return "search,0.0002368,1," in ran.stdout

    with Collector(tmp_path / "collector", url, environment=environment) as collector:
        assert post_traces(collector.port, protobuf(proto_span(1, CHAT))).status == 200
        wait_for("delivery", cost)
    processor.stop()
