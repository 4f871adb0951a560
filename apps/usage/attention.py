"""What of usage waits for an operator."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.core import clock
from apps.core.attention import AttentionItem, attention
from apps.usage.enums import (
    BatchStatus,
    DifferenceState,
    DriftStatus,
    LateResolution,
    RewindStatus,
)
from apps.usage.models import LateEvent, UsageArchive, UsageBatch, UsageRewind, WindowDifference
from apps.usage.selectors import list_drift_reports

# A failed rewind that nobody went on with was given up.
FAILURES_SHOWN_FOR: Final = timedelta(days=7)


@attention(roles=("operator",))
def waiting_usage() -> Iterator[AttentionItem]:
    """Failed batches, and calls that came after their period."""
    yield AttentionItem(
        label=_("Usage batches that failed"),
        count=UsageBatch.objects.filter(status=BatchStatus.FAILED).count(),
        url=f"{reverse('admin:usage_usagebatch_changelist')}?status__exact={BatchStatus.FAILED}",
        tone="bad",
        note=_("Their calls are not counted, and the periods they belong to cannot close."),
    )
    yield AttentionItem(
        label=_("Calls that came after their period was closed"),
        count=LateEvent.objects.filter(resolution=LateResolution.OPEN).count(),
        url=f"{reverse('admin:usage_lateevent_changelist')}?resolution__exact={LateResolution.OPEN}",
        tone="info",
        note=_("They are on no invoice until their periods are rated again."),
    )
    yield AttentionItem(
        label=_("Windows of closed periods that differ from their events"),
        count=WindowDifference.objects.filter(state=DifferenceState.OPEN).count(),
        url=f"{reverse('admin:usage_windowdifference_changelist')}?state__exact={DifferenceState.OPEN}",
        tone="warn",
        note=_("A rewind found them. They are on no invoice until their periods are rated again."),
    )
    yield AttentionItem(
        label=_("Rewinds that failed"),
        count=UsageRewind.objects.filter(
            status=RewindStatus.FAILED,
            is_dry_run=False,
            finished_at__gt=clock.now() - FAILURES_SHOWN_FOR,
        ).count(),
        url=f"{reverse('admin:usage_usagerewind_changelist')}?status__exact={RewindStatus.FAILED}",
        tone="bad",
        note=_("Their windows are partly computed anew. Start them again."),
    )
    yield AttentionItem(
        label=_("Archives of calls that cannot be read"),
        count=UsageArchive.objects.exclude(problem="").count(),
        url=f"{reverse('admin:usage_usagearchive_changelist')}?problem__isempty=0",
        tone="bad",
        note=_("Invoices of these months cannot be proven. Restore the files from the backup."),
    )
    yield from _drift()


def _drift() -> Iterator[AttentionItem]:
    """What the last comparison of counters, windows and calls could not explain."""
    finished = list_drift_reports().exclude(status=DriftStatus.RUNNING)
    last = finished.only("status", "unexplained_count", "wrong_windows_count").first()
    if last is None:
        return
    url = reverse("admin:usage_drift_report", args=[last.public_id])
    yield AttentionItem(
        label=_("Counters above what was counted, unexplained"),
        count=last.unexplained_count,
        url=url,
        tone="warn",
        note=_("Calls may be missing. The counters stay as they are."),
    )
    yield AttentionItem(
        label=_("Windows that are not the sum of their calls"),
        count=last.wrong_windows_count,
        url=url,
        tone="bad",
    )
    yield AttentionItem(
        label=_("The last comparison of counters and windows failed"),
        count=int(last.status == DriftStatus.FAILED),
        url=url,
        tone="bad",
    )
