"""Which promotions a subscription has or would get, and what is known of the customer that a promotion asks about.

Source: docs/domain/promotions.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet

from apps.accounts.models import Organization
from apps.core import clock
from apps.core.actors import Actor
from apps.pricing.models import Plan, Promotion
from apps.pricing.promotion_rules import Customer, Held, Reason, customer_for, find_refusal
from apps.pricing.promotion_selectors import find_promotion, list_automatic_promotions
from apps.subscriptions.models import PromotionRedemption, Subscription
from apps.subscriptions.selectors import current_period
from apps.subscriptions.usage_sources import UsageQuestion, used_calls


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a code: the promotion, or why not."""

    promotion: Promotion | None
    refusal: Reason | None


def customer_of(
    promotion: Promotion, organization_id: UUID, subscription_id: UUID | None
) -> Customer:
    """Return what is known of an organization, and of its subscription, for a promotion. At most six queries."""
    organization = Organization.objects.get(pk=organization_id)
    subscription = None
    if subscription_id is not None:
        rows = Subscription.objects.select_related("consumer_organization", "price_version")
        subscription = rows.get(pk=subscription_id)
    redeemed = PromotionRedemption.objects.filter(
        promotion=promotion, consumer_organization=organization, withdrawn_at__isnull=True
    )
    return Customer(
        organization_id=organization.pk,
        country=organization.country,
        account_age_days=(clock.business_now(organization) - organization.created_at).days,
        has_other_subscription=promotion.needs_first_subscription
        and _has_other(promotion, organization, subscription),
        calls=_calls_of(subscription) if subscription and promotion.min_calls else 0,
        times_redeemed=redeemed.count() if promotion.max_per_customer is not None else 0,
        held=_held_by(subscription) if subscription else (),
    )


def answer_code(
    *,
    code: str,
    plan: Plan,
    currency: str,
    organization: Organization,
    subscription: Subscription | None,
) -> Answer:
    """Say whether an organization could redeem a code now, on a plan or for a subscription that it has."""
    promotion = find_promotion(code=code, plan=plan)
    if promotion is None:
        return Answer(None, Reason.UNKNOWN)
    refusal = find_refusal(
        promotion,
        plan=plan,
        currency=currency,
        customer=customer_for(
            promotion, organization.pk, subscription.pk if subscription else None
        ),
        at=clock.business_now(organization),
    )
    return Answer(None if refusal == Reason.UNKNOWN else promotion, refusal)


def list_redemptions(subscription: Subscription) -> QuerySet[PromotionRedemption]:
    """Return the promotions of a subscription that were not taken off it, newest first."""
    rows = subscription.redemptions.filter(withdrawn_at__isnull=True)
    return rows.select_related("promotion").order_by("-id")


def list_running_promotions(actor: Actor) -> QuerySet[PromotionRedemption]:
    """Return what may still lower the bills of the actor's organization."""
    rows = PromotionRedemption.objects.visible_to(actor).running()
    return rows.select_related("promotion", "subscription__api", "subscription__plan")


def automatic_for_plan(plan: Plan, *, currency: str, organization: Organization) -> list[Promotion]:
    """Return the promotions that would apply by themselves to an organization that subscribes now."""
    at = clock.business_now(organization)
    return [
        promotion
        for promotion in list_automatic_promotions(plan.organization_id)
        if find_refusal(
            promotion,
            plan=plan,
            currency=currency,
            customer=customer_for(promotion, organization.pk),
            at=at,
        )
        is None
    ]


def _has_other(
    promotion: Promotion, organization: Organization, subscription: Subscription | None
) -> bool:
    """Whether the organization subscribed before; promotions of a provider look at that provider's APIs."""
    rows = Subscription.objects.filter(consumer_organization=organization, started_at__isnull=False)
    if promotion.organization_id is not None:
        rows = rows.filter(provider_organization_id=promotion.organization_id)
    if subscription is not None:
        rows = rows.exclude(pk=subscription.pk)
        if subscription.started_at is not None:
            rows = rows.filter(started_at__lt=subscription.started_at)
    return rows.exists()


def _calls_of(subscription: Subscription) -> int:
    question = UsageQuestion(subscription.pk, current_period(subscription))
    return used_calls([question])[question]


def _held_by(subscription: Subscription) -> tuple[Held, ...]:
    rows = PromotionRedemption.objects.running().filter(
        subscription=subscription, promotion__is_automatic=False
    )
    return tuple(
        Held(row.promotion_id, row.promotion.kind, row.promotion.is_exclusive) for row in rows
    )


def list_uses(promotion: Promotion) -> QuerySet[PromotionRedemption]:
    """Return who redeemed a promotion, newest first, as its owner reads it."""
    rows = PromotionRedemption.objects.filter(promotion=promotion, withdrawn_at__isnull=True)
    related = ("consumer_organization", "subscription__plan", "subscription__api")
    return rows.select_related(*related).order_by("-id")
