"""A month of calls in a partition of its own, and in an archive."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from apps.core.actors import Actor
from apps.core.partitions import make_partition, month_of
from apps.subscriptions.models import Subscription
from apps.usage.models import UsageArchive
from apps.usage.services import release_month, write_archive
from tests.factories.billing import make_calls

SYSTEM: Final = Actor.system("tests")
JANUARY: Final = month_of(2025, 1)
TABLE: Final = "usage_usageevent"


def make_january_calls(subscription: Subscription, count: int = 3) -> list[str]:
    """Send calls of January 2025, a day apart from the third on, into a partition of their own."""
    make_partition(TABLE, JANUARY)
    first = datetime(2025, 1, 3, 12, tzinfo=UTC)
    return make_calls(subscription, *(first + timedelta(days=day) for day in range(count)))


def archive_january() -> UsageArchive:
    """Archive January 2025 and drop its partition."""
    return release_month(archive=write_archive(month=JANUARY, actor=SYSTEM), actor=SYSTEM)
