"""The named read of the daily digests: what would be sent to each owner, as text."""

from __future__ import annotations

from taximeter_processor.names import UNOWNED
from taximeter_processor.reports.asked import Answer, Asked
from taximeter_processor.reports.digest import digests
from taximeter_processor.reports.digest_text import subject, text


def digest(asked: Asked) -> Answer:
    """Yesterday's digest of each owner as text: `owner` for one of them."""
    wanted = asked.parameters.get("owner")
    known = {UNOWNED, *(owner.name for owner in asked.settings.owners)}
    if wanted is not None and wanted not in known:
        raise ValueError(f"owner={wanted!r}: expected one of {', '.join(sorted(known))}")
    link = asked.settings.public_url or ""
    rows = [
        {
            "owner": found.owner,
            "day": found.day.isoformat(),
            "subject": subject(found),
            "text": text(found, link),
            "worth_reading": found.is_worth_reading,
        }
        for found in digests(asked.store, asked.settings, asked.now)
        if wanted in (None, found.owner)
    ]
    return {"rows": rows}
