"""Prints accounts of calls as text: tokens times rate is cost, line by line, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from taximeter_processor.reports.account import Account, LineTold, sum_usd
from taximeter_processor.reports.account_text import (
    named,
    not_told_yet,
    notes,
    other_text,
    source_text,
    sum_name,
    time_text,
    whose,
)
from taximeter_processor.reports.stored import TraceAccount

_NAME_WIDTH: Final = 11


def print_trace(found: TraceAccount) -> None:
    """A stored trace: what was counted, then what was not."""
    calls = found["total_calls"]
    print(f"trace {found['trace_id']}: {_count(calls, 'call')}, ${found['cost_usd']}")
    _print(found["calls"], found["not_counted"])
    if found["truncated"]:
        print(
            f"\n{len(found['calls']):,} of {calls:,} calls are told here, and at most "
            f"{found['limit']:,} of what belongs to them: name one with --span"
        )


def print_calls(accounts: Sequence[Account]) -> None:
    """The spans of a file: what would be counted, then what would not."""
    counted = [one for one in accounts if _is_counted(one)]
    others = [one for one in accounts if not _is_counted(one)]
    total = sum_usd(one["cost_usd"] for one in counted)
    print(f"{_count(len(accounts), 'span')}: {_count(len(counted), 'call')}, ${total}")
    _print(counted, others)


def _is_counted(account: Account) -> bool:
    return account["is_call"] and not account["duplicate_of"]


def _print(calls: Sequence[Account], others: Sequence[Account]) -> None:
    for account in calls:
        print("\n" + "\n".join(call_text(account)))
    rest = not_told_yet(calls, others)
    if rest:
        print("\nnot counted")
    for account in rest:
        print("  " + other_text(account))


def call_text(account: Account) -> Iterator[str]:
    """One call, as lines without their ends."""
    yield f"call {account['span_id']} at {time_text(account)}: {named(account)}"
    said = ", ".join(f"{name} {value}" for name, value in whose(account).items() if value)
    yield f"told by {account['emitter']} ({account['dialect']}){'; ' if said else ''}{said}"
    yield ""
    if account["meters"]:
        yield from _table(account["meters"], sum_name(account))
    for note in notes(account):
        yield f"  {note.name:<{_NAME_WIDTH}} {note.text}"


def _table(lines: Sequence[LineTold], total: str) -> Iterator[str]:
    """Quantity x rate = cost, and under it the sum; costs stand with their points in line."""
    costs = _aligned([line["cost_usd"] for line in lines] + [sum_usd(_costs(lines))])
    cells = [
        (
            line["meter"],
            f"{line['quantity']:,}",
            f"x ${line['rate_per_usd']}" + (f" / {line['per']:,}" if line["per"] != 1 else ""),
            f"= ${cost}",
            source_text(line),
        )
        for line, cost in zip(lines, costs, strict=False)
    ]
    cells.append((total, "", "", f"= ${costs[-1]}", ""))
    widths = [max(len(cell[column]) for cell in cells) for column in range(4)]
    for meter, quantity, rate, cost, source in cells:
        yield (
            f"  {meter:<{widths[0]}}  {quantity:>{widths[1]}}  {rate:<{widths[2]}}  "
            f"{cost:>{widths[3]}}  {source}"
        ).rstrip()
    yield ""


def _costs(lines: Sequence[LineTold]) -> Iterator[str | None]:
    return (line["cost_usd"] for line in lines)


def _aligned(amounts: Sequence[str | None]) -> list[str]:
    """Amounts with the same number of decimals."""
    texts = [amount or "0" for amount in amounts]
    places = max(len(text.partition(".")[2]) for text in texts)
    return [
        f"{text.partition('.')[0]}.{text.partition('.')[2]:0<{places}}" if places else text
        for text in texts
    ]


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
