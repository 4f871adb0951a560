"""Which tier of the platform's own rate limits an organization's plans give it.

The cheapest paid plan of an API gives the first paid tier, the next one the second, every further one the third; the best
plan that an organization pays for counts. A plan is paid when its price asks for anything at all. Trials, paused and suspended
subscriptions give nothing. A plan of the platform that the operator gave an organization decides instead, while it holds.

Source: docs/operations/rate-limits.md.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from apps.accounts.models import Organization
from apps.accounts.platform_plans.standings import standing_of_row
from apps.accounts.services import set_api_tier
from apps.core.actors import Actor
from apps.core.limiter.policies import PAID
from apps.pricing.enums import PlanStatus
from apps.pricing.models import Plan, PriceComponent
from apps.subscriptions.enums import SubscriptionStatus
from apps.subscriptions.models import Subscription

PAYING: Final = (SubscriptionStatus.ACTIVE, SubscriptionStatus.PAST_DUE)
KEEPER: Final = Actor.system("subscriptions.refresh_api_tiers")


def refresh_api_tier(organization_id: UUID) -> bool:
    """Bring an organization's tier to what its plans give now; return whether it changed."""
    return set_api_tier(
        organization_id=organization_id, tier=earned_tier(organization_id), actor=KEEPER
    )


def refresh_api_tiers() -> int:
    """Bring every tier up to date, for plans that were added or withdrawn meanwhile; return how many changed."""
    paying = Subscription.objects.filter(status__in=PAYING)
    concerned = Organization.objects.filter(
        ~Q(api_tier="") | ~Q(platform_plan="") | Q(pk__in=paying.values("consumer_organization_id"))
    )
    ids = concerned.order_by("pk").values_list("pk", flat=True)
    return sum(refresh_api_tier(organization_id) for organization_id in ids.iterator())


def earned_tier(organization_id: UUID) -> str:
    """Return the tier of its plan of the platform, else the best that its plans of APIs give; empty for the free one."""
    standing = standing_of_row(Organization.objects.get(pk=organization_id))
    if standing.is_given:
        return standing.plan.api_tier
    rows = Subscription.objects.filter(
        _asks_money("price_version_id"),
        consumer_organization_id=organization_id,
        status__in=PAYING,
    )
    plans = Plan.objects.filter(pk__in=rows.values("plan_id"))
    rank = max((_rank_of(plan) for plan in plans), default=0)
    return PAID[min(rank, len(PAID)) - 1] if rank else ""


def _rank_of(plan: Plan) -> int:
    """Return a plan's place among the paid plans of its API, from 1."""
    return (
        1
        + _paid_plans()
        .filter(api_id=plan.api_id)
        .filter(Q(position__lt=plan.position) | Q(position=plan.position, pk__lt=plan.pk))
        .count()
    )


def _paid_plans() -> QuerySet[Plan]:
    current = PriceComponent.objects.filter(version__plan=OuterRef("pk"), version__is_current=True)
    return Plan.objects.filter(
        Exists(current.filter(_positive())),
        status=PlanStatus.PUBLISHED,
        is_private=False,
    )


def _asks_money(version: str) -> Exists:
    return Exists(PriceComponent.objects.filter(_positive(), version_id=OuterRef(version)))


def _positive() -> Q:
    own = Q(unit_price__gt=0) | Q(flat_fee__gt=0) | Q(rate_percent__gt=0)
    return own | Q(tiers__unit_price__gt=0) | Q(tiers__flat_fee__gt=0)
