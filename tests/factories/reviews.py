"""Reviews, given by the service that subscribers use."""

from __future__ import annotations

from typing import Any

from apps.accounts.models import Membership, Organization
from apps.subscriptions.models import Rating, Subscription
from apps.subscriptions.services import Opinion, save_review
from tests.factories.accounts import actor_of, make_member
from tests.factories.direct import make_subscription_row


def make_subscriber(subscription: Subscription) -> Membership:
    """Make a developer of the subscribing organization."""
    return make_member("developer", organization=subscription.consumer_organization)


def subscribe_to(subscription: Subscription, **fields: Any) -> Subscription:
    """Subscribe one more organization to the same API."""
    own = make_subscription_row(provider=subscription.provider_organization, **fields)
    own.api, own.plan = subscription.api, subscription.plan
    own.price_version = subscription.price_version
    own.save(update_fields=["api", "plan", "price_version"])
    return own


def make_review(
    subscription: Subscription | None = None,
    *,
    stars: int = 4,
    provider: Organization | None = None,
    **words: str,
) -> Rating:
    """Have a subscriber review the API of a subscription."""
    subscription = subscription or make_subscription_row(provider=provider)
    saved = save_review(
        api=subscription.api,
        opinion=Opinion(stars, **words),
        actor=actor_of(make_subscriber(subscription)),
    )
    return saved.rating
