"""Reads of subscriptions and of the periods that they are billed by."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db.models import QuerySet

from apps.accounts.models import Workspace
from apps.core import clock
from apps.core.actors import Actor
from apps.core.clock import Period
from apps.core.exceptions import NotFound
from apps.core.ids import InvalidPublicIdError, parse_public_id
from apps.pricing.models import PriceVersion
from apps.subscriptions.models import Subscription
from apps.subscriptions.periods import (
    Interval,
    IntervalUnit,
    billing_period,
    billing_period_index,
    local_date,
)
from apps.subscriptions.usage_sources import UsageQuestion, used_calls


@dataclass(frozen=True, slots=True)
class QuotaStanding:
    """What a subscriber wants to know first: used, of how many, until when. No limit: `limit` is None."""

    used: int
    limit: int | None
    is_hard: bool
    period: Period

    @property
    def remaining(self) -> int | None:
        """Calls left in the period; None without a limit."""
        return None if self.limit is None else max(0, self.limit - self.used)


def interval_of(version: PriceVersion) -> Interval:
    """Return how long a billing period of this price version is."""
    return Interval(IntervalUnit(version.interval), version.interval_count)


def anchor_day(subscription: Subscription) -> date:
    """Return the local day from which every period of the subscription is counted."""
    return local_date(subscription.anchor, subscription.timezone)


def period_at(subscription: Subscription, at: datetime) -> Period:
    """Return the billing period that holds a moment of the subscription's business time."""
    return periods_from(subscription, at, count=1)[0]


def periods_from(subscription: Subscription, at: datetime, *, count: int) -> list[Period]:
    """Return the period that holds a moment of business time, and those that follow it."""
    anchor, interval = anchor_day(subscription), interval_of(subscription.price_version)
    first = billing_period_index(anchor, interval, at=at, timezone=subscription.timezone)
    return [
        billing_period(anchor, interval, index=first + step, timezone=subscription.timezone)
        for step in range(count)
    ]


def current_period(subscription: Subscription) -> Period:
    """Return the period that the account lives in now, by its own clock."""
    return period_at(subscription, clock.business_now(subscription.consumer_organization))


def quota_standing(subscription: Subscription) -> QuotaStanding:
    """Return how much of this period's quota is used."""
    return quota_standings([subscription])[subscription.pk]


def quota_standings(subscriptions: Iterable[Subscription]) -> dict[UUID, QuotaStanding]:
    """Return the standing of many subscriptions, asking the usage source once."""
    rows = list(subscriptions)
    questions = {row.pk: UsageQuestion(row.pk, current_period(row)) for row in rows}
    used = used_calls(questions.values())
    return {
        row.pk: QuotaStanding(
            used=used[questions[row.pk]],
            limit=row.price_version.quota_calls,
            is_hard=row.price_version.quota_kind == "hard",
            period=questions[row.pk].period,
        )
        for row in rows
    }


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


def _get(rows: QuerySet[Subscription], public_id: str) -> Subscription:
    try:
        key = parse_public_id(Subscription.id_prefix, public_id)
    except InvalidPublicIdError:
        raise NotFound from None
    row = rows.filter(pk=key).first()
    if row is None:
        raise NotFound
    return row
