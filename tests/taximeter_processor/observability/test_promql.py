from __future__ import annotations

import promql_parser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taximeter_processor.names import SPEND, SPEND_REQUESTS, TENANT_SPEND
from taximeter_processor.observability.promql import rose, select, shared_filters


def test_a_selector_without_conditions_is_the_name() -> None:
    assert select("up") == "up"


def test_filters_come_before_labels_and_labels_may_bring_their_operator() -> None:
    text = select("m", ("team",), window="today", status="=~priced|unpriced", owner="!=unowned")
    assert text == 'm{team=~"$team",window="today",status=~"priced|unpriced",owner!="unowned"}'


@given(st.text())
def test_any_value_makes_a_selector_that_prometheus_can_read(value: str) -> None:
    promql_parser.parse(select("m", label="!=" + value))


def test_metrics_share_the_filters_they_both_have_a_label_for() -> None:
    assert shared_filters(SPEND) == ("environment", "team", "feature", "request_type")
    assert shared_filters(SPEND, TENANT_SPEND) == ("team",)
    assert set(shared_filters(SPEND, SPEND_REQUESTS)) <= set(SPEND_REQUESTS.labels)


@pytest.mark.parametrize("series", ["a_total", '{__name__=~"a(_total)?",b!="c"}'])
def test_a_rise_of_counters_is_a_query_prometheus_can_read(series: str) -> None:
    promql_parser.parse(rose(series, "10m", by="reason"))
