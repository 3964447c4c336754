"""Alerts about budgets: the money of a period is spent, or will be before the period ends."""

from __future__ import annotations

from typing import Final

from taximeter_processor.names import FORECAST
from taximeter_processor.observability.alerts.alert import BUDGETS, PROCESSOR_DOWN, Alert, dollars
from taximeter_processor.observability.promql import select
from taximeter_processor.observability.recorded import RULE_BUDGET, RULE_BUDGET_SPENT

EXHAUSTED: Final = "TaximeterBudgetExhausted"
BURN_FAST: Final = "TaximeterBudgetBurnFast"

PERIOD_HOURS: Final = {"day": 24, "week": 168, "month": 730}
FAST_BURN: Final = 14.4
SLOW_BURN: Final = 6
"""How many times the budget's even pace: the factors of the SRE workbook for 1 h and 6 h."""
FAST_USD: Final = 5
SLOW_USD: Final = 20
FORECAST_MARGIN: Final = 1.1
FORECAST_FROM_DAY: Final = 4

_BUDGET = dollars(f'printf "{RULE_BUDGET}{{budget=%q}}" $labels.budget')


def _burn(factor: float, windows: tuple[str, str], least_usd: int) -> str:
    """Spent in the longer window, where both windows burn faster than `factor`.

    `delta` of an exact gauge, which a new period sets back: a fall counts as nothing burnt. Daily
    budgets are left out, because their windows would be most of the period.
    """
    long, short = (_spent(window) for window in windows)
    parts = []
    for period in ("week", "month"):
        scope = select(RULE_BUDGET, period=period)
        pace = {
            window: f"{factor} * {_hours(window)} / {PERIOD_HOURS[period]}" for window in windows
        }
        parts.append(
            f"({long} > {pace[windows[0]]} * {scope}\n"
            f"  and {short} > {pace[windows[1]]} * {scope}\n"
            f"  and {long} > {least_usd})"
        )
    return "\nor ".join(parts)


def _spent(window: str) -> str:
    return f"delta({RULE_BUDGET_SPENT}[{window}])"


def _hours(window: str) -> str:
    amount, unit = window[:-1], window[-1]
    return amount if unit == "h" else f"{amount} / 60"


_LIKELY: Final = f"max by (budget) ({select(FORECAST.name, quantile='0.5')})"
_LIMITS: Final = select(RULE_BUDGET, period="month")
_OF_BUDGET: Final = dollars(f'printf "{RULE_BUDGET_SPENT}{{budget=%q}}" $labels.budget')

ALERTS: Final = (
    Alert(
        name=BURN_FAST,
        board=BUDGETS,
        expr=_burn(FAST_BURN, ("1h", "5m"), FAST_USD),
        severity="critical",
        hold="2m",
        inhibited_by=PROCESSOR_DOWN,
        outranked_by=(EXHAUSTED,),
        summary=(
            'Budget {{ $labels.budget }} lost ${{ printf "%.2f" $value }} in the last hour, 14 '
            f"times its pace; {_OF_BUDGET} of {_BUDGET} is spent."
        ),
        description="The last 5 minutes were as bad, so it is still going on.",
    ),
    Alert(
        name="TaximeterBudgetBurnSlow",
        board=BUDGETS,
        expr=_burn(SLOW_BURN, ("6h", "30m"), SLOW_USD),
        severity="warning",
        hold="15m",
        inhibited_by=PROCESSOR_DOWN,
        outranked_by=(EXHAUSTED, BURN_FAST),
        summary=(
            'Budget {{ $labels.budget }} lost ${{ printf "%.2f" $value }} in 6 hours, six times '
            f"its pace; {_OF_BUDGET} of {_BUDGET} is spent."
        ),
        description="The last 30 minutes were as bad, so it is still going on.",
    ),
    Alert(
        name="TaximeterForecastOverBudget",
        board=BUDGETS,
        expr=(
            f"({_LIKELY}\n"
            f"  > on (budget) {FORECAST_MARGIN} * max by (budget) ({_LIMITS}))\n"
            "  * on (budget) group_left (owner, feature, team, period)\n"
            f"    group by (budget, owner, feature, team, period) ({_LIMITS})\n"
            f"and on () day_of_month() >= {FORECAST_FROM_DAY}"
        ),
        severity="warning",
        hold="6h",
        keep_firing="10m",
        inhibited_by=PROCESSOR_DOWN,
        outranked_by=(EXHAUSTED,),
        summary=(
            'Budget {{ $labels.budget }} is heading for ${{ printf "%.2f" $value }} at the end of '
            f"the month; {_BUDGET} was planned, {_OF_BUDGET} is spent."
        ),
        description="More than 10 % over for six hours; nothing is said before the fourth day.",
    ),
    Alert(
        name=EXHAUSTED,
        board=BUDGETS,
        expr=f"{RULE_BUDGET_SPENT} >= {RULE_BUDGET} and {RULE_BUDGET_SPENT} > 0",
        severity="critical",
        keep_firing="10m",  # a restart of the processor is no all-clear
        summary=(
            "Budget {{ $labels.budget }} is exhausted: "
            f'${{{{ printf "%.2f" $value }}}} of {_BUDGET} spent this {{{{ $labels.period }}}}'
            "{{ with $labels.feature }} by feature {{ . }}{{ end }}."
        ),
        description=(
            'It belongs to {{ or $labels.owner "nobody" }}. The amount is exact, from the ledger; '
            "spending goes on until somebody acts."
        ),
    ),
)
