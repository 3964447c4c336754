"""Makes a year of spend of 40 features, with 60 labelled incidents, for the benchmark of alerts.

Everything is on a grid of 5 minutes that begins on a Monday, 00:00 UTC. Volume is growth x hour of
day x weekday x holidays x launches x noise that lasts hours and days; the number of requests is
Poisson, and the mean cost of n requests has the heavy tail of one divided by the root of n. What
an incident adds is kept apart, so its size in dollars is known exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

STEP_MINUTES: Final = 5
PER_HOUR: Final = 60 // STEP_MINUTES
PER_DAY: Final = 24 * PER_HOUR
DAYS: Final = 364
STEPS: Final = DAYS * PER_DAY
FEATURES: Final = 40
WARM_UP_DAYS: Final = 35
"""Nothing is labelled, and nothing counted, before the rules have a month to compare with."""

INCIDENTS: Final = {
    "leak x3": 10,
    "runaway agent": 10,
    "cache broken": 9,
    "model switched": 9,
    "tenant burst": 10,
    "slow drift": 6,
    "price change": 6,
}
_APART_DAYS: Final = 21
_BORN_LATE: Final = 5
_LAUNCHES: Final = 20
_LAST_OF_REQUEST_COST: Final = 1.3
"""Standard deviation of one request's cost, in means: what lognormal(sigma=1) has."""


@dataclass(frozen=True, slots=True)
class Incident:
    """What went wrong, where and when; `end` is the first step after it."""

    kind: str
    feature: int
    start: int
    end: int
    daily_share: float
    """Dollars it adds on its first day (a slow drift: in all), divided by a normal day's."""
    counts_after: int
    """Steps until it has added 30 % of a normal day; 0 for everything that begins at once."""


@dataclass(frozen=True, slots=True)
class History:
    """Dollars and requests of each feature (rows) in each step (columns); NaN before its birth."""

    cost: Array
    requests: Array
    tenant_cost: Array
    """Dollars of the largest tenant of each feature: a tenant's burst is all its own."""
    incidents: tuple[Incident, ...]


@dataclass(frozen=True, slots=True)
class _Feature:
    """Volume in requests a step and dollars a request as they would be on average."""

    volume: Array
    price: Array
    born: int


def history(seed: int) -> History:
    """A year as that seed has it."""
    random = np.random.default_rng(seed)
    holidays = _holidays(random)
    features = [_feature(random, holidays, number) for number in range(FEATURES)]
    for number in random.choice(FEATURES - _BORN_LATE, _LAUNCHES, replace=False):
        _launch(random, features[number].volume)
    incidents = []
    cost, requests, tenant_cost = (np.empty((FEATURES, STEPS)) for _ in range(3))
    tenant_random = np.random.default_rng((seed, 1))
    places = _places(random, features)
    for number, feature in enumerate(features):
        volume, price = feature.volume.copy(), feature.price.copy()
        burst = np.zeros(STEPS)
        for kind, start in places[number]:
            before = volume.copy()
            end = _happen(random, kind, volume, price, start)
            burst += volume - before if kind == "tenant burst" else 0
            incidents.append(_labelled(kind, number, start, end, feature, volume, price))
        cost[number], requests[number] = _sampled(random, volume, price)
        tenant_cost[number] = _tenant(tenant_random, volume - burst, burst, price)
        for sums in (cost, requests, tenant_cost):
            sums[number, : feature.born] = np.nan
    return History(cost, requests, tenant_cost, tuple(incidents))


def _holidays(random: np.random.Generator) -> Array:
    """How much of a working day's volume is left on each day: 1, or less on a holiday."""
    factor = np.ones(DAYS)
    # The year begins in early March, so that the long break lies in it.
    long_break = 297
    factor[long_break : long_break + 9] = 0.35
    for day in random.choice(np.arange(20, 280), 7, replace=False):
        factor[day] = 0.4
    return factor


def _feature(random: np.random.Generator, holidays: Array, number: int) -> _Feature:
    steps = np.arange(STEPS)
    day = steps // PER_DAY
    hour = (steps % PER_DAY) / PER_HOUR
    daily_usd = np.exp(random.uniform(np.log(40), np.log(4000)))
    request_usd = np.exp(random.uniform(np.log(0.002), np.log(0.08)))
    is_business = random.random() < 0.7
    swing = random.uniform(0.3, 0.8) if is_business else random.uniform(0.0, 0.4)
    shape = 1 + swing * np.cos((hour - random.uniform(11, 17)) / 24 * 2 * np.pi)
    weekend = random.uniform(0.25, 0.7) if is_business else random.uniform(0.85, 1.1)
    week = np.where(day % 7 >= 5, weekend, 1.0)
    off = holidays[day] if is_business else 1 - (1 - holidays[day]) * 0.2
    growth = np.exp(random.uniform(-0.0005, 0.004) * day)
    hourly = random.uniform(0.04, 0.18) * _slow_noise(random, random.uniform(2, 6) * PER_HOUR)
    daily = random.uniform(0.02, 0.07) * _slow_noise(random, 2 * PER_DAY)
    mean = daily_usd / request_usd / PER_DAY
    volume = mean * shape * week * off * growth * np.exp(hourly + daily)
    mix = 1 + random.uniform(0, 0.08) * np.cos((hour - random.uniform(0, 24)) / 24 * 2 * np.pi)
    price = request_usd * mix * np.exp(0.015 * _slow_noise(random, PER_DAY))
    born = 0
    if number >= FEATURES - _BORN_LATE:
        born = int(random.integers(60, 220)) * PER_DAY
        volume *= np.clip((steps - born) / (5 * PER_DAY), 0.02, 1)
    return _Feature(volume, price, born)


def _slow_noise(random: np.random.Generator, steps: float) -> Array:
    """Noise of variance 1 whose memory fades over so many steps."""
    keep = np.exp(-1 / steps)
    shocks = random.normal(0, np.sqrt(1 - keep**2), STEPS).tolist()
    value, found = float(random.normal()), []
    for shock in shocks:
        value = keep * value + shock
        found.append(value)
    return np.array(found)


def _launch(random: np.random.Generator, volume: Array) -> None:
    """More users for good, over some days: a change that is no incident."""
    start = int(random.integers(WARM_UP_DAYS, DAYS - 10)) * PER_DAY + 9 * PER_HOUR
    days = random.uniform(2, 10)
    ramp = np.clip((np.arange(STEPS) - start) / (days * PER_DAY), 0, 1)
    volume *= 1 + random.uniform(0.2, 0.8) * ramp


def _places(
    random: np.random.Generator, features: list[_Feature]
) -> dict[int, list[tuple[str, int]]]:
    """Which incident begins when in which feature, in order of time, far enough apart."""
    places: dict[int, list[tuple[str, int]]] = {number: [] for number in range(FEATURES)}
    for kind in (kind for kind, count in INCIDENTS.items() for _ in range(count)):
        while True:
            number = int(random.integers(FEATURES))
            earliest = max(WARM_UP_DAYS * PER_DAY, features[number].born + 14 * PER_DAY)
            start = int(random.integers(earliest, STEPS - 15 * PER_DAY))
            near = [s for _, s in places[number] if abs(s - start) < _APART_DAYS * PER_DAY]
            if not near:
                places[number].append((kind, start))
                break
    return {number: sorted(found, key=lambda item: item[1]) for number, found in places.items()}


def _happen(random: np.random.Generator, kind: str, volume: Array, price: Array, start: int) -> int:
    """Change volume and price as the incident does; where it ends."""

    def until(low_hours: float, high_hours: float) -> slice:
        return slice(start, start + int(random.uniform(low_hours, high_hours) * PER_HOUR))

    if kind == "leak x3":
        volume[(span := until(6, 24))] *= 3
    elif kind == "runaway agent":
        span = until(4, 14)
        extra = volume[start - 7 * PER_DAY : start].mean() * random.uniform(1, 4)
        # The loop's requests carry longer and longer contexts.
        dearer = random.uniform(1, 2.5)
        mixed = (volume[span] + extra * dearer) / (volume[span] + extra)
        volume[span] += extra
        price[span] *= mixed
    elif kind == "cache broken":
        price[(span := until(24, 72))] *= random.uniform(1.4, 2.2)
    elif kind == "model switched":
        price[(span := until(24, 96))] *= random.uniform(1.6, 5)
    elif kind == "tenant burst":
        volume[(span := until(4, 10))] *= random.uniform(1.8, 4)
    elif kind == "slow drift":
        span = slice(start, start + 8 * PER_DAY)
        days = np.arange(span.stop - start) / PER_DAY
        grown = volume if random.random() < 0.5 else price
        grown[span] *= 1 + random.uniform(0.08, 0.14) * days
    else:
        price[start:] *= random.uniform(1.3, 1.8)
        return start + 7 * PER_DAY
    return int(span.stop)


def _labelled(
    kind: str,
    number: int,
    start: int,
    end: int,
    feature: _Feature,
    volume: Array,
    price: Array,
) -> Incident:
    week = slice(start - 7 * PER_DAY, start)
    normal_day = float((volume[week] * price[week]).sum()) / 7
    first = slice(start, end if kind == "slow drift" else min(end, start + PER_DAY))
    before = feature.volume[first] * feature.price[first]
    level = volume[start - 1] * price[start - 1]
    level /= feature.volume[start - 1] * feature.price[start - 1]
    added = np.cumsum(volume[first] * price[first] - before * level) / normal_day
    after = int(np.argmax(added >= 0.3)) if kind == "slow drift" else 0
    return Incident(kind, number, start, end, float(added[-1]), after)


def _tenant(random: np.random.Generator, others: Array, burst: Array, price: Array) -> Array:
    """Dollars of a tenant that makes 5 to 25 % of a feature's calls, less evenly than all do."""
    noise = random.uniform(0.08, 0.2) * _slow_noise(random, random.uniform(2, 6) * PER_HOUR)
    volume = random.uniform(0.05, 0.25) * others * np.exp(noise) + burst
    cost, _ = _sampled(random, volume, price)
    return cost


def _sampled(random: np.random.Generator, volume: Array, price: Array) -> tuple[Array, Array]:
    """(dollars, requests) of each step."""
    requests = random.poisson(volume).astype(np.float64)
    alpha = requests / _LAST_OF_REQUEST_COST**2
    mean_of_ones = np.where(requests > 0, random.gamma(np.maximum(alpha, 1e-9)), 0.0)
    return price * mean_of_ones * _LAST_OF_REQUEST_COST**2, requests
