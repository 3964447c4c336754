"""More spend than is normal. The hours are given as recorded; promtool evaluates every hour."""

from __future__ import annotations

from pathlib import Path

import pytest

from taximeter_processor.names import OWNER_INFO, SPEND, TENANT_SPEND
from taximeter_processor.observability.recorded import (
    BASE_COST_1H,
    BASE_REQUESTS_1H,
    BASE_TENANT_COST_1H,
)
from tests.taximeter_processor.observability.prometheus_tools import (
    Expected,
    Message,
    firing,
    promtool_test,
    series,
)

SPIKE = "TaximeterSpendAnomaly"
DRIFT = "TaximeterSpendDrift"
TENANT = "TaximeterTenantSpendAnomaly"
ALICE = 'feature="chat",owner="alice",team="growth"'
WEEK, DAY = 168, 24
SETTLED = 5 * WEEK
CHAT = f'{BASE_COST_1H}{{feature="chat"}}'


def hours(*values: str) -> dict[str, str]:
    """Dollars of each hour, and the owner."""
    return {
        CHAT: " ".join(values),
        series(OWNER_INFO, feature="chat", owner="alice"): "1x1000",
    }


def by_the_hour(folder: Path, given: dict[str, str], *expected: Expected | Message) -> None:
    promtool_test(folder, given, *expected, interval="1h")


def test_three_times_the_normal_hour_fires(tmp_path: Path) -> None:
    given = hours(f"10x{SETTLED}", "30x5")
    at = SETTLED + 1
    by_the_hour(tmp_path, given, firing(f"{at}h", SPIKE), firing(f"{at + 1}h", SPIKE, ALICE))


def test_half_as_much_again_is_no_anomaly(tmp_path: Path) -> None:
    by_the_hour(tmp_path, hours(f"10x{SETTLED}", "15x9"), firing(f"{SETTLED + 9}h", SPIKE))


@pytest.mark.parametrize(
    ("requests", "who"),
    [(36, ()), (100, (ALICE,))],
    ids=["limit $10 x (1 + 15/6) = $35", "limit $10 x (1 + 15/10) = $25"],
)
def test_three_times_the_normal_hour_may_be_chance_when_requests_are_few(
    tmp_path: Path, requests: int, who: tuple[str, ...]
) -> None:
    given = hours(f"10x{SETTLED}", "30x5")
    given[f'{BASE_REQUESTS_1H}{{feature="chat"}}'] = f"{requests}x1000"
    by_the_hour(tmp_path, given, firing(f"{SETTLED + 3}h", SPIKE, *who))


def test_less_than_a_dollar_more_wakes_nobody(tmp_path: Path) -> None:
    by_the_hour(tmp_path, hours(f"0.3x{SETTLED}", "1.2x9"), firing(f"{SETTLED + 9}h", SPIKE))


def test_a_fall_is_no_anomaly(tmp_path: Path) -> None:
    by_the_hour(tmp_path, hours(f"10x{SETTLED}", "0x30"), firing(f"{SETTLED + 9}h", SPIKE))


def test_a_busy_hour_of_every_week_is_normal(tmp_path: Path) -> None:
    week = " ".join(["60", *["10"] * (WEEK - 1)])
    by_the_hour(tmp_path, hours(*[week] * 6), firing(f"{SETTLED}h", SPIKE))


def test_after_two_weeks_of_holidays_a_normal_hour_is_normal(tmp_path: Path) -> None:
    given = hours(f"10x{3 * WEEK - 1}", f"4x{2 * WEEK - 1}", "10x30")
    by_the_hour(tmp_path, given, *(firing(f"{SETTLED + h}h", SPIKE) for h in (1, 5, 25)))


def test_it_resolves_two_hours_after_the_spike(tmp_path: Path) -> None:
    given = hours(f"10x{SETTLED}", "30x5", "10x9")
    last = SETTLED + 6
    by_the_hour(
        tmp_path, given, firing(f"{last + 1}h", SPIKE, ALICE), firing(f"{last + 4}h", SPIKE)
    )


def test_a_new_level_is_told_of_for_two_days_only(tmp_path: Path) -> None:
    given = hours(f"10x{SETTLED}", "30x80")
    moments = [firing(f"{SETTLED + h}h", SPIKE, *who) for h, who in ((9, (ALICE,)), (60, ()))]
    by_the_hour(tmp_path, given, *moments)


def test_a_feature_of_five_days_is_compared_with_its_busy_hours(tmp_path: Path) -> None:
    busy_days = " ".join(["20"] * 12 + ["5"] * 12)
    given = hours(*[busy_days] * 5, "70x5")
    by_the_hour(
        tmp_path, given, firing(f"{5 * DAY}h", SPIKE), firing(f"{5 * DAY + 3}h", SPIKE, ALICE)
    )


def test_a_feature_of_one_day_has_no_normal(tmp_path: Path) -> None:
    by_the_hour(tmp_path, hours("5x30", "500x5"), firing("34h", SPIKE))


def test_a_gap_in_the_weeks_is_no_anomaly(tmp_path: Path) -> None:
    given = hours(f"10x{2 * WEEK}", f"_x{WEEK}", f"10x{3 * WEEK}")
    by_the_hour(tmp_path, given, firing(f"{SETTLED + 20}h", SPIKE))


def test_the_message_names_both_amounts(tmp_path: Path) -> None:
    message = Message(
        f"{SETTLED + 3}h",
        SPIKE,
        {"feature": "chat", "owner": "alice", "team": "growth", "severity": "warning"},
        "Feature chat spent $30.00 in an hour; $10.00 is normal for this hour of the week.",
        "The cost of a request is normal, so there are more requests: a loop, a leak, retries, "
        "or more users.",
        "http://localhost:3000/d/taximeter-feature?var-feature=chat",
    )
    by_the_hour(tmp_path, hours(f"10x{SETTLED}", "30x5"), message)


def test_spend_that_creeps_up_by_a_tenth_a_day_is_drift(tmp_path: Path) -> None:
    given = hours(f"10x{SETTLED}", "10+0.0417x200")
    moments = [firing(f"{SETTLED + d * DAY}h", DRIFT, *w) for d, w in ((3, ()), (6, (ALICE,)))]
    by_the_hour(tmp_path, given, *moments)


def test_growth_of_a_hundredth_a_day_is_no_drift(tmp_path: Path) -> None:
    given = hours(f"10x{SETTLED}", "10+0.00417x400")
    by_the_hour(tmp_path, given, firing(f"{SETTLED + 16 * DAY}h", DRIFT))


def test_drift_ends_a_day_after_it_was_mended(tmp_path: Path) -> None:
    given = hours(f"10x{SETTLED}", "10+0.0417x150", "10x80")
    by_the_hour(tmp_path, given, firing(f"{SETTLED + 150 + 70}h", DRIFT))


def tenants(*values: str) -> dict[str, str]:
    """Dollars of each hour of acme; growth pays for it and alice owns growth's feature."""
    return {
        series(TENANT_SPEND, tenant="acme", window="1h"): " ".join(values),
        series(TENANT_SPEND, tenant="other", window="1h"): f"1x{SETTLED} 900x9",
        series(OWNER_INFO, feature="chat", owner="alice"): "1x1000",
        series(SPEND, feature="chat", window="month"): "70x1000",
    }


def test_a_tenants_burst_goes_to_the_owner_of_its_team(tmp_path: Path) -> None:
    given = tenants(f"2x{SETTLED}", "9x5")
    who = 'owner="alice",team="growth"'
    at = SETTLED + 3
    by_the_hour(tmp_path, given, firing(f"{SETTLED}h", TENANT), firing(f"{at}h", TENANT, who))


def test_a_tenants_burst_ends(tmp_path: Path) -> None:
    given = tenants(f"2x{SETTLED}", "9x5", "2x9")
    by_the_hour(tmp_path, given, firing(f"{SETTLED + 11}h", TENANT))


def test_a_tenant_whose_team_nobody_owns_is_unowned(tmp_path: Path) -> None:
    given = {
        f'{BASE_TENANT_COST_1H}{{tenant="acme"}}': f"2x{SETTLED} 9x5",
        'taximeter:tenant_owner{tenant="acme",team="growth",owner="unowned"}': "1x1000",
    }
    who = 'owner="unowned",team="growth"'
    by_the_hour(tmp_path, given, firing(f"{SETTLED + 3}h", TENANT, who))
