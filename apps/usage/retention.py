"""For how long single calls are needed: asked of the apps above, which register what they build on them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from django.conf import settings

from apps.core.clock import Period
from apps.core.partitions import month_of

# Given a month in UTC: when its calls are not needed any more. None: this app does not need them.
RetentionSource = Callable[[Period], datetime | None]
# Needed for now, and nobody can say until when.
NO_END: Final = datetime.max.replace(tzinfo=UTC)

_sources: list[RetentionSource] = []


def register_retention_source(source: RetentionSource) -> None:
    """Let an app above say what it still needs; called from its `AppConfig.ready()`."""
    if source not in _sources:
        _sources.append(source)


def months_after(instant: datetime, months: int) -> datetime:
    """Return the same instant so many months later; the last day of a month where the day does not exist."""
    target = month_of(instant.year, instant.month + months)
    days = (target.end - target.start).days
    return instant.replace(
        year=target.start.year, month=target.start.month, day=min(instant.day, days)
    )


def needed_until(month: Period) -> datetime:
    """Return when the calls of a month are needed by nobody: at least `USAGE_EVENTS_KEPT_MONTHS` after its end."""
    own = months_after(month.end, settings.USAGE_EVENTS_KEPT_MONTHS)
    found = [until for source in _sources if (until := source(month)) is not None]
    return max([own, *found])
