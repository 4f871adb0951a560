"""Reads of subscriptions, of the periods that they are billed by, and of reviews."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TypeVar
from uuid import UUID

from django.db.models import Count, QuerySet, prefetch_related_objects

from apps.accounts.models import Organization, Workspace
from apps.accounts.selectors import get_current_organization
from apps.apis.models import Api
from apps.core import clock
from apps.core.actors import Actor
from apps.core.clock import Period
from apps.core.exceptions import Forbidden, NotFound
from apps.core.ids import InvalidPublicIdError, parse_public_id
from apps.core.models import Entity
from apps.subscriptions.calendar import numbered_period, period_at, period_number_at
from apps.subscriptions.constants import STARS
from apps.subscriptions.exceptions import (
    NotASubscriber,
    OwnApiNotReviewable,
    SandboxCannotReview,
)
from apps.subscriptions.models import Rating, RatingQuerySet, Subscription
from apps.subscriptions.usage_sources import UsageQuestion, used_calls

E = TypeVar("E", bound=Entity)


@dataclass(frozen=True, slots=True)
class QuotaStanding:
    """What a subscriber wants to know first: used, of how many, until when. No limit: `limit` is None.

    The limit is the plan's, and what was granted beside it for the period.
    """

    used: int
    limit: int | None
    is_hard: bool
    period: Period

    @property
    def remaining(self) -> int | None:
        """Calls left in the period; None without a limit."""
        return None if self.limit is None else max(0, self.limit - self.used)


def periods_from(subscription: Subscription, at: datetime, *, count: int) -> list[Period]:
    """Return the period that holds a moment of business time, and those that follow it."""
    first = period_number_at(subscription, at)
    return [numbered_period(subscription, first + step) for step in range(count)]


def current_period(subscription: Subscription) -> Period:
    """Return the period that the account lives in now, by its own clock."""
    return period_at(subscription, clock.business_now(subscription.consumer_organization))


def quota_standing(subscription: Subscription) -> QuotaStanding:
    """Return how much of this period's quota is used."""
    return quota_standings([subscription])[subscription.pk]


def quota_standings(subscriptions: Iterable[Subscription]) -> dict[UUID, QuotaStanding]:
    """Return the standing of many subscriptions: two queries, one of them the usage source's."""
    rows = list(subscriptions)
    prefetch_related_objects(rows, "quota_top_ups")
    questions = {row.pk: UsageQuestion(row.pk, current_period(row)) for row in rows}
    used = used_calls(questions.values())
    return {
        row.pk: QuotaStanding(
            used=used[questions[row.pk]],
            limit=quota_limit(row, questions[row.pk].period),
            is_hard=row.price_version.quota_kind == "hard",
            period=questions[row.pk].period,
        )
        for row in rows
    }


def quota_limit(subscription: Subscription, period: Period) -> int | None:
    """Return how many calls a period includes: the plan's, and those granted beside it; None without a quota.

    One query unless `quota_top_ups` are prefetched.
    """
    limit = plan_quota(subscription)
    return None if limit is None else limit + extra_calls(subscription, period)


def plan_quota(subscription: Subscription) -> int | None:
    """Return how many calls the plan includes in a period, for the units subscribed to; None without a quota."""
    limit = subscription.price_version.quota_calls
    return None if limit is None else limit * subscription.quantity


def extra_calls(subscription: Subscription, period: Period) -> int:
    """Return how many calls were granted on top of the plan's quota for a period."""
    rows = subscription.quota_top_ups.all()
    return sum(row.calls for row in rows if row.period_start == period.start)


def list_subscriptions(actor: Actor) -> QuerySet[Subscription]:
    """Return the subscriptions of the actor's organization as the consumer."""
    return _with_relations(Subscription.objects.visible_to(actor))


def list_subscribers(actor: Actor) -> QuerySet[Subscription]:
    """Return the subscriptions to the actor's own APIs, as their provider."""
    return _with_relations(Subscription.objects.provided_by(actor))


def get_subscription(actor: Actor, public_id: str) -> Subscription:
    """Return one subscription of the actor's organization.

    Raises:
        NotFound: unknown, or another organization's.
    """
    return _get(list_subscriptions(actor), public_id)


def get_subscriber(actor: Actor, public_id: str) -> Subscription:
    """Return one subscription to the actor's own APIs.

    Raises:
        NotFound: unknown, or to somebody else's API.
    """
    return _get(list_subscribers(actor), public_id)


def own_workspace(actor: Actor) -> Workspace:
    """Return the workspace that the actor works in.

    Raises:
        NotFound: the actor works in none.
    """
    rows = Workspace.objects.visible_to(actor)
    own = None if actor.workspace_id is None else rows.filter(pk=actor.workspace_id).first()
    if own is None:
        raise NotFound
    return own


def find_live_subscription(*, workspace_id: UUID, api_id: UUID) -> Subscription | None:
    """Return the workspace's subscription to an API that has not ended, if there is one."""
    rows = Subscription.objects.live().filter(workspace_id=workspace_id, api_id=api_id)
    return rows.select_related("plan", "api").first()


def _with_relations(rows: QuerySet[Subscription]) -> QuerySet[Subscription]:
    return rows.select_related(
        "api",
        "plan",
        "price_version",
        "workspace",
        "consumer_organization",
        "provider_organization",
    )


def _get(rows: QuerySet[E], public_id: str) -> E:
    try:
        key = parse_public_id(rows.model.id_prefix, public_id)
    except InvalidPublicIdError:
        raise NotFound from None
    row = rows.filter(pk=key).first()
    if row is None:
        raise NotFound
    return row


# --- reviews --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RatingSummary:
    """The shown ratings of an API in sum. `histogram` holds how many gave one, two … five stars."""

    histogram: dict[int, int]

    @property
    def count(self) -> int:
        """How many ratings there are."""
        return sum(self.histogram.values())

    @property
    def average(self) -> Decimal | None:
        """Their mean, with two places; None without ratings."""
        if not self.count:
            return None
        total = sum(stars * count for stars, count in self.histogram.items())
        return round(Decimal(total) / self.count, 2)


def rating_summary(api_id: UUID) -> RatingSummary:
    """Return average, number and histogram of an API's shown ratings. One query."""
    rows = Rating.objects.shown().filter(api_id=api_id).order_by()
    found = dict(rows.values_list("stars").annotate(Count("id")))
    return RatingSummary({stars: found.get(stars, 0) for stars in STARS})


def list_reviews(api: Api) -> QuerySet[Rating]:
    """Return the reviews of an API that anybody reads, newest first."""
    return Rating.objects.shown().filter(api=api).select_related("consumer_organization")


def find_own_review(*, api: Api, actor: Actor) -> Rating | None:
    """Return the review that the actor's organization gave, also a hidden one, if there is one."""
    if actor.organization_id is None:
        return None
    rows = Rating.objects.filter(api=api, consumer_organization_id=actor.organization_id)
    return rows.select_related("consumer_organization").first()


def get_shown_review(api: Api, public_id: str) -> Rating:
    """Return one review of an API that anybody reads.

    Raises:
        NotFound: unknown, hidden, or of another API.
    """
    return _get(list_reviews(api), public_id)


def list_received_reviews(actor: Actor) -> QuerySet[Rating]:
    """Return the shown reviews of the organization's own APIs, newest first."""
    rows = Rating.objects.shown().provided_by(actor)
    own = rows.filter(provider_organization_id=actor.organization_id)
    return own.select_related("api", "consumer_organization")


def get_received_review(actor: Actor, public_id: str) -> Rating:
    """Return one review of an API of the actor's organization.

    Raises:
        NotFound: unknown, hidden, or of somebody else's API.
    """
    return _get(list_received_reviews(actor), public_id)


def list_moderated_reviews() -> RatingQuerySet:
    """Return every review with its number of open reports, for the back office."""
    rows = Rating.objects.with_reports()
    return rows.select_related("api", "consumer_organization", "provider_organization")


def require_may_review(*, api: Api, actor: Actor) -> Organization:
    """Return the organization that reviews: one whose subscription to the API has started, even if it ended.

    Raises:
        NotASubscriber, OwnApiNotReviewable, SandboxCannotReview: it may not.
    """
    if actor.organization_id is None:
        raise NotASubscriber
    if actor.organization_id == api.organization_id:
        raise OwnApiNotReviewable
    organization = get_current_organization(actor)
    if organization.is_sandbox:
        raise SandboxCannotReview
    subscribed = Subscription.objects.filter(
        consumer_organization=organization, api=api, started_at__isnull=False
    )
    if not subscribed.exists():
        raise NotASubscriber
    return organization


def may_review(*, api: Api, actor: Actor) -> bool:
    """Whether the actor's organization may review the API."""
    try:
        require_may_review(api=api, actor=actor)
    except Forbidden:
        return False
    return True
