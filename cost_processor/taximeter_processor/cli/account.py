"""Prints accounts of calls as text: tokens times rate is cost, line by line, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from taximeter_processor.reports.account import PAST, Account, LineTold, OtherTold, sum_usd
from taximeter_processor.reports.stored import TraceAccount

_WHY: Final = {
    "unknown_model": "neither the price list nor an override knows this model of this provider",
    "no_price_for_meter": "something was used that has no rate, and a part would be a wrong total",
    "no_price_at_time": "no price of this model held when the call began",
    "no_usage": "nobody reported what was used",
    "estimated_usage": "what was used is only a guess",
    "aggregate": "it sums up the calls below it",
    "not_genai": "it is about no model",
    "not_inference": "this operation is not billed by the token",
    "repeated": "another span tells of the same call",
    "raw_dump": "it repeats the request of the span above it",
}
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
    told = {_key(other) for account in calls for other in account["duplicates"]}
    rest = [account for account in others if _key(account) not in told]
    if rest:
        print("\nnot counted")
    for account in rest:
        print("  " + _other_text(account))


def _key(told: Account | OtherTold) -> tuple[str | None, str | None, str | None]:
    return told["trace_id"], told["span_id"], told["start_time"]


def call_text(account: Account) -> Iterator[str]:
    """One call, as lines without their ends."""
    cost = account["cost_usd"]
    named = account["response_model"] or account["request_model"] or "an unnamed model"
    yield (
        f"call {account['span_id']} at {account['start_time']}: {account['provider'] or '?'} "
        f"{named}, tier {account['service_tier']}"
    )
    tags = ", ".join(f"{name} {value}" for name, value in account["tags"].items() if value)
    yield f"told by {account['emitter']} ({account['dialect']}){'; ' if tags else ''}{tags}"
    yield ""
    if account["meters"]:
        yield from _table(account["meters"], _sum_name(account))
    else:
        used = ", ".join(f"{meter} {n:,}" for meter, n in account["quantities"].items())
        yield from _row("used", used or "nothing that was reported")
    if account["status"] == "unpriced":
        reason = account["reason"] or ""
        yield from _row("no price", f"{reason}: {_WHY.get(reason, reason)}")
    if account["status"] == "failed":
        yield from _row("no price", "the call failed and reported no usage: nothing is owed")
    if account["status"] == "cached":
        yield from _row("cost", f"${cost}: a response cache answered; the lines were avoided")
    yield from _prices(account)
    yield from _counts(account)
    for other in account["duplicates"]:
        yield from _row("not added", _telling(other))
    yield from _history(account)


def _table(lines: Sequence[LineTold], sum_name: str) -> Iterator[str]:
    """Quantity x rate = cost, and under it the sum; costs stand with their points in line."""
    costs = _aligned([line["cost_usd"] for line in lines] + [sum_usd(_costs(lines))])
    cells = [
        (
            line["meter"],
            f"{line['quantity']:,}",
            f"x ${line['rate_per_usd']}" + (f" / {line['per']:,}" if line["per"] != 1 else ""),
            f"= ${cost}",
            f"{line['source']}: {line['fallback'] or line['source_detail']}",
        )
        for line, cost in zip(lines, costs, strict=False)
    ]
    cells.append((sum_name, "", "", f"= ${costs[-1]}", ""))
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


def _sum_name(account: Account) -> str:
    return "avoided" if account["status"] == "cached" else "cost"


def _prices(account: Account) -> Iterator[str]:
    lines = account["meters"]
    if not account["price_version"] or not lines:
        return
    since, until = lines[0]["valid_from"], lines[0]["valid_until"]
    if all(line["source"] != PAST for line in lines):
        period = f"since {_day(since) or 'ever'}, until {_day(until) or 'further notice'}"
        yield from _row("prices", f"{account['price_version']}, {period}")
    else:
        yield from _row(
            "prices",
            f"{account['price_version']}, as priced then; a rate of the past is cost / quantity",
        )
    overrides = {o["name"]: o for line in lines if (o := line["override"])}
    for name, override in overrides.items():
        where = f", line {override['line']} of the configuration" if override["line"] else ""
        days = ", ".join(
            f"{word} {day}"
            for word, day in (("from", override["since"]), ("until", override["until"]))
            if day
        )
        note = f": {override['note']}" if override["note"] else ""
        yield from _row("override", f"{name}{where}{', ' if days else ''}{days}{note}")
    if account["list_cost_usd"]:
        changed = [f"${usd} saved by {name}" for name, usd in (account["saved_usd"] or {}).items()]
        changed += [
            f"${usd} extra for {name}" for name, usd in (account["extra_usd"] or {}).items()
        ]
        told = "; ".join(changed) or "nothing saved, nothing extra"
        yield from _row("list price", f"${account['list_cost_usd']} without cache and tier: {told}")


def _counts(account: Account) -> Iterator[str]:
    raw = account["raw_usage"]
    ignored_names = {ignored["name"] for ignored in account["ignored"]}
    for name, fields in account["read_as"].items():
        if name not in ignored_names:
            yield from _row("read", f"{name} {raw[name]}, as {', '.join(fields)}")
    for ignored in account["ignored"]:
        what = f"{ignored['name']} {ignored['value']}"
        yield from _row("ignored", f"{what}, {ignored['reason']}: {ignored['why']}")
    for one in account["corrected"]:
        count = f"{one['field']} {one['told']:,} -> {one['counted']:,}"
        yield from _row("corrected", f"{count}: {one['why']}")
    if account["usage_status"] not in (None, "reported"):
        yield from _row("usage", f"{account['usage_status']}")


def _history(account: Account) -> Iterator[str]:
    for change in account.get("restatements", ()):
        money = f"${change['old_cost_usd']} -> ${change['new_cost_usd']}"
        yield from _row("restated", f"{change['restated_at']}: {money} ({change['reason']})")
    today = account.get("today")
    if today and today["reprice_pending"]:
        yield from _row(
            "today",
            f"{today['price_version']} says ${today['cost_usd']} ({today['reason']}): "
            "`taximeter reprice` would restate it",
        )


def _other_text(account: Account) -> str:
    """A span that is no call of its own, in one line."""
    span = f"span {account['span_id']}" if account["span_id"] else "a span that cannot be read"
    if account["duplicate_of"]:
        other = account["duplicate_of"]
        of = f"call {other['of']['span_id']} of trace {other['of']['trace_id']}"
        return f"{_telling(other)}, which is {of}"
    reason = account["reason"] or ""
    why = account.get("message") or _WHY.get(reason, "")
    return f"{span}, {reason}" + (f": {why}" if why else "")


def _telling(other: OtherTold) -> str:
    cost = f"${other['cost_usd']}" if other["cost_usd"] else "no price"
    told = f"span {other['span_id']} by {other['emitter']} ({cost})"
    return f"{told}, {other['reason']}: {other['why']}"


def _row(name: str, text: str) -> Iterator[str]:
    yield f"  {name:<{_NAME_WIDTH}} {text}"


def _day(moment: str | None) -> str:
    return (moment or "").removesuffix("T00:00:00Z")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
