"""Which single calls are meant: a period of business time and what narrows it, for tables and archives alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db.models import QuerySet

from apps.core.clock import Period
from apps.usage.models import UsageEvent

OLDEST_FIRST: Final = ("occurred_at", "event_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRange:
    """Calls of a period. None narrows nothing; `statuses` is half-open; `without` leaves single calls out."""

    period: Period
    consumer_id: UUID | None = None
    provider_id: UUID | None = None
    subscription_id: UUID | None = None
    api_id: UUID | None = None
    statuses: tuple[int, int] | None = None
    path_contains: str = ""
    billable_only: bool = False
    without: frozenset[UUID] = frozenset()

    @property
    def equals(self) -> dict[str, UUID | bool]:
        """The columns that must have one value."""
        columns: dict[str, UUID | bool | None] = {
            "consumer_organization_id": self.consumer_id,
            "provider_organization_id": self.provider_id,
            "subscription_id": self.subscription_id,
            "api_id": self.api_id,
            "is_billable": True if self.billable_only else None,
        }
        return {name: value for name, value in columns.items() if value is not None}

    def stored(self) -> QuerySet[UsageEvent]:
        """Return those that are still in the table, oldest first."""
        rows = UsageEvent.objects.filter(
            occurred_at__gte=self.period.start, occurred_at__lt=self.period.end, **self.equals
        )
        if self.statuses is not None:
            rows = rows.filter(status__gte=self.statuses[0], status__lt=self.statuses[1])
        if self.path_contains:
            rows = rows.filter(path__contains=self.path_contains)
        if self.without:
            rows = rows.exclude(event_id__in=self.without)
        return rows.order_by(*OLDEST_FIRST)
