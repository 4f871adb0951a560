"""What waits for approvers on the back office's start page."""

from __future__ import annotations

from collections.abc import Iterable

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.approvals.selectors import count_queue
from apps.core.attention import AttentionItem, attention

QUEUE = "admin:approvals_approvalrequest_changelist"


@attention(roles=("approver", "operator"))
def waiting_reviews() -> Iterable[AttentionItem]:
    """Count overdue requests, and the others that are open."""
    counts = count_queue()
    url = reverse(QUEUE)
    yield AttentionItem(
        label=_("Overdue reviews"), count=counts.overdue, url=f"{url}?queue=overdue", tone="bad"
    )
    yield AttentionItem(
        label=_("Reviews to do"), count=counts.open - counts.overdue, url=url, tone="info"
    )
