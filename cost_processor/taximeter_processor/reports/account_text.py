"""Says in words why a call costs what it costs: one wording for the terminal and the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from taximeter_processor.reports.account import PAST, Account, LineTold, OtherTold

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


class Note(NamedTuple):
    """One remark on a call: what it is about, and what is said."""

    name: str
    text: str


def named(account: Account) -> str:
    """The provider and model that answered, or what was asked for."""
    model = account["response_model"] or account["request_model"] or "an unnamed model"
    return f"{account['provider'] or '?'} {model}, tier {account['service_tier']}"


def time_text(account: Account) -> str:
    """When it began, and where the reporting zone is another than UTC what time it was there."""
    local = account["start_time_local"] or ""
    there = "" if local.endswith("+00:00") else f" ({local})"
    return f"{account['start_time']}{there}"


def whose(account: Account) -> dict[str, str | None]:
    """What says whose call it is: its tags, environment and service; None: nobody said."""
    return {
        **account["tags"],
        "environment": account["environment"],
        "service_name": account["service_name"],
    }


def source_text(line: LineTold) -> str:
    """Who says a rate, and why it is another's where it is."""
    return f"{line['source']}: {line['fallback'] or line['source_detail']}"


def sum_name(account: Account) -> str:
    """What the sum of the lines is."""
    return "avoided" if account["status"] == "cached" else "cost"


def not_told_yet(calls: Sequence[Account], others: Sequence[Account]) -> list[Account]:
    """The other spans that no call among `calls` has named as one more telling of it."""
    told = {_key(other) for account in calls for other in account["duplicates"]}
    return [account for account in others if _key(account) not in told]


def _key(told: Account | OtherTold) -> tuple[str | None, str | None, str | None]:
    return told["trace_id"], told["span_id"], told["start_time"]


def notes(account: Account) -> Iterator[Note]:
    """What stands under the lines of a call: its price, its counts, its other tellings."""
    if not account["meters"]:
        used = ", ".join(f"{meter} {n:,}" for meter, n in account["quantities"].items())
        yield Note("used", used or "nothing that was reported")
    if account["status"] == "unpriced":
        reason = account["reason"] or ""
        yield Note("no price", f"{reason}: {_WHY.get(reason, reason)}")
    if account["status"] == "failed":
        yield Note("no price", "the call failed and reported no usage: nothing is owed")
    if account["status"] == "cached":
        cost = account["cost_usd"]
        yield Note("cost", f"${cost}: a response cache answered; the lines were avoided")
    yield from _prices(account)
    yield from _counts(account)
    for other in account["duplicates"]:
        yield Note("not added", _telling(other))
    yield from _history(account)


def _prices(account: Account) -> Iterator[Note]:
    lines = account["meters"]
    if not account["price_version"] or not lines:
        return
    since, until = lines[0]["valid_from"], lines[0]["valid_until"]
    if all(line["source"] != PAST for line in lines):
        period = f"since {_day(since) or 'ever'}, until {_day(until) or 'further notice'}"
        yield Note("prices", f"{account['price_version']}, {period}")
    else:
        yield Note(
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
        yield Note("override", f"{name}{where}{', ' if days else ''}{days}{note}")
    if account["list_cost_usd"]:
        changed = [f"${usd} saved by {name}" for name, usd in (account["saved_usd"] or {}).items()]
        changed += [
            f"${usd} extra for {name}" for name, usd in (account["extra_usd"] or {}).items()
        ]
        told = "; ".join(changed) or "nothing saved, nothing extra"
        yield Note("list price", f"${account['list_cost_usd']} without cache and tier: {told}")


def _counts(account: Account) -> Iterator[Note]:
    raw = account["raw_usage"]
    ignored_names = {ignored["name"] for ignored in account["ignored"]}
    for name, fields in account["read_as"].items():
        if name not in ignored_names:
            yield Note("read", f"{name} {raw[name]}, as {', '.join(fields)}")
    for ignored in account["ignored"]:
        what = f"{ignored['name']} {ignored['value']}"
        yield Note("ignored", f"{what}, {ignored['reason']}: {ignored['why']}")
    for one in account["corrected"]:
        count = f"{one['field']} {one['told']:,} -> {one['counted']:,}"
        yield Note("corrected", f"{count}: {one['why']}")
    if account["usage_status"] not in (None, "reported"):
        yield Note("usage", f"{account['usage_status']}")


def _history(account: Account) -> Iterator[Note]:
    for change in account.get("restatements", ()):
        money = f"${change['old_cost_usd']} -> ${change['new_cost_usd']}"
        yield Note("restated", f"{change['restated_at']}: {money} ({change['reason']})")
    today = account.get("today")
    if today and today["reprice_pending"]:
        yield Note(
            "today",
            f"{today['price_version']} says ${today['cost_usd']} ({today['reason']}): "
            "`taximeter reprice` would restate it",
        )


def other_text(account: Account) -> str:
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


def _day(moment: str | None) -> str:
    return (moment or "").removesuffix("T00:00:00Z")
