"""What every attack needs: a real processor, its numbers, and calls that must land all the same."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.otlp import CHAT, proto_span, protobuf
from tests.support.raw_http import post_traces, request
from tests.support.servers import Processor, get


class Target(Processor):
    """A processor under attack."""

    def __init__(self, directory: Path, **settings: Any) -> None:
        super().__init__(directory, **settings)
        self._landed = 0

    def sample(self, line: str) -> float:
        """The value of one sample of the scrape, 0 when it is not there."""
        for text in get(f"{self.url}/metrics", timeout=30).splitlines():
            if text.startswith(f"{line} "):
                return float(text.rpartition(" ")[2])
        return 0.0

    def refused(self, reason: str) -> float:
        """Connections and bodies refused for a reason."""
        return self.sample(f'taximeter_http_refused_total{{reason="{reason}"}}')

    def body(self, number: int, feature: str = "good") -> bytes:
        """One good call that was made just now."""
        span = proto_span(number, {**CHAT, "taximeter.feature": feature})
        span.start_time_unix_nano = time.time_ns() - 2_000_000_000
        span.end_time_unix_nano = span.start_time_unix_nano + 1_000_000_000
        return protobuf(span)

    def still_works(self) -> None:
        """A good call lands, and the ledger agrees with itself."""
        self._landed += 1
        assert post_traces(self.port, self.body(1_000_000 + self._landed)).status == 200
        assert self.calls("good") == self._landed
        verified = json.loads(request(self.port, "GET", "/api/v1/ledger/verify").body)
        assert [check for check in verified["checks"] if not check["ok"]] == []

    def calls(self, feature: str) -> int:
        """Calls of a feature in the ledger."""
        return int(self.api("costs", by="feature", feature=feature)["total"]["requests"])


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """With the default configuration."""
    server = Target(tmp_path_factory.mktemp("target"))
    server.start()
    yield server
    server.stop()
