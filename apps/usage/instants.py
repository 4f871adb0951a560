"""Instants as PostgreSQL stores them: whole microseconds since 2000, so that many are handled as plain numbers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
MILLISECOND_US: Final = 1_000
SECOND_US: Final = 1_000_000
MINUTE_US: Final = 60_000_000
HOUR_US: Final = 60 * MINUTE_US


def to_us(instant: datetime) -> int:
    """Return the microseconds from 2000-01-01 UTC to an instant; negative before."""
    return (instant - EPOCH) // MICROSECOND


def from_us(microseconds: int) -> datetime:
    """Return the instant, in UTC."""
    return EPOCH + timedelta(microseconds=microseconds)
