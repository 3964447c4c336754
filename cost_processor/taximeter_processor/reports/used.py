"""Which models were used and what they used, whatever it cost: what price questions start from."""

from __future__ import annotations

from typing import Final

from taximeter_processor.ledger.usage import Cuts, models_in_use, usage_json, usage_sums
from taximeter_processor.money import format_usd
from taximeter_processor.reports.asked import Answer, Asked, iso, time_range

MOST_CUTS: Final = 500


def models(asked: Asked) -> Answer:
    """Models called `since` (30d) `until` (now), with what became of the calls."""
    start, end = time_range(asked, "30d")
    rows = []
    for used in models_in_use(asked.store, start, end):
        row = used._asdict()
        row["cost_usd"] = format_usd(row.pop("cost_pico"))
        rows.append(row)
    return {"since": iso(start), "until": iso(end), "rows": rows}


def usage(asked: Asked) -> Answer:
    """Sums of usage by model between cuts: `dates` (µs), `times` (µs of the day), `thresholds`."""
    start, end = time_range(asked, "30d")
    cuts = Cuts(*(_numbers(asked, name) for name in ("dates", "times", "thresholds")))
    rows = [usage_json(found) for found in usage_sums(asked.store, start, end, cuts)]
    return {"since": iso(start), "until": iso(end), "rows": rows}


def _numbers(asked: Asked, name: str) -> tuple[int, ...]:
    """Comma-separated whole numbers."""
    texts = [text for text in asked.parameters.get(name, "").split(",") if text]
    if len(texts) > MOST_CUTS or not all(text.isdigit() and len(text) < 19 for text in texts):
        raise ValueError(f"{name}: expected at most {MOST_CUTS} whole numbers, comma separated")
    return tuple(map(int, texts))
