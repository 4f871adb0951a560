"""The provider's series as comma-separated values: one row per hour or day."""

from __future__ import annotations

import csv
from typing import TextIO

from apps.portal.provider_figures import ProviderFigures, Step


def write_csv(figures: ProviderFigures, target: TextIO) -> None:
    """Write the series; amounts are in minor units, with columns per currency."""
    writer = csv.writer(target)
    columns = [
        f"{name}_minor_{currency}"
        for currency in figures.currencies
        for name in ("gross", "fee", "net")
    ]
    writer.writerow(
        ["from", "calls", "billed_calls", "errors", "errors_4xx", "errors_5xx", *columns]
    )
    for step in figures.steps:
        writer.writerow([*_calls(step), *_amounts(step, figures.currencies)])


def _calls(step: Step) -> list[str | int]:
    classes = (step.failures.client_errors, step.failures.server_errors)
    return [step.at.isoformat(), step.calls, step.billed_calls, step.errors, *classes]


def _amounts(step: Step, currencies: list[str]) -> list[int]:
    amounts = []
    for currency in currencies:
        revenue = step.revenue.get(currency)
        parts = (revenue.gross, revenue.fee, revenue.net) if revenue else ()
        amounts += [part.amount_minor for part in parts] or [0, 0, 0]
    return amounts
