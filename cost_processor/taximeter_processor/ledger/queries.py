"""Every read of the ledger as a named function; grouping lives in SQL, money comes back exact.

Times in and out are integers of µs UTC, money is pico-USD. The SQL is the part DuckDB and
PostgreSQL share; `?` marks parameters.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

from taximeter_processor.ledger.record import COMMON_METERS
from taximeter_processor.ledger.store import LedgerStore
from taximeter_processor.money import usd_to_pico

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
_LABELS: Final = ", ".join(COST_COLUMNS)
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
    store: LedgerStore, writer: str
) -> Iterator[tuple[tuple[str, ...], int, dict[str, int]]]:
    """(cost labels, born µs, sums) of a writer's counted rows, in order of first appearance."""
    families: list[tuple[str, str, bool]] = [
        *[
            (f"{family}/{meter}", f"sum({meter}_{column}) filter (status <> 'cached')", money)
            for meter in COMMON_METERS
            for family, column, money in (("cost", "cost_usd", True), ("usage", "quantity", False))
        ],
        *[
            (f"requests/{status}", f"count(*) filter (status = '{status}')", False)
            for status in ("priced", "unpriced", "failed", "cached")
        ],
        *_savings_columns(),
    ]
    columns = ", ".join(expression for _, expression, _ in families)
    rows = store.read(
        f"select {_LABELS}, epoch_us(min(ingested_at)) as born, {columns} from calls "
        f"where writer = ? and not is_backfill group by {_LABELS} order by born, {_LABELS}",
        [writer],
    )
    others = _other_meter_sums(store, writer)
    width = len(COST_COLUMNS)
    for row in rows:
        labels = row[:width]
        sums = {
            key: _pico(value) if money else int(value)
            for (key, _, money), value in zip(families, row[width + 1 :], strict=True)
            if value
        }
        # A meter that was used for nothing still has its cost series, at 0.
        for meter in COMMON_METERS:
            if f"usage/{meter}" in sums:
                sums.setdefault(f"cost/{meter}", 0)
        yield labels, row[width], {**sums, **others.get(labels, {})}


def unpriced_sums(store: LedgerStore, writer: str) -> list[tuple[tuple[str, ...], int, int]]:
    """(feature, team, provider, model, reason), born µs, calls without a price."""
    rows = store.read(
        "select feature, team, provider, model, unpriced_reason, epoch_us(min(ingested_at)) born, "
        "count(*) from calls where writer = ? and not is_backfill and status = 'unpriced' "
        "group by feature, team, provider, model, unpriced_reason order by born, feature, model",
        [writer],
    )
    return [(row[:5], row[5], row[6]) for row in rows]


def histogram_sums(
    store: LedgerStore, writer: str, bounds_pico: Sequence[int]
) -> list[tuple[str, int, list[int], int]]:
    """(feature, born µs, calls in each bucket with `+Inf` last, total pico) of priced calls."""
    bounds = [f"{Decimal(pico).scaleb(-12):f}" for pico in bounds_pico]
    below = ", ".join(f"count(*) filter (first_cost_usd <= {bound})" for bound in bounds)
    rows = store.read(
        f"select feature, epoch_us(min(ingested_at)) born, sum(first_cost_usd), count(*), {below} "
        "from calls where writer = ? and not is_backfill and status = 'priced' "
        "group by feature order by born, feature",
        [writer],
    )
    found = []
    for feature, born, total, calls, *cumulative in rows:
        steps = [0, *cumulative, calls]
        counts = [after - before for before, after in zip(steps, steps[1:], strict=False)]
        found.append((feature, born, counts, _pico(total)))
    return found


def backfilled_sums(store: LedgerStore, writer: str) -> list[tuple[str, str, int]]:
    """(feature, team, pico) of rows that came too late for the counters."""
    rows = store.read(
        "select feature, team, sum(first_cost_usd) from calls where writer = ? and is_backfill "
        "group by feature, team order by feature, team",
        [writer],
    )
    return [(feature, team, _pico(total)) for feature, team, total in rows]


def spend_by_window(
    store: LedgerStore, group: Sequence[str], windows: Sequence[Window]
) -> list[tuple[tuple[str, ...], dict[str, tuple[int, int]]]]:
    """For each group: window name -> (pico, calls), in one pass over the windows' time."""
    selected = ", ".join(
        f"sum(cost_usd) filter ({_within(window)}), count(*) filter ({_within(window)})"
        for window in windows
    )
    names = ", ".join(group)
    first, last = min(w.start_us for w in windows), max(w.end_us for w in windows)
    rows = store.read(
        f"select {names}, {selected} from calls where start_time >= make_timestamp({first}) "
        f"and start_time < make_timestamp({last}) group by {names}"
    )
    width = len(group)
    return [
        (
            row[:width],
            {
                window.name: (_pico(row[width + 2 * index]), row[width + 2 * index + 1])
                for index, window in enumerate(windows)
            },
        )
        for row in rows
    ]


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
    rows = store.read(
        f"select {selected} sum(cost_usd), count(*), count(*) filter (status = 'unpriced'), "
        "sum(input_tokens), sum(output_tokens) from calls "
        f"where start_time >= make_timestamp({start_us}) and start_time < make_timestamp({end_us})"
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


def totals(store: LedgerStore, writer: str | None = None) -> Totals:
    """Sums over the ledger, or over one writer's rows, for `ledger verify` and the self metrics."""
    mine = "where writer = ?" if writer is not None else ""
    parameters = [writer] if writer is not None else []
    common = " + ".join(f"sum({meter}_cost_usd)" for meter in COMMON_METERS)
    (row,) = store.read(
        f"select count(*), sum(cost_usd), sum(first_cost_usd), {common}, "
        f"epoch_us(max(start_time)) from calls {mine}",
        parameters,
    )
    (repeated,) = store.read(
        "select coalesce(sum(n - 1), 0) from (select count(*) n from calls "
        f"{mine} group by trace_id, span_id, start_time having count(*) > 1) r",
        parameters,
    )
    (restated,) = store.read(
        "select coalesce(sum(new_cost_usd - old_cost_usd) filter (new_cost_usd > old_cost_usd), 0),"
        " coalesce(sum(old_cost_usd - new_cost_usd) filter (new_cost_usd < old_cost_usd), 0) "
        f"from restatements {mine}",
        parameters,
    )
    others = _other_meter_rows(store, mine, parameters)
    other_pico = sum(usd_to_pico(cost) for _, meters in others for _, cost in meters.values())
    return Totals(
        rows=row[0],
        cost_pico=_pico(row[1]),
        first_cost_pico=_pico(row[2]),
        meters_pico=_pico(row[3]) + other_pico,
        repeated_keys=int(repeated[0]),
        restated_up_pico=_pico(restated[0]),
        restated_down_pico=_pico(restated[1]),
        newest_start_us=row[4],
    )


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


def _savings_columns() -> list[tuple[str, str, bool]]:
    paid = "status <> 'cached'"
    columns: list[tuple[str, str, bool]] = [
        (
            "saved/response_cache",
            "sum(list_cost_usd - first_cost_usd) filter (status = 'cached')",
            True,
        )
    ]
    for source, amount in (("prompt_cache", _CACHE_SAVED), ("tier", "tier_saved_usd")):
        columns += [
            (f"saved/{source}", f"sum({amount}) filter ({paid} and {amount} > 0)", True),
            (f"extra/{source}", f"sum(-{amount}) filter ({paid} and {amount} < 0)", True),
        ]
    return columns


def _other_meter_sums(store: LedgerStore, writer: str) -> dict[tuple[str, ...], dict[str, int]]:
    found: dict[tuple[str, ...], dict[str, int]] = {}
    where = "where writer = ? and not is_backfill and status <> 'cached'"
    for labels, meters in _other_meter_rows(store, where, [writer], COST_COLUMNS):
        sums = found.setdefault(labels, {})
        for meter, (quantity, cost) in meters.items():
            for key, amount in (
                (f"usage/{meter}", quantity),
                (f"cost/{meter}", usd_to_pico(cost)),
            ):
                sums[key] = sums.get(key, 0) + amount
    return found


def _other_meter_rows(
    store: LedgerStore, where: str, parameters: Sequence[object], columns: Iterable[str] = ()
) -> Iterator[tuple[tuple[str, ...], dict[str, tuple[int, str]]]]:
    """Rows with rarer meters, those of equal text counted together."""
    selected = "".join(f"{name}, " for name in columns)
    joined = "and" if where else "where"
    rows = store.read(
        f"select {selected} other_meters, count(*) from calls {where} "
        f"{joined} other_meters is not null group by {selected} other_meters",
        parameters,
    )
    for *labels, text, count in rows:
        meters = {
            meter: (quantity * count, str(Decimal(cost) * count))
            for meter, (quantity, cost) in json.loads(text).items()
        }
        yield tuple(labels), meters


def _within(window: Window) -> str:
    return (
        f"start_time >= make_timestamp({window.start_us}) "
        f"and start_time < make_timestamp({window.end_us})"
    )


def _pico(value: Decimal | None) -> int:
    return int(value.scaleb(12)) if value is not None else 0
