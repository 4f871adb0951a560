"""What a consumer's own programs hear about quotas, spend caps and budgets that run low."""

from __future__ import annotations

from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from apps.core.money import Money
from apps.notifications.webhooks import WebhookEventType, publish_webhook
from apps.usage.budget_standings import BudgetStanding, plain_quantity
from apps.usage.enums import AlertKind
from apps.usage.models import BudgetAlert, UsageAlert

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
BUDGET: Final = WebhookEventType(
    "budget.threshold_reached",
    _("A threshold of a budget is used up, or expected to be; once each in a period."),
    {
        "budget_id": "bud_01jd0zq6f8e9xvgq0t4f3m2n1r",
        "name": "Search",
        "threshold_percent": 80,
        "is_projected": False,
        "currency": "USD",
        "amount_minor": 10_000,
        "used_minor": 8150,
        "projected_minor": 11_720,
        "meter": None,
        "quantity": None,
        "used_quantity": None,
        "projected_quantity": None,
        "period_start": "2026-11-01T00:00:00+00:00",
        "period_end": "2026-12-01T00:00:00+00:00",
    },
)
ALL: Final = (BUDGET, WARNING, EXCEEDED, CAP_WARNING, CAP_REACHED)


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


def _amounts(standing: BudgetStanding) -> dict[str, Any]:
    """Return minor units of a currency, or quantities of a meter as text; the other kind is null."""
    budget = standing.budget
    money = {
        "amount_minor": standing.bound,
        "used_minor": standing.used,
        "projected_minor": standing.projected,
    }
    counted = {
        "quantity": standing.bound,
        "used_quantity": standing.used,
        "projected_quantity": standing.projected,
    }
    if budget.currency:
        minor = {
            name: Money.from_decimal(value, budget.currency).amount_minor
            for name, value in money.items()
        }
        return {"currency": budget.currency, **minor, "meter": None, **dict.fromkeys(counted)}
    texts = {name: plain_quantity(value) for name, value in counted.items()}
    return {"currency": None, **dict.fromkeys(money), "meter": budget.meter, **texts}


def publish_budget_alert(alert: BudgetAlert, standing: BudgetStanding) -> None:
    """Tell the organization's endpoints of a budget's threshold. Part of the caller's transaction."""
    budget = alert.budget
    publish_webhook(
        organization=budget.organization,
        event_type=BUDGET.name,
        data={
            "budget_id": budget.public_id,
            "name": budget.name,
            "threshold_percent": alert.threshold_percent,
            "is_projected": alert.is_projected,
            **_amounts(standing),
            "period_start": alert.period_start.isoformat(),
            "period_end": alert.period_end.isoformat(),
        },
        dedupe_key=str(alert.pk),
    )
