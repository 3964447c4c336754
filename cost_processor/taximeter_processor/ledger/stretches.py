"""SQL for the stretch of time a call began in, given the bounds between stretches in µs."""

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
