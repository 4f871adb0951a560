"""Redeeming promotions: by a code that a consumer enters, or by themselves when a bill is made.

How often a promotion is redeemed is exact: it is counted under the lock of the promotion's row. A subscription is locked before a promotion.

Source: docs/domain/promotions.md.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import F

from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.db import require_transaction
from apps.core.events import publish
from apps.core.exceptions import NotFound
from apps.core.money import Money
from apps.pricing.exceptions import PromotionUsed
from apps.pricing.models import Promotion
from apps.pricing.promotion_rules import Reason, customer_for, find_refusal, refused
from apps.pricing.promotion_selectors import find_promotion
from apps.subscriptions.enums import ENDED_STATUSES
from apps.subscriptions.events import PromotionRedeemed, PromotionWithdrawn
from apps.subscriptions.exceptions import SubscriptionHasEnded
from apps.subscriptions.models import PromotionRedemption, PromotionUse, Subscription
from apps.subscriptions.services.changes import lock_subscription


@transaction.atomic
def redeem_promotion(*, subscription: Subscription, code: str, actor: Actor) -> PromotionRedemption:
    """Give a subscription the promotion of a code; it lowers the bills of the period that runs and of those after it.

    Publishes PromotionRedeemed.

    Raises:
        SubscriptionHasEnded: it gets no more bills.
        PromotionRefused: the promotion does not hold here; `reason` says why.
    """
    subscription = lock_subscription(subscription.pk)
    if subscription.status in ENDED_STATUSES:
        raise SubscriptionHasEnded
    found = find_promotion(code=code, plan=subscription.plan)
    if found is None:
        raise refused(Reason.UNKNOWN)
    promotion = Promotion.objects.lock(found.pk)
    organization = subscription.consumer_organization
    at = clock.business_now(organization)
    refusal = find_refusal(
        promotion,
        plan=subscription.plan,
        currency=subscription.price_version.currency,
        customer=customer_for(promotion, organization.pk, subscription.pk),
        at=at,
    )
    if refusal is not None:
        raise refused(refusal)
    return _redeem(promotion, subscription, at=at, actor=actor)


@transaction.atomic
def withdraw_redemption(*, redemption: PromotionRedemption, actor: Actor) -> PromotionRedemption:
    """Take a promotion off a subscription that it has not helped yet; somebody else may use it then.

    Publishes PromotionWithdrawn.

    Raises:
        NotFound: it was taken off before, or applies by itself.
        PromotionUsed: it has lowered a bill.
    """
    promotion = Promotion.objects.lock(redemption.promotion_id)
    redemption = PromotionRedemption.objects.lock(redemption.pk)
    if redemption.withdrawn_at is not None or promotion.is_automatic:
        raise NotFound
    if redemption.periods_used:
        raise PromotionUsed
    redemption.withdrawn_at = clock.now()
    redemption.save(update_fields=["withdrawn_at", "updated_at"])
    if redemption.is_counted:
        promotion.redemption_count = F("redemption_count") - 1
        promotion.save(update_fields=["redemption_count", "updated_at"])
    record_audit(
        action="subscriptions:promotion:withdrawn",
        target=redemption,
        actor=actor,
        organization_id=redemption.consumer_organization_id,
        after={"promotion": promotion.public_id},
    )
    publish(PromotionWithdrawn(**_facts_of(redemption)), key=str(redemption.subscription_id))
    return redemption


def withdraw_unused(*, subscription: Subscription, actor: Actor) -> None:
    """Give back what a subscription that never started would have used. Part of the caller's transaction."""
    require_transaction()
    unused = subscription.redemptions.filter(
        periods_used=0, withdrawn_at__isnull=True, promotion__is_automatic=False
    )
    for redemption in unused.order_by("promotion_id"):
        withdraw_redemption(redemption=redemption, actor=actor)


def claim_automatic(
    *, promotion: Promotion, subscription: Subscription, at: datetime
) -> PromotionRedemption | None:
    """Give a subscription a promotion that applies by itself; None if it was used up meanwhile. Part of the caller's transaction.

    Publishes PromotionRedeemed.
    """
    require_transaction()
    promotion = Promotion.objects.lock(promotion.pk)
    customer = customer_for(promotion, subscription.consumer_organization_id, subscription.pk)
    most = promotion.max_per_customer
    if promotion.left == 0 or (most is not None and customer.times_redeemed >= most):
        return None
    actor = Actor.system("automatic promotion")
    return _redeem(promotion, subscription, at=at, actor=actor)


def record_use(
    *, redemption: PromotionRedemption, number: int, amount: Money, units: Decimal = Decimal(0)
) -> None:
    """Count what a promotion took off a bill of a period; all bills of the period are one use. Part of the caller's transaction.

    Args:
        number: of the period.
        amount: positive; negative where it is taken back with a fee that is given back. A use of which nothing is left is none.
        units: the free units that the bill has had.
    """
    require_transaction()
    redemption = PromotionRedemption.objects.lock(redemption.pk)
    use = PromotionUse.objects.filter(redemption=redemption, period_number=number).first()
    if use is None:
        use = PromotionUse(redemption=redemption, period_number=number)
        redemption.periods_used += 1
    use.amount_minor += amount.amount_minor
    use.units += units
    if use.amount_minor or use.units:
        use.save()
    else:
        use.delete()
        redemption.periods_used -= 1
    redemption.amount_given_minor += amount.amount_minor
    redemption.save(update_fields=["periods_used", "amount_given_minor", "updated_at"])


def lock_redemptions(subscription: Subscription) -> None:
    """Let nobody else use a subscription's promotions meanwhile. Part of the caller's transaction, which locked the subscription."""
    require_transaction()
    rows = PromotionRedemption.objects.filter(subscription=subscription, withdrawn_at__isnull=True)
    list(rows.order_by("pk").select_for_update(of=("self",), no_key=True).values_list("pk"))


def _redeem(
    promotion: Promotion, subscription: Subscription, *, at: datetime, actor: Actor
) -> PromotionRedemption:
    """Write a redemption down; the promotion's row is locked."""
    is_counted = not subscription.consumer_organization.is_sandbox
    redemption = PromotionRedemption.objects.create(
        consumer_organization_id=subscription.consumer_organization_id,
        subscription=subscription,
        promotion=promotion,
        redeemed_at=at,
        periods=promotion.periods,
        currency=subscription.price_version.currency,
        is_counted=is_counted,
    )
    if is_counted:
        promotion.redemption_count += 1
        promotion.save(update_fields=["redemption_count", "updated_at"])
    record_audit(
        action="subscriptions:promotion:redeemed",
        target=redemption,
        actor=actor,
        organization_id=subscription.consumer_organization_id,
        after={"promotion": promotion.public_id, "subscription": subscription.public_id},
    )
    publish(PromotionRedeemed(**_facts_of(redemption)), key=str(subscription.pk))
    return redemption


def _facts_of(redemption: PromotionRedemption) -> dict[str, UUID]:
    return {
        "redemption_id": redemption.pk,
        "promotion_id": redemption.promotion_id,
        "subscription_id": redemption.subscription_id,
        "consumer_organization_id": redemption.consumer_organization_id,
    }
