"""Decides, for rows that are about to be stored, which calls they tell of: each is counted once.

A call that is in the ledger already keeps its row, which takes over what a richer telling knows;
among rows that arrive together the richest is the call. The others are kept as duplicates of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from itertools import chain, combinations
from operator import attrgetter
from typing import Any, Final, NamedTuple

from taximeter_processor.ledger.record import FIXED, Key, Record, Restatement, key_of
from taximeter_processor.ledger.same_call import (
    BRIDGES,
    MOST_APART_US,
    emitters_of,
    restates,
    richness,
    tell_of_one_call,
)

TOLD_TWICE: Final = "told_twice"
RESTATES_CHILDREN: Final = "restates_children"

Links = Mapping[tuple[str, str], str]
"""(trace, span) of a span that is no call -> its parent's span id."""
NO_LINKS: Final[Links] = {}
NO_TRACES: Final[frozenset[str]] = frozenset()

_OWN: Final = FIXED | {"end_time", "parent_span_id", "response_id", "emitter", "service_name"}
"""What a row says of its own span, whoever's counts it takes over."""
_FILLED: Final = ("feature", "tenant", "team", "request_type", "environment", "provider")
_MOST_ANCESTORS: Final = 64
_MOST_COMPARED: Final = 200
"""Rows of one trace or response id that are compared with each other."""


class Duplicate(NamedTuple):
    """A row that is not counted, why, and the call it tells of."""

    record: Record
    reason: str
    of: Key


@dataclass
class Decision:
    """What is to become of rows that arrive."""

    counted: list[Record] = field(default_factory=list)
    duplicates: list[Duplicate] = field(default_factory=list)
    restated: list[Restatement] = field(default_factory=list)
    retired: list[Duplicate] = field(default_factory=list)
    """Rows of the ledger that turned out to be no calls of their own."""


def is_suspect(record: Record) -> bool:
    """May tell of other rows by the same emitter, so that one emitter is not proof enough."""
    return _is_like_a_sum(record) or record.emitter in BRIDGES


def may_be_sum(record: Record) -> bool:
    """May turn out to be the sum of calls that come later, or begin long after it."""
    return record.dialect != "taximeter" and (
        _is_like_a_sum(record) or record.end_time - record.start_time > MOST_APART_US
    )


def _is_like_a_sum(record: Record) -> bool:
    return record.dialect == "otel_unnamed" or (
        record.usage_status == "missing" and record.dialect != "taximeter"
    )


def decide(
    fresh: Sequence[Record],
    known: Sequence[Record],
    links: Links,
    now_us: int,
    linked: Set[str] = NO_TRACES,
) -> Decision:
    """Sort out rows that arrive, given the related rows of the ledger.

    `linked` are traces of which links arrive: what the ledger has of them is judged again.
    """
    involved = _involved(fresh, known)
    if not involved:
        return Decision(counted=list(fresh))
    decision = _decide(
        [record for record in fresh if key_of(record) in involved],
        [record for record in known if key_of(record) in involved],
        links,
        now_us,
        linked,
    )
    order = {key_of(record): number for number, record in enumerate(fresh)}
    decision.counted += [record for record in fresh if key_of(record) not in involved]
    decision.counted.sort(key=lambda record: order[key_of(record)])
    return decision


def _involved(fresh: Sequence[Record], known: Sequence[Record]) -> set[Key]:
    """Rows that may tell of a call another one tells of; mostly there are none."""
    groups: dict[str, list[Record]] = {}
    for record in chain(known, fresh):
        groups.setdefault(record.trace_id, []).append(record)
        if record.response_id:
            groups.setdefault(record.response_id, []).append(record)
    return {
        key_of(record)
        for group in groups.values()
        if len(group) > 1 and _has_two_sides(group)
        for record in group
    }


def _has_two_sides(group: Sequence[Record]) -> bool:
    return len({record.emitter for record in group}) > 1 or any(map(is_suspect, group))


def _decide(
    fresh: Sequence[Record],
    known: Sequence[Record],
    links: Links,
    now_us: int,
    linked: Set[str],
) -> Decision:
    calls = _merge(fresh, known)
    parents = _aggregates(calls, links, linked | {record.trace_id for record in fresh})
    decision = Decision()
    for call in calls:
        child = parents.get(key_of(call.row))
        if child is not None:
            _drop(decision, call, key_of(child))
            continue
        if not call.is_known:
            decision.counted.append(call.row)
        elif call.row != call.stored:
            decision.restated.append(Restatement(call.row, TOLD_TWICE, now_us))
        decision.duplicates += [
            Duplicate(record, TOLD_TWICE, key_of(call.row)) for record in call.others
        ]
    return decision


@dataclass
class _Call:
    """One call: the row it is counted by, and its other tellings."""

    row: Record
    stored: Record
    is_known: bool
    others: list[Record] = field(default_factory=list)


def _drop(decision: Decision, call: _Call, of: Key) -> None:
    if call.is_known:
        decision.retired.append(Duplicate(call.stored, RESTATES_CHILDREN, of))
        told = call.others
    else:
        told = [call.stored, *call.others]
    decision.duplicates += [Duplicate(record, RESTATES_CHILDREN, of) for record in told]


def _merge(fresh: Sequence[Record], known: Sequence[Record]) -> list[_Call]:
    """Tellings of one call brought together, the nearest pairs first."""
    group_of = {key_of(record): [record] for record in (*known, *fresh)}
    is_known = {key_of(record) for record in known}
    for one, other in sorted(_pairs(fresh, known), key=_distance):
        ours, theirs = group_of[key_of(one)], group_of[key_of(other)]
        if ours is theirs or sum(key_of(r) in is_known for r in (*ours, *theirs)) > 1:
            continue
        if all(tell_of_one_call(a, b) or _is_third(a, b) for a in ours for b in theirs):
            ours += theirs
            for record in theirs:
                group_of[key_of(record)] = ours
    groups = {id(group): group for group in group_of.values()}
    return [_call(group, is_known) for group in groups.values()]


def _is_third(one: Record, other: Record) -> bool:
    """Two tellings that agree by way of a third need only be by different emitters."""
    return emitters_of(one).isdisjoint(emitters_of(other))


def _pairs(fresh: Sequence[Record], known: Sequence[Record]) -> Iterator[tuple[Record, Record]]:
    """Pairs with a fresh row that tell of one call; found by response id and by trace."""
    arrived = {key_of(record) for record in fresh}
    by_response: dict[str, list[Record]] = {}
    by_trace: dict[str, list[Record]] = {}
    for record in (*known, *fresh):
        by_trace.setdefault(record.trace_id, []).append(record)
        if record.response_id:
            by_response.setdefault(record.response_id, []).append(record)
    candidates = chain(
        chain.from_iterable(map(_overlapping, by_trace.values())),
        chain.from_iterable(
            combinations(group[-_MOST_COMPARED:], 2) for group in by_response.values()
        ),
    )
    for one, other in candidates:
        is_new = key_of(one) in arrived or key_of(other) in arrived
        if is_new and tell_of_one_call(one, other):
            yield one, other


def _overlapping(group: list[Record]) -> Iterator[tuple[Record, Record]]:
    """Pairs of which one starts before the other ended."""
    running: list[Record] = []
    for record in sorted(group, key=attrgetter("start_time")):
        running = [r for r in running if r.end_time >= record.start_time][-_MOST_COMPARED:]
        yield from ((earlier, record) for earlier in running)
        running.append(record)


def _distance(pair: tuple[Record, Record]) -> tuple[bool, bool, int]:
    one, other = pair
    return (
        one.response_id != other.response_id,
        one.trace_id != other.trace_id,
        abs(one.start_time - other.start_time),
    )


def _call(group: list[Record], is_known: set[Key]) -> _Call:
    best = max(group, key=richness)
    row = next((record for record in group if key_of(record) in is_known), best)
    others = [record for record in group if record is not row]
    merged = _merged(row, best, others)
    return _Call(merged, row, key_of(row) in is_known, others)


def _merged(row: Record, best: Record, others: list[Record]) -> Record:
    """The row with the best counts, and what only another telling knows."""
    if not others:
        return row
    tellings = (best, row, *others)
    if best is not row:
        row = best._replace(**{name: getattr(row, name) for name in _OWN})
    told = frozenset(chain.from_iterable(map(emitters_of, tellings))) - {row.emitter}
    filled: dict[str, Any] = {
        name: next((v for r in tellings if (v := getattr(r, name))), "") for name in _FILLED
    }
    reported = (r.reported_cost_usd for r in tellings if r.reported_cost_usd is not None)
    return row._replace(
        **filled,
        response_id=row.response_id or best.response_id,
        reported_cost_usd=next(reported, None),
        also_told_by=",".join(sorted(told)),
    )


def _aggregates(calls: list[_Call], links: Links, news: Set[str]) -> dict[Key, Record]:
    """Calls that only restate the calls below them, each with one of those.

    Only traces of which something arrives, `news`, are known well enough to be judged.
    """
    children = _children(calls, links)
    found: dict[Key, Record] = {}
    # The deepest first, so that an aggregate of aggregates is compared with the calls themselves.
    for call in sorted(calls, key=lambda call: -call.row.start_time):
        if call.row.trace_id not in news:
            continue
        below = _counted_below(call, children, found)
        if below and restates(call.row, [child.row for child in below]):
            found[key_of(call.row)] = below[0].row
    return found


def _counted_below(
    call: _Call, children: Mapping[Key, list[_Call]], found: Mapping[Key, Record]
) -> list[_Call]:
    """The nearest calls below that are counted; whatever the parents say, never the call itself."""
    counted: list[_Call] = []
    waiting, seen = [call], {key_of(call.row)}
    while waiting:
        for child in children.get(key_of(waiting.pop().row), ()):
            key = key_of(child.row)
            if key not in seen:
                seen.add(key)
                (waiting if key in found else counted).append(child)
    return counted


def _children(calls: list[_Call], links: Links) -> dict[Key, list[_Call]]:
    """Under each call those whose nearest call above it is."""
    by_span = {
        (record.trace_id, record.span_id): (call, record)
        for call in calls
        for record in (call.stored, *call.others)
    }
    children: dict[Key, list[_Call]] = {}
    for call in calls:
        above = {
            key_of(found.row)
            for record in (call.stored, *call.others)
            if (found := _above(call, record, by_span, links)) is not None
        }
        for key in above:
            children.setdefault(key, []).append(call)
    return children


def _above(
    call: _Call,
    record: Record,
    by_span: Mapping[tuple[str, str], tuple[_Call, Record]],
    links: Links,
) -> _Call | None:
    """The nearest other call above one telling of a call."""
    trace_id, parent = record.trace_id, record.parent_span_id
    for _ in range(_MOST_ANCESTORS):
        if not parent:
            break
        found = by_span.get((trace_id, parent))
        if found is not None and found[0] is not call:
            return found[0]
        parent = found[1].parent_span_id if found else links.get((trace_id, parent), "")
    return None
