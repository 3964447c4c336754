"""Families written as text are what the library itself would have written."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.core import CounterMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
from prometheus_client.registry import Collector, CollectorRegistry

from taximeter_processor.metrics.counters import CostCounters
from taximeter_processor.metrics.text import TextFamily, labels_text
from taximeter_processor.names import Metric
from tests.support.records import call

MONEY = Metric("money_usd_total", "counter", 'Dollars, "all" of\nthem.', ("team", "feature"))


class Library(Collector):
    """The same family as the library's own objects."""

    def __init__(self, values: dict[tuple[str, str], float]) -> None:
        self._values = values

    def collect(self) -> list[CounterMetricFamily]:
        family = CounterMetricFamily("money_usd", MONEY.help, labels=list(MONEY.labels))
        for labels, value in self._values.items():
            family.add_metric(list(labels), value)
        return [family]


def registry(values: dict[tuple[str, str], float]) -> CollectorRegistry:
    found = CollectorRegistry()
    found.register(Library(values))
    return found


def written(values: dict[tuple[str, str], float]) -> TextFamily:
    lines = [
        f"money_usd_total{{{labels_text(MONEY.labels, labels)}}} {value}\n"
        for labels, value in values.items()
    ]
    return TextFamily(MONEY, lines)


hostile = st.dictionaries(
    st.tuples(st.text(max_size=8), st.sampled_from(['"', "\\", "\n", '\\"\n', "a"])),
    st.floats(0, 1000, allow_nan=False),
    max_size=5,
)


@given(hostile)
def test_the_text_is_the_librarys(values: dict[tuple[str, str], float]) -> None:
    ours = written(values).text().split("\n")[2:-1]
    theirs = generate_latest(registry(values)).decode().split("\n")[2:-1]
    assert [line.rpartition(" ")[0] for line in ours] == [
        line.rpartition(" ")[0] for line in theirs
    ]
    assert [float(line.rpartition(" ")[2]) for line in ours] == list(values.values())


def test_openmetrics_names_the_family_without_total() -> None:
    values = {("growth", "search"): 1.5}
    theirs = generate_openmetrics(registry(values)).decode()  # type: ignore[no-untyped-call]
    assert written(values).openmetrics() + "# EOF\n" == theirs


def test_samples_are_the_values_of_the_lines() -> None:
    (sample,) = written({("growth", 'a"b'): 2.25}).samples
    assert (sample.labels, sample.value) == ({"team": "growth", "feature": 'a"b'}, 2.25)


def test_a_bucket_shows_the_last_call_in_it_to_openmetrics_alone() -> None:
    counters = CostCounters(birth_hold_seconds=0)
    counters.apply([call(1)])
    (histogram,) = (
        family
        for family in counters.collect(call(1).ingested_at)
        if isinstance(family, TextFamily) and family.name == "taximeter_request_cost_usd"
    )
    (family,) = parse(histogram.openmetrics() + "# EOF\n")  # type: ignore[no-untyped-call]
    (exemplar,) = (sample.exemplar for sample in family.samples if sample.exemplar)
    assert exemplar.labels == {"trace_id": call(1).trace_id}
    assert exemplar.value == 0.0002368
    assert " # " not in histogram.text().split("# TYPE")[1]
