"""SQL for the stretch of time a call began in, given bounds in µs."""

from __future__ import annotations

from collections.abc import Sequence


def stretch_number(inner_us: Sequence[int], first: int = 0) -> str:
    """SQL for the number of the stretch, counted from `first`; the outermost bounds are not given.

    A tree of comparisons, so a thousand bounds cost a row ten of them; no engine's idea of a time
    zone is involved.
    """
    if not inner_us:
        return str(first)
    middle = len(inner_us) // 2
    before, since = inner_us[:middle], inner_us[middle + 1 :]
    return (
        f"case when start_time < make_timestamp({int(inner_us[middle])}) "
        f"then {stretch_number(before, first)} "
        f"else {stretch_number(since, first + middle + 1)} end"
    )


def between(start_us: int, end_us: int, time: str = "start_time") -> str:
    """SQL for a time within a half-open stretch."""
    return f"{time} >= make_timestamp({start_us}) and {time} < make_timestamp({end_us})"
