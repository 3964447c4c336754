"""Alerts about budgets: the money of a period is spent."""

from __future__ import annotations

from typing import Final

from taximeter_processor.names import RULE_BUDGET, RULE_BUDGET_SPENT
from taximeter_processor.observability.alerts.alert import Alert, dollars

_BUDGET = dollars(f'printf "{RULE_BUDGET}{{budget=%q}}" $labels.budget')

ALERTS: Final = (
    Alert(
        name="TaximeterBudgetExhausted",
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
