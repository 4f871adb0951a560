"""What members and programs hear of anomalies: once when an incident begins, and once when it is over."""

from __future__ import annotations

from typing import Any, Final

from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from apps.accounts.enums import PlatformFeature
from apps.accounts.platform_plans.gates import has_feature
from apps.accounts.selectors import owner_language
from apps.core.formatting import format_number
from apps.notifications.kinds import NotificationKind
from apps.notifications.services import Message, notify_members
from apps.notifications.webhooks import WebhookEventType, publish_webhook
from apps.usage.enums import AnomalyKind
from apps.usage.models import UsageAnomaly

READERS_OF_CONSUMER: Final = "subscriptions.manage"
READERS_OF_PROVIDER: Final = "apis.manage"
_OPEN = _("Open the anomaly")
SPIKE: Final = NotificationKind(
    name="anomalies.spike",
    title=_("%(name)s: unusually many calls"),
    body=_("%(observed)s calls in an hour; at most %(high)s are usual for this weekday and hour."),
    tone="warn",
    is_important=True,
    action_label=_OPEN,
)
DROP: Final = NotificationKind(
    name="anomalies.drop",
    title=_("%(name)s: unusually few calls"),
    body=_("%(observed)s calls in an hour; at least %(low)s are usual for this weekday and hour."),
    tone="warn",
    is_important=True,
    action_label=_OPEN,
)
ERRORS: Final = NotificationKind(
    name="anomalies.errors",
    title=_("%(name)s: unusually many calls fail"),
    body=_(
        "%(observed)s percent of the calls of an hour failed; at most %(high)s percent are usual for this weekday and hour."
    ),
    tone="bad",
    is_important=True,
    action_label=_OPEN,
)
RESOLVED: Final = NotificationKind(
    name="anomalies.resolved",
    title=_("%(name)s: usage is as usual again"),
    body=_("Two hours in a row were as expected."),
    tone="ok",
    is_important=True,
    action_label=_OPEN,
)
KINDS: Final = (SPIKE, DROP, ERRORS, RESOLVED)
EVENT: Final = WebhookEventType(
    "usage.anomaly",
    _(
        "An hour is unlike the same weekday and hour of the weeks before (open), or is as usual again (resolved)."
    ),
    {
        "anomaly_id": "ano_01jd0zq6f8e9xvgq0t4f3m2n1r",
        "kind": "spike",
        "state": "open",
        "side": "consumer",
        "api_slug": "cities",
        "subscription_id": "sub_01jd0zq6f8e9xvgq0t4f3m2n1r",
        "observed": 5400.0,
        "expected": 1200.0,
        "low": 600.0,
        "high": 1800.0,
        "started_at": "2026-11-02T09:00:00+00:00",
        "resolved_at": None,
    },
)
_OF_KIND: Final = {
    AnomalyKind.SPIKE: SPIKE,
    AnomalyKind.DROP: DROP,
    AnomalyKind.ERRORS: ERRORS,
}


def tell_anomaly(anomaly: UsageAnomaly) -> None:
    """Tell that an incident began, or that it is over. Part of the caller's transaction.

    An organization whose plan does not include these alerts finds the incident on its page, and hears nothing.
    """
    if not has_feature(anomaly.organization_id, PlatformFeature.ANOMALY_ALERTS):
        return
    state = "open" if anomaly.is_open else "resolved"
    organization = anomaly.organization
    with override(owner_language(organization)):
        context: dict[str, Any] = {
            "name": anomaly.api.name,
            "observed": format_number(round(anomaly.observed)),
            "low": format_number(round(anomaly.low)),
            "high": format_number(round(anomaly.high)),
        }
    kind = _OF_KIND[AnomalyKind(anomaly.kind)] if anomaly.is_open else RESOLVED
    message = Message(
        kind=kind.name,
        dedupe_key=f"usage.anomaly:{anomaly.public_id}:{state}",
        url=reverse("usage:anomaly", args=[anomaly.public_id]),
        context=context,
    )
    is_consumer = anomaly.subscription is not None
    readers = READERS_OF_CONSUMER if is_consumer else READERS_OF_PROVIDER
    notify_members(organization=organization, permission=readers, message=message)
    publish_webhook(
        organization=organization,
        event_type=EVENT.name,
        data={
            "anomaly_id": anomaly.public_id,
            "kind": anomaly.kind,
            "state": state,
            "side": "consumer" if is_consumer else "provider",
            "api_slug": anomaly.api.slug,
            "subscription_id": anomaly.subscription.public_id if anomaly.subscription else None,
            "observed": round(anomaly.observed, 1),
            "expected": round(anomaly.expected, 1),
            "low": round(anomaly.low, 1),
            "high": round(anomaly.high, 1),
            "started_at": anomaly.started_at.isoformat(),
            "resolved_at": anomaly.resolved_at.isoformat() if anomaly.resolved_at else None,
        },
        dedupe_key=f"{anomaly.pk}:{state}",
    )
