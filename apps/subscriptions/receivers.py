"""What subscriptions do when something happens below them, and who is told of reviews."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.urls import reverse

from apps.accounts.events import OrganizationChanged, PlatformPlanChanged
from apps.accounts.models import Organization
from apps.apis.events import ApiRetired
from apps.core.actors import Actor
from apps.core.events import receives
from apps.core.exceptions import InvalidTransition
from apps.notifications.kinds import NotificationKind
from apps.notifications.services import Message, notify_members
from apps.subscriptions import notices, services
from apps.subscriptions.api_tiers import refresh_api_tier
from apps.subscriptions.events import (
    ReviewEvent,
    ReviewGiven,
    ReviewModerated,
    ReviewReplied,
    SubscriptionCancelled,
    SubscriptionChanged,
    SubscriptionDeclined,
)
from apps.subscriptions.models import Rating, Subscription
from apps.subscriptions.services.promotions import withdraw_unused

EXCERPT_LENGTH: Final = 300
ZONE: Final = Actor.system("time zone of the organization")


@receives(OrganizationChanged, in_transaction=True)
def follow_time_zone(event: OrganizationChanged) -> None:
    """An account that moves to another time zone takes its subscriptions along."""
    timezone = Organization.objects.values_list("timezone", flat=True).get(pk=event.organization_id)
    rows = Subscription.objects.live().filter(consumer_organization_id=event.organization_id)
    for subscription_id in rows.exclude(timezone=timezone).values_list("pk", flat=True):
        services.follow_time_zone(subscription_id=subscription_id, actor=ZONE)


@receives(ApiRetired)
def end_subscriptions_of_retired_api(event: ApiRetired) -> None:
    """End what is left of an API's subscriptions when it is retired."""
    actor = Actor.system("the API was retired")
    for subscription in Subscription.objects.live().filter(api_id=event.api_id):
        try:
            services.cancel_subscription(
                subscription=subscription, actor=actor, reason="the API was retired"
            )
        except InvalidTransition:
            continue  # it ended between the query and the lock


@receives(SubscriptionChanged)
def follow_api_tier(event: SubscriptionChanged) -> None:
    """Give the consumer the limits of the platform's own API that its plans are worth."""
    refresh_api_tier(event.consumer_organization_id)


@receives(SubscriptionDeclined, in_transaction=True)
def give_back_promotions_of_declined(event: SubscriptionDeclined) -> None:
    """A subscription that its provider declined has used no promotion."""
    _give_back_promotions(event.subscription_id)


@receives(SubscriptionCancelled, in_transaction=True)
def give_back_promotions_of_withdrawn(event: SubscriptionCancelled) -> None:
    """A subscription that was withdrawn before it started has used no promotion."""
    _give_back_promotions(event.subscription_id)


def _give_back_promotions(subscription_id: UUID) -> None:
    subscription = Subscription.objects.get(pk=subscription_id)
    if subscription.started_at is None:
        withdraw_unused(subscription=subscription, actor=Actor.system("subscription never started"))


@receives(PlatformPlanChanged)
def follow_platform_plan(event: PlatformPlanChanged) -> None:
    """Give an organization the limits of the platform's own API that its plan of the platform says."""
    refresh_api_tier(event.organization_id)


@receives(ReviewGiven)
def tell_provider_of_review(event: ReviewGiven) -> None:
    """Tell the provider what a subscriber thinks."""
    rating = _review(event)
    if rating is not None:
        notify_members(
            organization=rating.provider_organization,
            permission="apis.manage",
            message=_message(
                rating,
                notices.REVIEW_GIVEN,
                event,
                url=f"{reverse('portal:provider_reviews')}#{rating.public_id}",
                author=rating.consumer_organization.name,
                stars=event.stars,
                excerpt=(rating.title or rating.body)[:EXCERPT_LENGTH],
            ),
        )


@receives(ReviewReplied)
def tell_author_of_reply(event: ReviewReplied) -> None:
    """Tell the author what the provider answered."""
    rating = _review(event)
    if rating is not None:
        excerpt = rating.reply[:EXCERPT_LENGTH]
        _tell_author(rating, _message(rating, notices.REVIEW_REPLIED, event, excerpt=excerpt))


@receives(ReviewModerated)
def tell_author_of_moderation(event: ReviewModerated) -> None:
    """Tell the author that the review was hidden and why, or that it is shown again."""
    rating = _review(event)
    if rating is not None:
        kind = notices.REVIEW_HIDDEN if event.is_hidden else notices.REVIEW_RESTORED
        _tell_author(rating, _message(rating, kind, event, reason=event.reason))


def _review(event: ReviewEvent) -> Rating | None:
    """Return the review, unless its author deleted it before anybody was told."""
    rows = Rating.objects.select_related("api", "consumer_organization", "provider_organization")
    return rows.filter(pk=event.rating_id).first()


def _tell_author(rating: Rating, message: Message) -> None:
    notify_members(
        organization=rating.consumer_organization,
        permission="subscriptions.manage",
        message=message,
    )


def _message(
    rating: Rating, kind: NotificationKind, event: ReviewEvent, *, url: str = "", **context: object
) -> Message:
    return Message(
        kind=kind.name,
        dedupe_key=f"{kind.name}:{event.change_id}",
        url=url or f"{reverse('portal:api', args=[rating.api.slug])}#reviews",
        context={"name": rating.api.name, **context},
    )
