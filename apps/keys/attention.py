"""What of keys waits for an operator."""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.core.attention import AttentionItem, attention
from apps.keys.models import KeyAlert


@attention(roles=("operator",))
def suspicious_keys() -> Iterator[AttentionItem]:
    """Organizations that make or rotate unusually many keys, which nobody looked at yet."""
    yield AttentionItem(
        label=_("Unusually many keys made or rotated"),
        count=KeyAlert.objects.filter(resolved_at__isnull=True).count(),
        url=f"{reverse('admin:keys_keyalert_changelist')}?resolved_at__isempty=1",
        note=_("An account may be in the wrong hands."),
    )
