"""What a consumer's own programs hear about quotas and spend caps that run low."""

from __future__ import annotations

from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from apps.notifications.webhooks import WebhookEventType, publish_webhook
from apps.usage.enums import AlertKind
from apps.usage.models import UsageAlert

_EXAMPLE: Final[dict[str, Any]] = {
    "subscription_id": "sub_01jd0zq6f8e9xvgq0t4f3m2n1r",
    "api_slug": "cities",
    "threshold_percent": 80,
    "used": 8000,
    "limit": 10_000,
    "period_start": "2026-11-01T00:00:00+00:00",
    "resets_at": "2026-12-01T00:00:00+00:00",
}
WARNING: Final = WebhookEventType(
    "quota.warning", _("A quota is used to 50, 80 or 90 percent; once each in a period."), _EXAMPLE
)
EXCEEDED: Final = WebhookEventType(
    "quota.exceeded",
    _("A quota is used up; a hard one refuses further calls until it resets."),
    {**_EXAMPLE, "threshold_percent": 100, "used": 10_000},
)
CAP_WARNING: Final = WebhookEventType(
    "spend_cap.warning",
    _("The calls that a spend cap allows are used to 80 percent."),
    {**_EXAMPLE, "limit": 10_000},
)
CAP_REACHED: Final = WebhookEventType(
    "spend_cap.reached",
    _("A spend cap is reached; further calls are refused until the period ends."),
    {**_EXAMPLE, "threshold_percent": 100, "used": 10_000},
)
ALL: Final = (WARNING, EXCEEDED, CAP_WARNING, CAP_REACHED)


def publish_alert(alert: UsageAlert) -> None:
    """Tell the consumer's endpoints. Part of the caller's transaction."""
    is_all = alert.threshold_percent >= 100
    if alert.kind == AlertKind.QUOTA:
        kind = EXCEEDED if is_all else WARNING
    else:
        kind = CAP_REACHED if is_all else CAP_WARNING
    subscription = alert.subscription
    publish_webhook(
        organization=subscription.consumer_organization,
        event_type=kind.name,
        data={
            "subscription_id": subscription.public_id,
            "api_slug": subscription.api.slug,
            "threshold_percent": alert.threshold_percent,
            "used": alert.used_calls,
            "limit": alert.bound_calls,
            "period_start": alert.period_start.isoformat(),
            "resets_at": alert.period_end.isoformat(),
        },
        dedupe_key=str(alert.pk),
    )
