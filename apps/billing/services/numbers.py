"""Gapless numbers of invoices and credit notes."""

from __future__ import annotations

from apps.billing.constants import SERIES_PREFIX
from apps.billing.models import NumberSeries
from apps.core.db import require_transaction


def next_number(series_name: str) -> str:
    """Take the next number of a gapless series; see `next_numbers`."""
    return next_numbers(series_name, 1)[0]


def next_numbers(series_name: str, count: int) -> list[str]:
    """Take the next numbers of a gapless series; its row stays locked until the commit.

    Call it last in the caller's transaction: a rollback gives the numbers back, and nobody waits for long.
    """
    require_transaction()
    NumberSeries.objects.get_or_create(
        name=series_name, defaults={"prefix": SERIES_PREFIX[series_name]}
    )
    series = NumberSeries.objects.select_for_update().get(name=series_name)
    first = series.last_number + 1
    series.last_number += count
    series.save(update_fields=["last_number"])
    return [f"{series.prefix}{number:06d}" for number in range(first, first + count)]
