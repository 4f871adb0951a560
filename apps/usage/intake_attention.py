"""What of intake waits for an operator."""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.core.attention import AttentionItem, attention
from apps.core.models import DeadLetter
from apps.usage.constants import CONFLICT_SOURCE, DEAD_LETTER_SOURCE


@attention(roles=("operator",))
def events_set_aside() -> Iterator[AttentionItem]:
    """Events that could not be counted, and events whose id was taken."""
    letters = reverse("admin:core_deadletter_changelist")
    open_letters = DeadLetter.objects.filter(resolved_at=None)
    yield AttentionItem(
        label=_("Usage events that could not be counted"),
        count=open_letters.filter(source=DEAD_LETTER_SOURCE).count(),
        url=f"{letters}?source={DEAD_LETTER_SOURCE}",
        tone="bad",
        note=_("Each is a call that was answered and is not billed until somebody retries it."),
    )
    yield AttentionItem(
        label=_("Usage events with an id that was taken"),
        count=open_letters.filter(source=CONFLICT_SOURCE).count(),
        url=f"{letters}?source={CONFLICT_SOURCE}",
    )
