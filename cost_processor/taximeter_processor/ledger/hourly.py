"""Exact sums of every hour: by what, of what, and whether they are those of the calls.

PostgreSQL keeps them in one table, `hourly`, by dimensions of one's choice. The embedded ledger
keeps two narrow tables of past hours (`duckdb_hourly`) and shows `hourly` as a view of the calls.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from taximeter_processor.ledger.record import DIMENSIONS
from taximeter_processor.ledger.store import HourlySums, Reads
from taximeter_processor.names import TAG_NAMES, UNKNOWN_VALUE

POSSIBLE_DIMENSIONS: Final = tuple(name for name in DIMENSIONS if name != "writer")
DEFAULT_DIMENSIONS: Final = (
    "feature",
    "tenant",
    "team",
    "request_type",
    "provider",
    "model",
    "environment",
    "status",
)
"""The writer's name is always one more."""


class Measure(NamedTuple):
    """A sum: its column, its type, and what one call adds to it."""

    name: str
    type: str
    amount: str


_LACKS_A_TAG: Final = " or ".join(f"{tag} in ('', '{UNKNOWN_VALUE}')" for tag in TAG_NAMES)

MEASURES: Final = (
    Measure("requests", "bigint", "1"),
    Measure("unpriced", "bigint", "(status = 'unpriced')::int"),
    Measure("input_tokens", "bigint", "coalesce(input_tokens, 0)"),
    Measure("output_tokens", "bigint", "coalesce(output_tokens, 0)"),
    Measure("cost_usd", "decimal(24,12)", "cost_usd"),
    Measure("list_cost_usd", "decimal(24,12)", "list_cost_usd"),
    Measure(
        "untagged_cost_usd", "decimal(24,12)", f"case when {_LACKS_A_TAG} then cost_usd else 0 end"
    ),
)
HOUR_US: Final = 3_600_000_000


def hours_that_differ(reads: Reads, kept: HourlySums) -> int:
    """Hours of which some sum is not that of the calls: 0."""
    until = "" if kept.until_us is None else f"where {{}} < make_timestamp({kept.until_us})"
    sums = ", ".join(f"sum({measure.name}) {measure.name}" for measure in MEASURES)
    amounts = ", ".join(f"sum({measure.amount}) {measure.name}" for measure in MEASURES)
    differs = " or ".join(
        f"coalesce(kept.{measure.name}, 0) <> coalesce(found.{measure.name}, 0)"
        for measure in MEASURES
    )
    ((count,),) = reads.read(
        "select count(*) from "
        f"(select epoch_us(hour) // {HOUR_US} number, {sums} from {kept.table} "
        f"{until.format('hour')} group by 1) kept "
        f"full join (select epoch_us(start_time) // {HOUR_US} number, {amounts} from calls "
        f"{until.format('start_time')} group by 1) found using (number) where {differs}"
    )
    return int(count)
