"""What of usage waits for an operator."""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.core.attention import AttentionItem, attention
from apps.usage.enums import BatchStatus
from apps.usage.models import LateEvent, UsageBatch


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
        count=LateEvent.objects.filter(resolved_at__isnull=True).count(),
        url=f"{reverse('admin:usage_lateevent_changelist')}?resolved_at__isempty=1",
        tone="info",
    )
