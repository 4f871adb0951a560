"""What of the gateway waits for a person of the operator."""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.core.attention import AttentionItem, attention
from apps.gateway.enums import ReportStatus, SyncState
from apps.gateway.models import RegistryEntry
from apps.gateway.selectors import gateway_standing, list_reports


@attention(roles=("operator",))
def gateway_trouble() -> Iterator[AttentionItem]:
    """No authorizer that serves, a reconciliation that failed, and entries that never arrived."""
    entries = reverse("admin:gateway_registryentry_changelist")
    last = list_reports().first()
    if last is not None and last.status == ReportStatus.FAILED:
        yield AttentionItem(
            label=_("The last reconciliation of the gateway failed"),
            count=1,
            url=reverse("admin:gateway_report", args=[last.public_id]),
            tone="bad",
            note=last.reason,
        )
    if gateway_standing().leased_nodes == 0 and RegistryEntry.objects.exists():
        yield AttentionItem(
            label=_("No authorizer is serving: every call is refused"),
            count=1,
            url=reverse("admin:gateway_overview"),
            tone="bad",
        )
    failed = RegistryEntry.objects.filter(state=SyncState.FAILED)
    yield AttentionItem(
        label=_("Registry entries that no authorizer has proven"),
        count=failed.count(),
        url=f"{entries}?state__exact={SyncState.FAILED}",
        tone="bad",
    )
