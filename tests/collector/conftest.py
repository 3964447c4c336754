"""A sink that stands for the cost processor, and a real Collector in front of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.collector import Collector, program
from tests.support.otlp_sink import OtlpSink


@pytest.fixture(scope="session", autouse=True)
def _built_collector() -> None:
    try:
        program()
    except AssertionError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="module")
def sink() -> Iterator[OtlpSink]:
    with OtlpSink() as sink:
        yield sink


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory, sink: OtlpSink) -> Iterator[Collector]:
    with Collector(tmp_path_factory.mktemp("collector"), sink.url) as collector:
        yield collector
