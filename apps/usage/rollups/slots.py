"""The slots of an hour: its parts that no local hour of consumer or provider divides."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from apps.usage.placement import window_start_of

HOUR: Final = timedelta(hours=1)
QUARTER: Final = timedelta(minutes=15)  # every time zone is whole quarters of an hour away from UTC


@dataclass(frozen=True, slots=True)
class Party:
    """A subscription as the rollups need it."""

    subscription_id: UUID
    api_id: UUID
    plan_id: UUID
    consumer_id: UUID
    provider_id: UUID
    country: str
    is_sandbox: bool
    consumer_zone: str
    provider_zone: str


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot of one subscription, with the local days that it belongs to."""

    party: Party
    start: datetime
    end: datetime

    @property
    def consumer_day(self) -> date:
        """The day of the consumer."""
        return self.start.astimezone(ZoneInfo(self.party.consumer_zone)).date()

    @property
    def provider_day(self) -> date:
        """The day of the provider."""
        return self.start.astimezone(ZoneInfo(self.party.provider_zone)).date()


def slots_of(party: Party, hour: datetime) -> list[Slot]:
    """Divide an hour of UTC where a local hour of either side begins."""
    borders = _borders(hour, party.consumer_zone, party.provider_zone)
    return [
        Slot(party, start, end)
        for start, end in zip(borders, (*borders[1:], hour + HOUR), strict=True)
    ]


@lru_cache(maxsize=1024)
def _borders(hour: datetime, *zones: str) -> tuple[datetime, ...]:
    quarters = (hour + QUARTER * number for number in range(1, 4))
    return (
        hour,
        *(at for at in quarters if any(window_start_of(at, zone) == at for zone in zones)),
    )
