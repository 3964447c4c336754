"""Five weeks of sparse traffic as ledger rows: what the boards are drawn and tested over.

Everything follows from the seed. Caching starts in `support-chat` on 11 November. On the last day
two features are born, one of them with a single batch of $6; a model without a price is tried;
some calls fail, are broken off, or are answered by a cache. One was broken off on each of the two
days before.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any, Final, NamedTuple

from taximeter_processor.ledger.record import Record
from taximeter_processor.periods import to_us
from tests.support.records import CALL

NOW: Final = datetime(2026, 11, 25, 18, tzinfo=timezone.utc)
"""A Wednesday."""
FIRST_DAY: Final = datetime(2026, 10, 22, tzinfo=timezone.utc)
CACHING: Final = datetime(2026, 11, 11, tzinfo=timezone.utc)
QUIET: Final = timedelta(minutes=5)
"""Before `NOW`, and before the same time a day earlier, nothing is called or being held."""

SETTINGS: Final[dict[str, Any]] = {
    "gauge_cache_seconds": 0,
    "owners": [
        {"name": "alice", "features": ["support-chat", "product-search"]},
        {"name": "bob", "teams": ["growth"]},
    ],
    "budgets": [
        {"name": "everything", "usd": 230, "owner": "bob"},
        {"name": "support-chat", "feature": "support-chat", "usd": 40},
        {"name": "growth, daily", "team": "growth", "usd": 4, "period": "day"},
    ],
    "optimizations": [
        {
            "name": "cache the system prompt",
            "feature": "support-chat",
            "date": "2026-11-11",
            "kind": "caching",
            "expected_saving": 0.25,
        },
        {
            "name": "night batches on flex",
            "feature": "weekly-report",
            "date": "2026-11-18",
            "kind": "tier",
        },
        {
            "name": "shorter answers",
            "feature": "product-search",
            "date": "2026-11-24",
            "kind": "prompt",
            "expected_saving": 0.1,
        },
    ],
}


MODELS: Final = {
    "gpt-5": ("openai", 1_250_000, 125_000, 10_000_000),
    "gpt-5-mini": ("openai", 250_000, 25_000, 2_000_000),
    "claude-haiku-4-5": ("anthropic", 1_000_000, 100_000, 5_000_000),
}
"""Provider, and pico-USD of a token of input, of cached input, of output."""


class Feature(NamedTuple):
    """How a feature is used."""

    name: str
    team: str
    request_type: str
    model: str
    calls_a_day: int
    tokens: tuple[int, int]
    """Of input and output, about."""


FEATURES: Final = (
    Feature("support-chat", "care", "interactive", "gpt-5", 70, (20_000, 900)),
    Feature("product-search", "growth", "interactive", "gpt-5-mini", 110, (28_000, 4_000)),
    Feature("weekly-report", "growth", "batch", "claude-haiku-4-5", 24, (150_000, 9_000)),
    Feature("audit", "", "batch", "gpt-5", 5, (60_000, 3_000)),
)
BORN_TODAY: Final = Feature(
    "translations", "growth", "interactive", "gpt-5-mini", 90, (40_000, 6_000)
)
TENANTS: Final = ("acme", "globex", "initech", "umbrella", "")
_TENANT_WEIGHTS: Final = (8, 5, 3, 1, 1)
_BY_WEEKDAY: Final = (1.0, 1.1, 1.05, 1.0, 0.9, 0.4, 0.3)


def records(seed: int = 7) -> list[Record]:
    """Every row, in order of arrival."""
    chance = random.Random(seed)
    found: list[Record] = []
    day = FIRST_DAY
    while day < NOW:
        for feature in FEATURES:
            for moment in _moments(chance, feature, day):
                found.append(_call(chance, len(found), feature, moment))
        day += timedelta(days=1)
    for moment in _moments(chance, BORN_TODAY, NOW.replace(hour=0)):
        if moment.hour >= 10:
            found.append(_call(chance, len(found), BORN_TODAY, moment))
    found += _oddities(chance, len(found))
    return sorted(found, key=lambda record: record.ingested_at)


def _moments(chance: random.Random, feature: Feature, day: datetime) -> Iterator[datetime]:
    """When a feature is called on a day: more around 14:00, less at weekends."""
    wanted = feature.calls_a_day * _BY_WEEKDAY[day.weekday()] * chance.uniform(0.9, 1.1)
    for _ in range(round(wanted)):
        moment = day + timedelta(hours=min(23.98, max(0.0, chance.gauss(14, 4.5))))
        since_six = (moment - NOW).total_seconds() % 86_400
        if moment < NOW and since_six < 86_400 - QUIET.total_seconds():
            yield moment


def _call(
    chance: random.Random, number: int, feature: Feature, moment: datetime, **changes: Any
) -> Record:
    """One priced call; cost is the sum of its meters, list cost that of the same without cache."""
    given, answered = (round(tokens * chance.uniform(0.5, 1.5)) for tokens in feature.tokens)
    caches = feature.name == "support-chat" and moment >= CACHING
    cached = round(given * chance.uniform(0.4, 0.9)) if caches else 0
    provider, price_in, price_cached, price_out = MODELS[feature.model]
    flex = feature.name == "weekly-report" and moment.month == 11 and moment.day >= 18
    costs = [(given - cached) * price_in, cached * price_cached, answered * price_out]
    listed = given * price_in + answered * price_out
    if flex:
        costs = [cost // 2 for cost in costs]
    cost = sum(costs)
    start = to_us(moment)
    values: dict[str, Any] = {
        "trace_id": f"{number + 1:032x}",
        "span_id": f"{number + 1:016x}",
        "start_time": start,
        "end_time": start + 900_000,
        "ingested_at": start + 3_000_000,
        "response_id": f"r-{number}",
        "feature": feature.name,
        "team": feature.team,
        "tenant": chance.choices(TENANTS, _TENANT_WEIGHTS)[0],
        "request_type": feature.request_type,
        "provider": provider,
        "request_model": feature.model,
        "response_model": feature.model,
        "model": feature.model,
        "service_tier": "flex" if flex else "standard",
        "input_tokens": given,
        "output_tokens": answered,
        "cache_read_tokens": cached,
        "reasoning_tokens": None,
        "input_quantity": given - cached,
        "cache_read_quantity": cached,
        "output_quantity": answered,
        "input_cost_usd": costs[0],
        "cache_read_cost_usd": costs[1],
        "output_cost_usd": costs[2],
        "cost_usd": cost,
        "first_cost_usd": cost,
        "list_cost_usd": listed,
        "tier_saved_usd": cost if flex else 0,
    }
    return CALL._replace(**{**values, **changes})


def _oddities(chance: random.Random, number: int) -> Iterator[Record]:
    """One large batch of a feature nobody knew, and calls that are not plainly priced."""
    today = NOW.replace(hour=0)
    batch = Feature("backfill-embeddings", "data", "batch", "gpt-5", 0, (1, 1))
    costs = ("output_cost_usd", "cost_usd", "first_cost_usd", "list_cost_usd")
    six = {
        **dict.fromkeys(costs, 6 * 10**12),
        "input_quantity": 0,
        "input_cost_usd": 0,
        "output_quantity": 3_000_000,
    }
    yield _call(chance, number, batch, today + timedelta(hours=11, minutes=20), **six)
    chat, search = FEATURES[0], FEATURES[1]
    for index in range(15):
        moment = today + timedelta(hours=8, minutes=37 * index)
        kind = ("unpriced", "failed", "cached", "partial", "priority")[index % 5]
        yield _odd_call(chance, number + 1 + index, chat if index % 2 else search, moment, kind)
    for back in (1, 2):
        moment = today - timedelta(days=back) + timedelta(hours=15)
        yield _odd_call(chance, number + 15 + back, search, moment, "partial")


def _odd_call(
    chance: random.Random, number: int, feature: Feature, moment: datetime, kind: str
) -> Record:
    record = _call(chance, number, feature, moment)
    if kind == "priority":  # twice the plain price
        doubled: dict[str, Any] = {name: 2 * value for name, value in _costs(record).items()}
        tier_saved = -record.cost_usd
        return record._replace(**doubled, service_tier="priority", tier_saved_usd=tier_saved)
    if kind == "partial":
        searched = {"web_search": [3, "0.03"]}
        more = 30_000_000_000
        return record._replace(
            usage_status="partial",
            other_meters=json.dumps(searched),
            cost_usd=record.cost_usd + more,
            first_cost_usd=record.first_cost_usd + more,
            list_cost_usd=record.list_cost_usd + more,
        )
    free = dict.fromkeys((*_costs(record), "list_cost_usd"), 0)
    if kind == "cached":
        free["list_cost_usd"] = record.list_cost_usd
    else:
        free |= {name: 0 for name in Record._fields if name.endswith("_quantity")}
    changes: dict[str, Any] = {**free, "status": kind}
    if kind == "unpriced":
        changes |= {"unpriced_reason": "unknown_model", "model": "atlas-7b-in-house"}
    return record._replace(**changes)


def _costs(record: Record) -> dict[str, int]:
    """Every meter's cost, and the sums of them."""
    return {
        name: getattr(record, name)
        for name in Record._fields
        if name.endswith("cost_usd") and name not in ("list_cost_usd", "reported_cost_usd")
    }
