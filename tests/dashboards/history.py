"""The real counters and ledger gauges, run through five weeks of calls, as Prometheus' own blocks.

Two processors read one ledger: `a` from the beginning, restarted on the last day, and `b`, which
joins 20 hours before the end. In the last 25 hours they are scraped every minute; before, only
where a panel looks back. Gauges are what the ledger held then.
"""

from __future__ import annotations

import json
import subprocess
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml
from prometheus_client.metrics_core import Metric as Family

from taximeter_processor import names
from taximeter_processor.ledger.duckdb_store import DuckDBStore
from taximeter_processor.ledger.record import Record
from taximeter_processor.metrics.counters import CostCounters
from taximeter_processor.metrics.gauges import LedgerGauges
from taximeter_processor.metrics.meter import SelfMetrics
from taximeter_processor.metrics.text import AnyFamily
from taximeter_processor.observability.rules import RECORDED
from taximeter_processor.periods import to_us
from taximeter_processor.settings import Settings
from tests.dashboards.workload import NOW, SETTINGS
from tests.support.servers import Prometheus, get_json, program

ROOT: Final = Path(__file__).parents[2]
RULES: Final = ROOT / "grafana" / "rules" / "taximeter.yml"
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
MINUTELY: Final = NOW - 25 * HOUR
JOINED: Final = NOW - 20 * HOUR
RESTARTED: Final = NOW - 5 * HOUR
BEGINNING: Final = NOW - 30 * DAY
FIRING: Final = [
    f'ALERTS{{alertname="{name}",alertstate="firing",{labels}}}'
    for name, labels in (
        ("TaximeterBudgetExhausted", 'owner="bob",severity="critical",team="growth"'),
        ("TaximeterUnownedSpend", 'feature="audit",owner="unowned",severity="warning",team=""'),
    )
]
"""Prometheus writes these itself while it evaluates; history has none."""


class Replica:
    """One processor's counters and self metrics, fed with its share of the calls."""

    def __init__(self, name: str, store: DuckDBStore) -> None:
        self.name = name
        self._store = store
        self.restart()

    def restart(self) -> None:
        """Start as a process does: counters are what the ledger says."""
        self.counters = CostCounters()
        self.counters.seed(self._store, self.name)
        self.metrics = SelfMetrics(
            writer=self.name, queue_limit_bytes=1000, label_sets_limit=20_000
        )

    def apply(self, records: Sequence[Record]) -> None:
        """Count a commit."""
        if not records:
            return
        self.counters.apply(records)
        self.metrics.spans.labels("call").inc(len(records))
        self.metrics.spans.labels("duplicate").inc(len(records) // 3)
        self.metrics.requests.labels("200").inc()
        self.metrics.commits.labels("ok").inc()
        self.metrics.commit_seconds.observe(0.004)
        self.metrics.last_commit.set(records[-1].ingested_at / 1_000_000)
        for record in records:
            self.metrics.usage_status.labels(record.usage_status, record.provider).inc()

    def families(self, now: datetime) -> Iterator[AnyFamily]:
        """What a scrape shows of it alone."""
        yield from self.counters.collect(to_us(now))
        if now >= MINUTELY:
            yield from self.metrics.registry.collect()
            yield _single(names.LABEL_SETS, len(self.counters.cost))
            yield _single(names.PRICE_BOOK_INFO, 1, version="genai-prices/0.2.3")
            yield _single(names.PRICE_BOOK_TIMESTAMP, (NOW - 12 * DAY).timestamp())


def scrape_times() -> list[datetime]:
    """Ascending: dense only where a panel looks."""
    found = {NOW - back * HOUR for back in range(30 * 24 + 1)}
    for week in (1, 2, 3, 4):  # the hours to which the last day is compared
        begin = NOW - week * 7 * DAY - 25 * HOUR
        found |= {begin + step * timedelta(minutes=15) for step in range(26 * 4)}
    found |= {NOW - timedelta(minutes=minute) for minute in range(25 * 60 + 1)}
    return sorted(found)


def _is_read(now: datetime) -> bool:
    """Whether the ledger's gauges are read then: at 01:00, and more often lately."""
    if now.minute:
        return False
    return now.hour == 1 or now >= NOW - DAY or (now >= NOW - 7 * DAY and now.hour % 6 == 0)


def write_samples(path: Path, ledger: Path, records: Sequence[Record]) -> None:
    """Run the processors through the history; every scrape goes into an OpenMetrics file."""
    store = DuckDBStore(ledger)
    clock = [BEGINNING]
    gauges = LedgerGauges(
        store,
        Settings.model_validate(SETTINGS),
        CostCounters().cost,
        clock=lambda: clock[0].timestamp(),
    )
    replicas = [Replica("a", store)]
    shown: list[AnyFamily] = []
    waiting: list[Record] = []
    position, restarted = 0, False
    with path.open("w") as out:
        for now in scrape_times():
            if now >= JOINED and len(replicas) == 1:
                replicas.append(Replica("b", store))
            came = _arrived(records, position, now, replicas)
            position += len(came)
            waiting += came
            for replica in replicas:
                replica.apply([record for record in came if record.writer == replica.name])
            restart = now >= RESTARTED and not restarted
            if _is_read(now) or restart:
                store.append(waiting)
                waiting = []
            if _is_read(now):
                clock[0] = now
                shown = gauges.collect()
            if restart:
                replicas[0].restart()
                restarted = True
            for replica in replicas:
                _misfortunes(replica, now)
                hourly = shown if not now.minute and now >= NOW - 7 * DAY or _is_read(now) else []
                _write(out, replica, now, [*replica.families(now), *hourly])
            if now > NOW - HOUR:
                out.writelines(f"{alert} 1 {now.timestamp():.3f}\n" for alert in FIRING)
        out.write("# EOF\n")
    store.close()


def _arrived(
    records: Sequence[Record], position: int, now: datetime, replicas: Sequence[Replica]
) -> list[Record]:
    """The rows from `position` that have come by now, dealt out to the processors."""
    found = []
    for index, record in enumerate(records[position:], start=position):
        if record.ingested_at > to_us(now):
            break
        found.append(record._replace(writer=replicas[index % len(replicas)].name))
    return found


def _misfortunes(replica: Replica, now: datetime) -> None:
    """What the meter's board is for: a few losses in the last day."""
    if replica.name != "b" or now != NOW - 3 * HOUR:
        return
    replica.metrics.dead_letters.labels("malformed").inc(2)
    replica.metrics.rejected.labels("no_start_time").inc(4)
    replica.metrics.unknown_usage_keys.labels("gen_ai.usage.thinking").inc(9)
    replica.metrics.missing_spans.labels("api").inc(6)
    replica.metrics.recovered_spans.labels("api").inc(2)
    replica.metrics.tag_violations.labels("team", "missing").inc(5)
    replica.metrics.commits.labels("failed").inc(1)
    replica.metrics.requests.labels("503").inc(3)


def _write(out: Any, replica: Replica, now: datetime, families: Iterable[AnyFamily]) -> None:
    at = f"{now.timestamp():.3f}"
    told = f'instance="{replica.name}",job="taximeter"'
    out.write(f"up{{{told}}} 1 {at}\n")
    for family in families:
        for name, labels, value, *_ in family.samples:
            pairs = "".join(f'{key}="{text}",' for key, text in labels.items())
            out.write(f"{name}{{{pairs}{told}}} {float(value)!r} {at}\n")


def _single(metric: names.Metric, value: float, **labels: str) -> Family:
    family = Family(metric.name, metric.help, "gauge")
    family.add_sample(metric.name, labels, value)
    return family


class Series(NamedTuple):
    """Labels, and (Unix time, value) pairs: one for an instant query."""

    labels: Mapping[str, str]
    points: list[tuple[float, float]]


class HistoryServer(Prometheus):
    """Prometheus over the history, asked at any time of it; it scrapes nothing."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, {"global": {"evaluation_interval": "1d"}})

    def command(self) -> Sequence[str]:
        return [*super().command(), "--storage.tsdb.retention.time=100y"]

    def at(self, expr: str, moment: datetime = NOW) -> list[Series]:
        """The answer at one moment. Raises `OSError` for a query that cannot be evaluated."""
        rows = self._get("query", query=expr, time=moment.timestamp())
        return [Series(row["metric"], [_point(row["value"])]) for row in rows]

    def over_time(self, expr: str, start: datetime, end: datetime, step: timedelta) -> list[Series]:
        """The answers from `start` to `end`, raising as `at` does."""
        seconds = step.total_seconds()
        times = {"start": start.timestamp(), "end": end.timestamp(), "step": seconds}
        rows = self._get("query_range", query=expr, **times)
        return [Series(row["metric"], [*map(_point, row["values"])]) for row in rows]

    def _get(self, what: str, **parameters: object) -> list[dict[str, Any]]:
        address = f"{self.url}/api/v1/{what}?{urllib.parse.urlencode(parameters)}"
        found: list[dict[str, Any]] = get_json(address)["data"]["result"]
        return found


def _point(pair: tuple[float, str]) -> tuple[float, float]:
    return float(pair[0]), float(pair[1])


def build(directory: Path, records: Sequence[Record]) -> HistoryServer:
    """A running Prometheus below `directory` that holds the history and its recorded series.

    The ledger is left there as `ledger.duckdb`.
    """
    server = HistoryServer(directory)
    scraped = directory / "scraped.om"
    write_samples(scraped, directory / "ledger.duckdb", records)
    _import(scraped, directory)
    server.start()
    for number, rules in enumerate(_recording_rules()):
        recorded = directory / f"recorded-{number}.om"
        _evaluate(server, rules, recorded)
        server.stop()  # blocks are read at the start
        _import(recorded, directory)
        server.start()
    return server


def _recording_rules() -> list[dict[str, str]]:
    """(name -> expression) of the shipped rules: first those that read what was scraped."""
    group, *_ = yaml.safe_load(RULES.read_text())["groups"]
    rules = {rule["record"]: rule["expr"] for rule in group["rules"]}
    first = {name: rules[name] for name in RECORDED}
    return [first, {name: expr for name, expr in rules.items() if name not in RECORDED}]


def _evaluate(server: HistoryServer, rules: dict[str, str], path: Path) -> None:
    """Every hour of the history, as the rule manager would: by Prometheus itself."""
    with path.open("w") as out:
        for name, expr in rules.items():
            for series in server.over_time(expr, BEGINNING, NOW, HOUR):
                labels = {k: v for k, v in series.labels.items() if k != "__name__"}
                told = f"{name}{{{','.join(f'{k}={json.dumps(v)}' for k, v in labels.items())}}}"
                out.writelines(f"{told} {value!r} {at:.3f}\n" for at, value in series.points)
        out.write("# EOF\n")


def _import(samples: Path, directory: Path) -> None:
    create = [program("promtool"), "tsdb", "create-blocks-from", "--max-block-duration=768h"]
    command = [*create, "openmetrics", str(samples), str(directory / "tsdb")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    samples.unlink()
