"""Gauges and counters of the library, made from what `names` says of a metric."""

from __future__ import annotations

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from taximeter_processor.names import Metric


def gauge(metric: Metric) -> GaugeMetricFamily:
    """An empty family with the metric's labels."""
    return GaugeMetricFamily(metric.name, metric.help, labels=list(metric.labels))


def single(metric: Metric, value: float) -> GaugeMetricFamily:
    """A family of one sample without labels."""
    return GaugeMetricFamily(metric.name, metric.help, value=value)


def counter(metric: Metric) -> CounterMetricFamily:
    """An empty family of a counter, whose name ends in `_total`."""
    return CounterMetricFamily(
        metric.name.removesuffix("_total"), metric.help, labels=list(metric.labels)
    )
