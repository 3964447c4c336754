"""What one request costs, and whether the provider's cache is used."""

from __future__ import annotations

from pathlib import Path

from taximeter_processor.names import OWNER_INFO, REQUEST_COST
from taximeter_processor.observability.recorded import (
    BASE_CACHEABLE_1H,
    BASE_CACHED_SHARE_1H,
    BASE_COST_1H,
    BASE_REQUESTS_1H,
)
from tests.taximeter_processor.observability.prometheus_tools import (
    Expected,
    Message,
    firing,
    promtool_test,
    series,
)

DEARER = "TaximeterCostPerRequestRegression"
CREEPING = "TaximeterCostPerRequestDrift"
CACHE = "TaximeterCacheHitCollapse"
RUNAWAY = "TaximeterRunawayRequest"
ALICE = 'feature="chat",owner="alice",team="growth"'
OWNED = {series(OWNER_INFO, feature="chat", owner="alice"): "1x1000"}
TEN_DAYS = 240


def hours(dollars: str, requests: str = "1000x999") -> dict[str, str]:
    return {
        f'{BASE_COST_1H}{{feature="chat"}}': dollars,
        f'{BASE_REQUESTS_1H}{{feature="chat"}}': requests,
        **OWNED,
    }


def by_the_hour(folder: Path, given: dict[str, str], *expected: Expected | Message) -> None:
    promtool_test(folder, given, *expected, interval="1h")


def test_a_request_twice_as_dear_fires(tmp_path: Path) -> None:
    given = hours(f"10x{TEN_DAYS} 20x9")
    at = TEN_DAYS + 1
    by_the_hour(tmp_path, given, firing(f"{at}h", DEARER), firing(f"{at + 1}h", DEARER, ALICE))


def test_twice_the_requests_at_the_same_price_do_not(tmp_path: Path) -> None:
    given = hours(f"10x{TEN_DAYS} 20x9", f"1000x{TEN_DAYS} 2000x9")
    by_the_hour(tmp_path, given, firing(f"{TEN_DAYS + 9}h", DEARER))


def test_the_mean_of_few_requests_may_swing(tmp_path: Path) -> None:
    # 6 standard errors of 16 requests are 150 %: $0.20 instead of $0.10 is within them.
    given = hours(f"1.6x{TEN_DAYS} 3.2x9", "16x999")
    by_the_hour(tmp_path, given, firing(f"{TEN_DAYS + 9}h", DEARER))


def test_it_resolves_two_hours_after_the_price_is_back(tmp_path: Path) -> None:
    given = hours(f"10x{TEN_DAYS} 20x5 10x9")
    last = TEN_DAYS + 6
    by_the_hour(
        tmp_path, given, firing(f"{last + 1}h", DEARER, ALICE), firing(f"{last + 4}h", DEARER)
    )


def test_its_message_names_both_prices_and_the_hours_dollars(tmp_path: Path) -> None:
    message = Message(
        f"{TEN_DAYS + 3}h",
        DEARER,
        {"feature": "chat", "owner": "alice", "team": "growth", "severity": "warning"},
        "A request of feature chat costs $0.0200 instead of $0.0100; it spent $20.00 in the last "
        "hour.",
        "Compared with the same hour of the last seven days. A dearer model, a longer prompt or "
        "answer, a lost cache, or a new price.",
        "http://localhost:3000/d/taximeter-feature?var-feature=chat",
    )
    by_the_hour(tmp_path, hours(f"10x{TEN_DAYS} 20x9"), message)


def test_a_price_that_creeps_up_by_a_twentieth_a_day_is_drift(tmp_path: Path) -> None:
    given = hours(f"10x{TEN_DAYS} 10+0.0208x200")
    two, five = firing(f"{TEN_DAYS + 30}h", CREEPING), f"{TEN_DAYS + 120}h"
    by_the_hour(tmp_path, given, two, firing(five, CREEPING, ALICE))


def test_a_stable_price_is_no_drift(tmp_path: Path) -> None:
    given = hours(f"10x{TEN_DAYS} 10.9x200")
    by_the_hour(tmp_path, given, firing(f"{TEN_DAYS + 120}h", CREEPING))


def test_drift_of_the_price_resolves(tmp_path: Path) -> None:
    given = hours(f"10x{TEN_DAYS} 10+0.0208x100 10x100")
    by_the_hour(tmp_path, given, firing(f"{TEN_DAYS + 175}h", CREEPING))


def cache(share: str, tokens: str = "500000x999", dollars: str = "10x999") -> dict[str, str]:
    return {
        f'{BASE_CACHED_SHARE_1H}{{feature="chat"}}': share,
        f'{BASE_CACHEABLE_1H}{{feature="chat"}}': tokens,
        f'{BASE_COST_1H}{{feature="chat"}}': dollars,
        **OWNED,
    }


def test_a_cache_that_is_missed_fires(tmp_path: Path) -> None:
    given = cache("0.6x100 0.1x9")
    by_the_hour(tmp_path, given, firing("101h", CACHE), firing("103h", CACHE, ALICE))


def test_a_cache_that_was_never_used_is_no_loss(tmp_path: Path) -> None:
    by_the_hour(tmp_path, cache("0.1x100 0x9"), firing("105h", CACHE))


def test_a_few_tokens_without_cache_are_no_loss(tmp_path: Path) -> None:
    by_the_hour(tmp_path, cache("0.6x100 0.1x9", tokens="90000x999"), firing("105h", CACHE))


def test_the_cache_alert_resolves(tmp_path: Path) -> None:
    given = cache("0.6x100 0.1x9 0.6x30")
    by_the_hour(tmp_path, given, firing("110h", CACHE, ALICE), firing("115h", CACHE))


def requests(below: str, all_of_them: str) -> dict[str, str]:
    def bucket(bound: str) -> str:
        name = series(REQUEST_COST, feature="chat").replace("_usd{", "_usd_bucket{")
        return name.replace("{", f'{{le="{bound}",')

    return {bucket("10.0"): below, bucket("+Inf"): all_of_them, **OWNED}


def test_one_request_of_more_than_ten_dollars_pages(tmp_path: Path) -> None:
    given = requests("50x60", "50x20 51x40")
    promtool_test(tmp_path, given, firing("19m", RUNAWAY), firing("22m", RUNAWAY, ALICE))


def test_many_cheap_requests_do_not(tmp_path: Path) -> None:
    given = requests("50+100x60", "50+100x60")
    promtool_test(tmp_path, given, firing("30m", RUNAWAY))


def test_a_runaway_request_is_forgotten_after_a_quarter_of_an_hour(tmp_path: Path) -> None:
    given = requests("50x60", "50x20 51x40")
    promtool_test(tmp_path, given, firing("45m", RUNAWAY))
