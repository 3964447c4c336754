"""Every read of the ledger as a named function; grouping lives in SQL, money comes back exact.

Times in and out are integers of µs UTC, money is pico-USD. The SQL is the part DuckDB and
PostgreSQL share; `?` marks parameters.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

from taximeter_processor.ledger.record import COLUMNS, COMMON_METERS, COST_COLUMNS, DIMENSIONS
from taximeter_processor.ledger.store import LedgerStore, Reads
from taximeter_processor.ledger.stretches import between, stretch_number
from taximeter_processor.ledger.summed import summed
from taximeter_processor.money import stored_to_pico, usd_to_pico
from taximeter_processor.names import UNKNOWN_VALUE

_LABELS: Final = ", ".join(COST_COLUMNS)
_NAMES: Final = ", ".join(name for name, _ in COLUMNS)
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


EVER: Final = Window("ever", 0, 253_339_228_800_000_000)
"""From 1970 to the end of 9997, as much as any engine's times can say."""


def counter_sums(
    store: Reads, writer: str, within: Window | None = None
) -> list[tuple[tuple[str, ...], dict[str, tuple[int, int]]]]:
    """(cost labels, {`family/last label`: (sum, born µs)}) of a writer's counted rows."""
    parts = _counter_parts()
    columns = ", ".join(
        f"{part.amount} filter (where {part.condition}), "
        f"epoch_us(min(ingested_at) filter (where {part.condition}))"
        for part in parts
    )
    rows = store.read(
        f"select {_LABELS}, {columns} from {_counted(within)} "
        f"where writer = ? and not is_backfill group by {_LABELS}",
        [writer],
    )
    others = _other_meter_sums(store, writer, within)
    width = len(COST_COLUMNS)
    found = []
    for row in rows:
        pairs = zip(row[width::2], row[width + 1 :: 2], strict=True)
        sums = {
            part.key: (_pico(amount) if part.is_money else int(amount), born)
            for part, (amount, born) in zip(parts, pairs, strict=True)
            if born is not None
        }
        found.append((_shown(row[:width]), {**sums, **others.get(row[:width], {})}))
    return found


def unpriced_sums(
    store: Reads, writer: str, within: Window | None = None
) -> list[tuple[tuple[str, ...], int, int]]:
    """(feature, team, provider, model, reason), born µs, unpriced calls."""
    rows = store.read(
        "select feature, team, provider, model, unpriced_reason, epoch_us(min(ingested_at)), "
        f"count(*) from {_counted(within)} "
        "where writer = ? and not is_backfill and status = 'unpriced' "
        "group by feature, team, provider, model, unpriced_reason",
        [writer],
    )
    return [(_shown(row[:5]), row[5], row[6]) for row in rows]


def histogram_sums(
    store: Reads, writer: str, bounds_pico: Sequence[int], within: Window | None = None
) -> list[tuple[str, int, list[int], int]]:
    """(feature, born µs, calls in each bucket with `+Inf` last, total pico) of priced calls."""
    bounds = [f"{Decimal(pico).scaleb(-12):f}" for pico in bounds_pico]
    below = ", ".join(f"count(*) filter (where first_cost_usd <= {bound})" for bound in bounds)
    rows = store.read(
        f"select feature, epoch_us(min(ingested_at)), sum(first_cost_usd), count(*), {below} "
        f"from {_counted(within)} "
        "where writer = ? and not is_backfill and status = 'priced' "
        "group by feature",
        [writer],
    )
    found = []
    for feature, born, total, calls, *cumulative in rows:
        steps = [0, *cumulative, calls]
        counts = [after - before for before, after in zip(steps, steps[1:], strict=False)]
        found.append((*_shown((feature,)), born, counts, _pico(total)))
    return found


def backfilled_sums(
    store: Reads, writer: str, within: Window | None = None
) -> list[tuple[tuple[str, ...], int, int]]:
    """(feature, team), born µs, pico of rows that came too late for the counters."""
    rows = store.read(
        "select feature, team, epoch_us(min(ingested_at)), sum(first_cost_usd) "
        f"from {_counted(within)} where writer = ? and is_backfill group by feature, team",
        [writer],
    )
    return [(_shown((feature, team)), born, _pico(total)) for feature, team, born, total in rows]


def spend_by_window(
    store: LedgerStore, group: Sequence[str], windows: Sequence[Window]
) -> list[tuple[tuple[str, ...], dict[str, tuple[int, int]]]]:
    """For each group: window name -> (pico, calls), in one pass over the windows' time."""
    bounds = [bound for window in windows for bound in window[1:]]
    found = summed(store, group, bounds)
    selected = ", ".join(
        f"sum(cost_usd) filter (where {within}), sum({found.requests}) filter (where {within})"
        for within in map(in_window, windows)
    )
    names = ", ".join(group)
    rows = store.read(
        f"select {names}, {selected} from {found.table} where {between(min(bounds), max(bounds))} "
        f"group by {names} having sum({found.requests}) > 0"
    )
    spent = []
    for row in rows:
        amounts = zip(windows, row[len(group) :: 2], row[len(group) + 1 :: 2], strict=True)
        spent.append(
            (
                row[: len(group)],
                {window.name: (_pico(cost), int(calls or 0)) for window, cost, calls in amounts},
            )
        )
    return spent


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
    found = summed(store, (*group, *conditions), (start_us, end_us))
    rows = store.read(
        f"select {selected} sum(cost_usd), sum({found.requests}), sum({found.unpriced}), "
        f"sum(input_tokens), sum(output_tokens) from {found.table} "
        f"where {between(start_us, end_us)}"
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
    store: LedgerStore, group: Sequence[str], bounds_us: Sequence[int]
) -> dict[tuple[str, ...], list[int]]:
    """Pico-USD of each group in each stretch between neighbouring bounds, in one pass."""
    found = summed(store, group, bounds_us)
    names = ", ".join(group)
    rows = store.read(
        f"select {names}, {stretch_number(bounds_us[1:-1])}, sum(cost_usd) from {found.table} "
        f"where {between(bounds_us[0], bounds_us[-1])} "
        f"group by {', '.join(str(index + 1) for index in range(len(group) + 1))}"
    )
    spent: dict[tuple[str, ...], list[int]] = {}
    for *values, stretch, cost in rows:
        days = spent.setdefault(tuple(values), [0] * (len(bounds_us) - 1))
        days[stretch] = _pico(cost)
    return spent


class Totals(NamedTuple):
    """What rows add up to: pico-USD, but for the first."""

    rows: int
    cost_pico: int
    first_cost_pico: int
    meters_pico: int
    """Sum of every meter's cost: equals `first_cost_pico`."""


def totals(store: Reads, writer: str | None = None, within: Window | None = None) -> Totals:
    """Sums over the ledger, over one writer's rows, or over those of a stretch of time."""
    mine = "where writer = ?" if writer is not None else ""
    parameters = [writer] if writer is not None else []
    common = " + ".join(f"sum({meter}_cost_usd)" for meter in COMMON_METERS)
    ((rows, cost),) = store.read(
        f"select count(*), sum(cost_usd) from {_of(within)} {mine}", parameters
    )
    ((first, meters),) = store.read(
        f"select sum(first_cost_usd), {common} from {_counted(within)} {mine}", parameters
    )
    others = _other_meter_rows(store, mine, parameters, within=within)
    other_pico = sum(usd_to_pico(cost) for _, _, found in others for _, cost in found.values())
    return Totals(rows, _pico(cost), _pico(first), _pico(meters) + other_pico)


def horizon_us(store: Reads) -> int:
    """Calls that began before it were pruned; 0 while none were."""
    ((found,),) = store.read("select coalesce(max(epoch_us(start_time)), 0) from horizon")
    return int(found)


def repeated_keys(store: Reads) -> int:
    """Rows beyond the first of their key: 0."""
    ((repeated,),) = store.read(
        "select coalesce(sum(n - 1), 0) from (select count(*) n from calls "
        "group by trace_id, span_id, start_time having count(*) > 1) r"
    )
    return int(repeated)


def restated(store: Reads, within: Window | None = None) -> list[tuple[str, str, int, int]]:
    """(writer, reason, pico up, pico down) of changes to a cost after it was first counted."""
    rows = store.read(
        "select writer, reason, sum(greatest(new_cost_usd - old_cost_usd, 0)), "
        "sum(greatest(old_cost_usd - new_cost_usd, 0)) "
        f"from {_of(within, 'restatements')} group by writer, reason order by writer, reason"
    )
    return [(writer, reason, _pico(up), _pico(down)) for writer, reason, up, down in rows]


def quick_totals(store: LedgerStore) -> tuple[int, int, int | None]:
    """(rows, pico, newest start µs): what each scrape asks."""
    found = summed(store, (), EVER[1:])
    ((rows, cost),) = store.read(
        f"select sum({found.requests}), sum(cost_usd) from {found.table} where {in_window(EVER)}"
    )
    ((newest,),) = store.read("select epoch_us(max(start_time)) from calls")
    return int(rows or 0), _pico(cost), newest


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
    store: Reads, writer: str, within: Window | None
) -> dict[tuple[str, ...], dict[str, tuple[int, int]]]:
    found: dict[tuple[str, ...], dict[str, tuple[int, int]]] = {}
    where = "where writer = ? and not is_backfill and status <> 'cached'"
    for labels, born, meters in _other_meter_rows(store, where, [writer], COST_COLUMNS, within):
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
    store: Reads,
    where: str,
    parameters: Sequence[object],
    columns: Iterable[str] = (),
    within: Window | None = None,
) -> Iterator[tuple[tuple[str, ...], int, dict[str, tuple[int, str]]]]:
    """(columns, born µs, meters) of rows with rarer meters, those of equal text together."""
    selected = "".join(f"{name}, " for name in columns)
    joined = "and" if where else "where"
    rows = store.read(
        f"select {selected} other_meters, count(*), epoch_us(min(ingested_at)) "
        f"from {_counted(within)} {where} {joined} other_meters is not null "
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


def _counted(within: Window | None) -> str:
    """What the counters counted: rows restated since are there as they were."""
    calls, first = _of(within), _of(within, "first_counted")
    return (
        f"(select {_NAMES} from {calls} where not is_restated "
        f"union all select {_NAMES} from {first}) counted"
    )


def _of(within: Window | None, table: str = "calls") -> str:
    """A table, or what in it is of calls that began within a stretch of time."""
    if within is None:
        return table
    return f"(select * from {table} where {in_window(within)}) {table}"


def in_window(window: Window) -> str:
    """SQL for calls that began within a stretch."""
    return between(window.start_us, window.end_us)


def _pico(value: Decimal | None) -> int:
    return stored_to_pico(value) if value is not None else 0
