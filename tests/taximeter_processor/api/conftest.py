"""One real processor for the tests of its HTTP surface."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.servers import Processor


@pytest.fixture(scope="module")
def processor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processor]:
    """Running with the default configuration on a ledger of its own."""
    server = Processor(tmp_path_factory.mktemp("processor"), limits={"body_bytes": 1_000_000})
    server.start()
    yield server
    server.stop()
