"""What of subscriptions waits for an operator."""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.core.attention import AttentionItem, attention
from apps.subscriptions.models import Rating


@attention(roles=("approver", "operator"))
def reported_reviews() -> Iterator[AttentionItem]:
    """Reviews that somebody reported and nobody looked at yet."""
    yield AttentionItem(
        label=_("Reported reviews"),
        count=Rating.objects.reported().count(),
        url=reverse("admin:subscriptions_rating_changelist"),
        tone="info",
    )
