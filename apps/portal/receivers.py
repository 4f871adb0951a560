"""Facts of listings that cannot wait for the hourly job: what an API costs, and who uses it."""

from __future__ import annotations

from apps.apis.events import ApiActivated
from apps.core.events import receives
from apps.portal.listing_facts import refresh_listing_facts
from apps.pricing.events import PlanPublished, PlanWithdrawn, PriceVersionPublished
from apps.pricing.models import Plan
from apps.subscriptions.events import SubscriptionActivated, SubscriptionCancelled


@receives(ApiActivated)
def know_a_new_listing(event: ApiActivated) -> None:
    """A listing appears with its prices."""
    refresh_listing_facts(api_ids=[event.api_id])


@receives(PlanPublished)
def follow_an_offer(event: PlanPublished) -> None:
    """There may be a lower price, or a free tier."""
    refresh_listing_facts(api_ids=[event.api_id])


@receives(PlanWithdrawn)
def forget_an_offer(event: PlanWithdrawn) -> None:
    """The lowest price may be gone."""
    refresh_listing_facts(api_ids=[event.api_id])


@receives(PriceVersionPublished)
def follow_a_price(event: PriceVersionPublished) -> None:
    """The plan costs something else now."""
    refresh_listing_facts(
        api_ids=list(Plan.objects.filter(pk=event.plan_id).values_list("api_id", flat=True))
    )


@receives(SubscriptionActivated)
def count_a_subscriber(event: SubscriptionActivated) -> None:
    """Somebody began to use the API."""
    refresh_listing_facts(api_ids=[event.api_id])


@receives(SubscriptionCancelled)
def drop_a_subscriber(event: SubscriptionCancelled) -> None:
    """Somebody stopped."""
    refresh_listing_facts(api_ids=[event.api_id])
