"""What of this app waits for an operator."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.core import clock
from apps.core.attention import AttentionItem, attention
from apps.core.enums import JobStatus, OutboxStatus
from apps.core.models import DeadLetter, JobRun, OutboxMessage

LATE_AFTER: Final = timedelta(minutes=5)
LOOK_BACK: Final = timedelta(hours=24)


@attention(roles=("operator",))
def failed_work() -> Iterator[AttentionItem]:
    """Messages that nobody could deliver, messages that wait too long, and jobs that failed."""
    now = clock.now()
    yield AttentionItem(
        label=_("Messages given up"),
        count=DeadLetter.objects.filter(source="outbox", resolved_at=None).count(),
        url=f"{reverse('admin:core_deadletter_changelist')}?source=outbox",
        tone="bad",
    )
    yield AttentionItem(
        label=_("Messages waiting for more than five minutes"),
        count=OutboxMessage.objects.filter(
            status=OutboxStatus.PENDING, created_at__lt=now - LATE_AFTER
        ).count(),
        url=f"{reverse('admin:core_outboxmessage_changelist')}?status__exact={OutboxStatus.PENDING}",
    )
    yield AttentionItem(
        label=_("Jobs that failed today"),
        count=JobRun.objects.filter(
            status=JobStatus.FAILED, created_at__gt=now - LOOK_BACK
        ).count(),
        url=f"{reverse('admin:core_jobrun_changelist')}?status__exact={JobStatus.FAILED}",
    )
