"""Telling programs what becomes of promotions: who has one, and who gives it, hear of it.

The operator is no organization; of its promotions subscribers alone hear.

Source: docs/domain/promotions.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization
from apps.core.events import receives
from apps.notifications.enums import EndpointStatus
from apps.notifications.models import WebhookEndpoint
from apps.notifications.webhooks import WebhookEventType, publish_webhook, register_event_types
from apps.pricing.events import PromotionChanged
from apps.pricing.models import Promotion
from apps.subscriptions.events import PromotionEvent, PromotionRedeemed, PromotionWithdrawn
from apps.subscriptions.models import PromotionRedemption

_PROMOTION: Final[dict[str, Any]] = {
    "promotion": "prm_01jd0zq6f8e9xvgq0t4f3m2n1q",
    "name": "Welcome",
    "kind": "percentage",
    "code": "WELCOME20",
}
_REDEMPTION: Final[dict[str, Any]] = {
    "id": "prr_01jd0zq6f8e9xvgq0t4f3m2n1q",
    **_PROMOTION,
    "subscription": "sub_01jd0zq6f8e9xvgq0t4f3m2n1q",
    "api": "weather",
    "plan": "Pro",
    "is_sandbox": False,
}
REDEEMED: Final = WebhookEventType(
    "promotion.redeemed",
    _("A subscription has a promotion from now on, by a code or because it applies by itself."),
    {**_REDEMPTION, "periods": 3, "redeemed_at": "2027-03-31T09:00:00+00:00"},
)
REMOVED: Final = WebhookEventType(
    "promotion.removed",
    _("A promotion that had lowered nothing yet was taken off a subscription."),
    {**_REDEMPTION, "removed_at": "2027-04-02T09:00:00+00:00"},
)
STOPPED: Final = WebhookEventType(
    "promotion.stopped",
    _("Nobody can redeem a promotion any more. Subscriptions that have it keep it."),
    {**_PROMOTION, "stopped_at": "2027-06-30T09:00:00+00:00"},
)
register_event_types(REDEEMED, REMOVED, STOPPED)


@receives(PromotionRedeemed, in_transaction=True)
def publish_redeemed(event: PromotionRedeemed) -> None:
    """Tell the subscriber's programs and those of the provider that bears it."""
    row = _redemption(event)
    _tell(row, REDEEMED, periods=row.periods, redeemed_at=row.redeemed_at.isoformat())


@receives(PromotionWithdrawn, in_transaction=True)
def publish_removed(event: PromotionWithdrawn) -> None:
    """Tell the same programs that the promotion is free again."""
    row = _redemption(event)
    removed_at = row.withdrawn_at.isoformat() if row.withdrawn_at else None
    _tell(row, REMOVED, removed_at=removed_at)


@receives(PromotionChanged, in_transaction=True)
def publish_stopped(event: PromotionChanged) -> None:
    """Tell the provider's programs, and those of subscribers whose bills the promotion still lowers."""
    if event.kind != "deactivated":
        return
    promotion = Promotion.objects.select_related("organization").get(pk=event.promotion_id)
    holders = (
        PromotionRedemption.objects.running()
        .filter(promotion=promotion)
        .order_by()
        .values("consumer_organization_id")
    )
    # Endpoints are few; organizations that listen to nothing are not even loaded.
    endpoints = WebhookEndpoint.objects.filter(status=EndpointStatus.ACTIVE)
    listening = Organization.objects.filter(pk__in=holders).filter(
        pk__in=endpoints.order_by().values("organization_id")
    )
    stopped_at = promotion.updated_at.isoformat()
    for organization in {*listening, *_owner_of(promotion)}:
        publish_webhook(
            organization=organization,
            event_type=STOPPED.name,
            dedupe_key=f"{promotion.public_id}:{stopped_at}",
            data={**_facts_of(promotion), "stopped_at": stopped_at},
        )


def _redemption(event: PromotionEvent) -> PromotionRedemption:
    related = ("promotion__organization", "consumer_organization", "subscription__api")
    rows = PromotionRedemption.objects.select_related(*related, "subscription__plan")
    return rows.get(pk=event.redemption_id)


def _tell(row: PromotionRedemption, event_type: WebhookEventType, **facts: Any) -> None:
    data = {
        "id": row.public_id,
        **_facts_of(row.promotion),
        "subscription": row.subscription.public_id,
        "api": row.subscription.api.slug,
        "plan": row.subscription.plan.name,
        "is_sandbox": row.consumer_organization.is_sandbox,
        **facts,
    }
    for organization in {row.consumer_organization, *_owner_of(row.promotion)}:
        publish_webhook(
            organization=organization,
            event_type=event_type.name,
            dedupe_key=row.public_id,
            data=data,
        )


def _owner_of(promotion: Promotion) -> Iterable[Organization]:
    return () if promotion.organization is None else (promotion.organization,)


def _facts_of(promotion: Promotion) -> dict[str, Any]:
    return {
        "promotion": promotion.public_id,
        "name": promotion.name,
        "kind": promotion.kind,
        "code": promotion.code,
    }
