"""Every read of the ledger as a named function; grouping lives in SQL, money comes back exact.

Times in and out are integers of µs UTC, money is pico-USD. The SQL is the part DuckDB and
PostgreSQL share; `?` marks parameters.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

from taximeter_processor.ledger.record import COLUMNS, COMMON_METERS
from taximeter_processor.ledger.store import LedgerStore, Reads
from taximeter_processor.money import stored_to_pico, usd_to_pico
from taximeter_processor.names import UNKNOWN_VALUE

COST_COLUMNS: Final = ("feature", "team", "request_type", "provider", "model", "environment")
DIMENSIONS: Final = (
    *COST_COLUMNS,
    "tenant",
    "service_name",
    "operation",
    "service_tier",
    "status",
    "writer",
    "emitter",
)
_HOUR_US: Final = 3_600_000_000
_LABELS: Final = ", ".join(COST_COLUMNS)
# What the counters counted: rows restated since are there as they were.
_NAMES: Final = ", ".join(name for name, _ in COLUMNS)
_COUNTED: Final = (
    f"(select {_NAMES} from calls where not is_restated "
    f"union all select {_NAMES} from first_counted) counted"
)
_CACHE_SAVED: Final = "(list_cost_usd - first_cost_usd - tier_saved_usd)"


class Spend(NamedTuple):
    """One group of calls: what they cost and how many there were."""

    group: tuple[str, ...]
    cost_pico: int
    requests: int
    unpriced: int
    input_tokens: int
    output_tokens: int


class Window(NamedTuple):
    """A named half-open stretch of time, µs UTC."""

    name: str
    start_us: int
    end_us: int


def counter_sums(
    store: Reads, writer: str
) -> list[tuple[tuple[str, ...], dict[str, tuple[int, int]]]]:
    """(cost labels, {`family/last label`: (sum, born µs)}) of a writer's counted rows.

    In order of first appearance, and by name within one commit.
    """
    parts = _counter_parts()
    columns = ", ".join(
        f"{part.amount} filter (where {part.condition}), "
        f"epoch_us(min(ingested_at) filter (where {part.condition}))"
        for part in parts
    )
    rows = store.read(
        f"select {_LABELS}, epoch_us(min(ingested_at)), {columns} from {_COUNTED} "
        f"where writer = ? and not is_backfill group by {_LABELS}",
        [writer],
    )
    others = _other_meter_sums(store, writer)
    width = len(COST_COLUMNS)
    found = []
    for row in rows:
        pairs = zip(row[width + 1 :: 2], row[width + 2 :: 2], strict=True)
        sums = {
            part.key: (_pico(amount) if part.is_money else int(amount), born)
            for part, (amount, born) in zip(parts, pairs, strict=True)
            if born is not None
        }
        found.append((row[width], _shown(row[:width]), {**sums, **others.get(row[:width], {})}))
    found.sort(key=lambda item: item[:2])
    return [(labels, sums) for _, labels, sums in found]


def unpriced_sums(store: Reads, writer: str) -> list[tuple[tuple[str, ...], int, int]]:
    """(feature, team, provider, model, reason), born µs, unpriced calls; in order of birth."""
    rows = store.read(
        "select feature, team, provider, model, unpriced_reason, epoch_us(min(ingested_at)), "
        f"count(*) from {_COUNTED} where writer = ? and not is_backfill and status = 'unpriced' "
        "group by feature, team, provider, model, unpriced_reason",
        [writer],
    )
    found = [(_shown(row[:5]), row[5], row[6]) for row in rows]
    return sorted(found, key=lambda item: (item[1], item[0]))


def histogram_sums(
    store: Reads, writer: str, bounds_pico: Sequence[int]
) -> list[tuple[str, int, list[int], int]]:
    """(feature, born µs, calls in each bucket with `+Inf` last, total pico) of priced calls."""
    bounds = [f"{Decimal(pico).scaleb(-12):f}" for pico in bounds_pico]
    below = ", ".join(f"count(*) filter (where first_cost_usd <= {bound})" for bound in bounds)
    rows = store.read(
        f"select feature, epoch_us(min(ingested_at)), sum(first_cost_usd), count(*), {below} "
        f"from {_COUNTED} where writer = ? and not is_backfill and status = 'priced' "
        "group by feature",
        [writer],
    )
    found = []
    for feature, born, total, calls, *cumulative in rows:
        steps = [0, *cumulative, calls]
        counts = [after - before for before, after in zip(steps, steps[1:], strict=False)]
        found.append((*_shown((feature,)), born, counts, _pico(total)))
    return sorted(found, key=lambda item: (item[1], item[0]))


def backfilled_sums(store: Reads, writer: str) -> list[tuple[str, str, int, int]]:
    """(feature, team, born µs, pico) of rows that came too late for the counters."""
    rows = store.read(
        "select feature, team, epoch_us(min(ingested_at)), sum(first_cost_usd) "
        f"from {_COUNTED} where writer = ? and is_backfill group by feature, team",
        [writer],
    )
    found = [(feature, team, born, _pico(total)) for feature, team, born, total in rows]
    return sorted(found, key=lambda item: (item[2], item[:2]))


def spend_by_window(
    store: LedgerStore, group: Sequence[str], windows: Sequence[Window]
) -> list[tuple[tuple[str, ...], dict[str, tuple[int, int]]]]:
    """For each group: window name -> (pico, calls), in one pass over the windows' time.

    Windows of whole hours are read from hourly sums where the ledger keeps such.
    """
    summed = [
        window
        for window in windows
        if _source(store, group, window.start_us, window.end_us) is HOURLY
    ]
    one_by_one = [window for window in windows if window not in summed]
    found: dict[tuple[str, ...], dict[str, tuple[int, int]]] = {}
    for source, part in ((HOURLY, summed), (CALLS, one_by_one)):
        for row in _window_rows(store, source, group, part) if part else ():
            names, amounts = row[: len(group)], row[len(group) :]
            spent = found.setdefault(names, {window.name: (0, 0) for window in windows})
            for window, cost, calls in zip(part, amounts[::2], amounts[1::2], strict=True):
                spent[window.name] = _pico(cost), int(calls or 0)
    return list(found.items())


def spend(
    store: LedgerStore,
    group: Sequence[str],
    start_us: int,
    end_us: int,
    where: Mapping[str, str] | None = None,
) -> list[Spend]:
    """What each group cost in [start, end), dearest first. Groups are names of `DIMENSIONS`."""
    conditions = {name: value for name, value in (where or {}).items() if name in DIMENSIONS}
    filters = "".join(f" and {name} = ?" for name in conditions)
    selected = "".join(f"{name}, " for name in group)
    source = _source(store, (*group, *conditions), start_us, end_us)
    rows = store.read(
        f"select {selected} sum(cost_usd), {source.requests}, {source.unpriced}, "
        f"sum(input_tokens), sum(output_tokens) from {source.table} "
        f"where {_within(Window('', start_us, end_us), source.time)}"
        f"{filters} {f'group by {selected[:-2]}' if group else ''} "
        f"order by sum(cost_usd) desc nulls last {''.join(f', {name}' for name in group)}",
        list(conditions.values()),
    )
    width = len(group)
    return [
        Spend(row[:width], _pico(row[width]), *(int(value or 0) for value in row[width + 1 :]))
        for row in rows
        if row[width + 1]
    ]


def spend_by_day(
    store: LedgerStore, dimension: str, bounds_us: Sequence[int]
) -> dict[str, list[int]]:
    """Pico by value of one dimension in each stretch between neighbouring bounds."""
    windows = [
        Window(str(index), start, end)
        for index, (start, end) in enumerate(zip(bounds_us, bounds_us[1:], strict=False))
    ]
    return {
        group[0]: [found[window.name][0] for window in windows]
        for group, found in spend_by_window(store, [dimension], windows)
    }


class Totals(NamedTuple):
    """The whole ledger in a few exact numbers."""

    rows: int
    cost_pico: int
    first_cost_pico: int
    meters_pico: int
    """Sum of every meter's cost: equals `first_cost_pico`."""
    repeated_keys: int
    restated_up_pico: int
    restated_down_pico: int
    newest_start_us: int | None


def totals(store: Reads, writer: str | None = None) -> Totals:
    """Sums over the ledger, or over one writer's rows, for `ledger verify` and the self metrics."""
    mine = "where writer = ?" if writer is not None else ""
    parameters = [writer] if writer is not None else []
    common = " + ".join(f"sum({meter}_cost_usd)" for meter in COMMON_METERS)
    (row,) = store.read(
        f"select count(*), sum(cost_usd), epoch_us(max(start_time)) from calls {mine}", parameters
    )
    (first,) = store.read(
        f"select sum(first_cost_usd), {common} from {_COUNTED} {mine}", parameters
    )
    (repeated,) = store.read(
        "select coalesce(sum(n - 1), 0) from (select count(*) n from calls "
        f"{mine} group by trace_id, span_id, start_time having count(*) > 1) r",
        parameters,
    )
    changes = restated(store)
    others = _other_meter_rows(store, mine, parameters)
    other_pico = sum(usd_to_pico(cost) for _, _, meters in others for _, cost in meters.values())
    return Totals(
        rows=row[0],
        cost_pico=_pico(row[1]),
        first_cost_pico=_pico(first[0]),
        meters_pico=_pico(first[1]) + other_pico,
        repeated_keys=int(repeated[0]),
        restated_up_pico=sum(up for _, up, _ in changes),
        restated_down_pico=sum(down for _, _, down in changes),
        newest_start_us=row[2],
    )


def restated(store: Reads) -> list[tuple[str, int, int]]:
    """(reason, pico up, pico down) of every change to a cost after it was first counted."""
    rows = store.read(
        "select reason, coalesce(sum(greatest(new_cost_usd - old_cost_usd, 0)), 0), "
        "coalesce(sum(greatest(old_cost_usd - new_cost_usd, 0)), 0) "
        "from restatements group by reason order by reason"
    )
    return [(reason, _pico(up), _pico(down)) for reason, up, down in rows]


def quick_totals(store: LedgerStore) -> tuple[int, int, int | None]:
    """(rows, pico, newest start µs): what each scrape asks."""
    ((rows, cost, newest),) = store.read(
        "select count(*), sum(cost_usd), epoch_us(max(start_time)) from calls"
    )
    return rows, _pico(cost), newest


def dead_letters(store: LedgerStore, limit: int) -> list[tuple[Any, ...]]:
    """(received µs, reason, detail, peer, bytes, sha256), newest first."""
    return store.read(
        "select epoch_us(received_at), reason, detail, peer, size_bytes, sha256 "
        f"from dead_letters order by received_at desc limit {int(limit)}"
    )


def dead_letter_counts(store: LedgerStore) -> dict[str, int]:
    """Dead letters that are kept, by reason."""
    return dict(store.read("select reason, count(*) from dead_letters group by reason"))


class _Part(NamedTuple):
    """One counter as SQL: its key, what is summed, and of which rows."""

    key: str
    amount: str
    condition: str
    is_money: bool


def _counter_parts() -> list[_Part]:
    paid = "status <> 'cached'"
    parts = [
        _Part(f"{family}/{meter}", f"sum({meter}_{column})", f"{paid} and {meter}_quantity > 0", m)
        for meter in COMMON_METERS
        for family, column, m in (("cost", "cost_usd", True), ("usage", "quantity", False))
    ]
    parts += [
        _Part(f"requests/{status}", "count(*)", f"status = '{status}'", False)
        for status in ("priced", "unpriced", "failed", "cached")
    ]
    avoided = "list_cost_usd - first_cost_usd"
    parts.append(
        _Part(
            "saved/response_cache",
            f"sum({avoided})",
            f"status = 'cached' and {avoided} <> 0",
            True,
        )
    )
    for source, amount in (("prompt_cache", _CACHE_SAVED), ("tier", "tier_saved_usd")):
        parts += [
            _Part(f"saved/{source}", f"sum({amount})", f"{paid} and {amount} > 0", True),
            _Part(f"extra/{source}", f"sum(-{amount})", f"{paid} and {amount} < 0", True),
        ]
    return parts


def _other_meter_sums(
    store: Reads, writer: str
) -> dict[tuple[str, ...], dict[str, tuple[int, int]]]:
    found: dict[tuple[str, ...], dict[str, tuple[int, int]]] = {}
    where = "where writer = ? and not is_backfill and status <> 'cached'"
    for labels, born, meters in _other_meter_rows(store, where, [writer], COST_COLUMNS):
        sums = found.setdefault(labels, {})
        for meter, (quantity, cost) in meters.items():
            for key, amount in (
                (f"usage/{meter}", quantity),
                (f"cost/{meter}", usd_to_pico(cost)),
            ):
                before, first = sums.get(key, (0, born))
                sums[key] = (before + amount, min(first, born))
    return found


def _other_meter_rows(
    store: Reads, where: str, parameters: Sequence[object], columns: Iterable[str] = ()
) -> Iterator[tuple[tuple[str, ...], int, dict[str, tuple[int, str]]]]:
    """(columns, born µs, meters) of rows with rarer meters, those of equal text together."""
    selected = "".join(f"{name}, " for name in columns)
    joined = "and" if where else "where"
    rows = store.read(
        f"select {selected} other_meters, count(*), epoch_us(min(ingested_at)) "
        f"from {_COUNTED} {where} {joined} other_meters is not null "
        f"group by {selected} other_meters",
        parameters,
    )
    for *labels, text, count, born in rows:
        meters = {
            meter: (quantity * count, str(Decimal(cost) * count))
            for meter, (quantity, cost) in json.loads(text).items()
        }
        yield tuple(labels), born, meters


def _shown(labels: Iterable[str]) -> tuple[str, ...]:
    """Labels as metrics show them."""
    return tuple(label or UNKNOWN_VALUE for label in labels)


class _Source(NamedTuple):
    """Where sums come from, and how it tells of them."""

    table: str
    time: str
    requests: str
    unpriced: str


CALLS: Final = _Source(
    "calls", "start_time", "count(*)", "count(*) filter (where status = 'unpriced')"
)
HOURLY: Final = _Source("hourly", "hour", "sum(requests)", "sum(unpriced)")


def _source(store: LedgerStore, names: Sequence[str], start_us: int, end_us: int) -> _Source:
    """Hourly sums if they are kept by these dimensions and no hour is cut."""
    cuts = start_us % _HOUR_US or end_us % _HOUR_US
    return CALLS if cuts or not store.summed_by().issuperset(names) else HOURLY


def _window_rows(
    store: LedgerStore, source: _Source, group: Sequence[str], windows: Sequence[Window]
) -> list[tuple[Any, ...]]:
    """The group's values, then cost and calls of each window."""
    selected = ", ".join(
        f"sum(cost_usd) filter (where {within}), {source.requests} filter (where {within})"
        for within in (_within(window, source.time) for window in windows)
    )
    names = ", ".join(group)
    whole = Window("", min(w.start_us for w in windows), max(w.end_us for w in windows))
    return store.read(
        f"select {names}, {selected} from {source.table} where {_within(whole, source.time)} "
        f"group by {names} having {source.requests} > 0"
    )


def _within(window: Window, time: str) -> str:
    return (
        f"{time} >= make_timestamp({window.start_us}) and {time} < make_timestamp({window.end_us})"
    )


def _pico(value: Decimal | None) -> int:
    return stored_to_pico(value) if value is not None else 0
