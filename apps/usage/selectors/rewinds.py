"""Rewinds and the differences that they found."""

from __future__ import annotations

from datetime import UTC, date, timedelta
from typing import Final

from django.db.models import QuerySet
from django.db.models.functions import TruncMonth

from apps.core.clock import Period
from apps.core.exceptions import NotFound
from apps.core.ids import InvalidPublicIdError, parse_public_id
from apps.usage.enums import ArchiveStatus
from apps.usage.models import (
    UsageArchive,
    UsageEvent,
    UsageRewind,
    UsageWindow,
    WindowDifference,
)

_FOUR_DAYS: Final = timedelta(days=4)


def list_rewinds() -> QuerySet[UsageRewind]:
    """Return all rewinds, newest first."""
    return UsageRewind.objects.select_related("api", "subscription", "job_run").order_by("-id")


def get_rewind(public_id: str) -> UsageRewind:
    """Return one rewind.

    Raises:
        NotFound: unknown or malformed.
    """
    try:
        row = list_rewinds().filter(pk=parse_public_id(UsageRewind.id_prefix, public_id)).first()
    except InvalidPublicIdError:
        raise NotFound from None
    if row is None:
        raise NotFound
    return row


def list_differences(rewind: UsageRewind) -> QuerySet[WindowDifference]:
    """Return the windows that a rewind found different, newest first."""
    return rewind.differences.select_related("subscription__api", "consumer_organization").order_by(
        "-id"
    )


def month_without_events(period: Period, windows: QuerySet[UsageWindow]) -> date | None:
    """Return the first month (UTC) of a period for which windows count events of which none is left.

    Events are dropped by the month, so a month of which nothing is stored was dropped, unless an archive holds it.
    """
    months = list(
        windows.filter(window_start__gte=period.start, window_start__lt=period.end)
        .annotate(month=TruncMonth("window_start", tzinfo=UTC))
        .values_list("month", flat=True)
        .distinct()
        .order_by("month")
    )
    archived = UsageArchive.objects.filter(status=ArchiveStatus.ONLY_COPY, month_start__in=months)
    in_archives = set(archived.values_list("month_start", flat=True)) if months else set()
    for month in months:
        if month in in_archives:
            continue
        following = (month.replace(day=28) + _FOUR_DAYS).replace(day=1)
        stored = UsageEvent.objects.filter(occurred_at__gte=month, occurred_at__lt=following)
        if not stored.exists():
            return month.date()  # type: ignore[no-any-return]  # a datetime, as TruncMonth makes it
    return None
