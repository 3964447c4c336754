"""A tenant's name, turned into `forgotten` in every row that has it: a slice at a time."""

from __future__ import annotations

from typing import Any, NamedTuple

from taximeter_processor.credentials import Secret
from taximeter_processor.ledger.erase import FORGOTTEN, Erased, erase_slice, would_be_erased
from taximeter_processor.ledger.store import LedgerStore
from taximeter_processor.periods import parse_iso
from taximeter_processor.reports.asked import iso
from taximeter_processor.tagging import hashed


class Question(NamedTuple):
    """Who is to be forgotten."""

    tenant: str
    since: str = "1970-01-01T00:00:00Z"
    """ISO 8601: the answer's `next`, to go on."""
    dry_run: bool = False


def forget(
    store: LedgerStore, asked: Question, now_us: int, key: Secret | None = None
) -> dict[str, Any]:
    """Forget the tenant in the first calls from `since`; `next` is where to go on.

    With the key of `hash_tenants`, under the name's hash as well.
    """
    if asked.tenant in ("", FORGOTTEN):
        raise ValueError(f"{asked.tenant!r} is nobody's name: expected a tenant's")
    names = [asked.tenant]
    if key is not None:
        names.append(hashed(asked.tenant, key.secret().encode()))
    if asked.dry_run:
        return _told(would_be_erased(store, names))
    return _told(erase_slice(store, names, parse_iso(asked.since), now_us))


def _told(erased: Erased) -> dict[str, Any]:
    return {
        "rows": erased.rows,
        "next": None if erased.next_us is None else iso(erased.next_us),
    }
