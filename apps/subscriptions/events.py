"""What happens to subscriptions. Times are the consumer's business time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from apps.core.events import DomainEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionEvent(DomainEvent):
    """What every event of a subscription tells."""

    subscription_id: UUID
    api_id: UUID
    plan_id: UUID
    price_version_id: UUID
    consumer_organization_id: UUID
    provider_organization_id: UUID
    effective_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionChanged(SubscriptionEvent):
    """Anything changed; published beside the more telling event. `kind` is that of the change's row."""

    kind: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionRequested(SubscriptionEvent):
    """A subscription waits for the provider's decision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionDeclined(SubscriptionEvent):
    """The provider turned a waiting subscription down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionActivated(SubscriptionEvent):
    """Calls may pass: a subscription started (perhaps with a trial) or its trial became paid service."""

    is_trial: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionSuspended(SubscriptionEvent):
    """Somebody stopped the subscription; it can be resumed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionFellBehind(SubscriptionEvent):
    """An invoice of the subscription is overdue; calls still pass during the grace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionPaused(SubscriptionEvent):
    """The consumer paused the subscription."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionResumed(SubscriptionEvent):
    """A suspended or paused subscription is active again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanChanged(SubscriptionEvent):
    """Another plan, price version or quantity counts from now on; `change_id` names the row with the amounts.

    `starts_period`: a new anchor and a new period begin with it. `planned_change_id`: of the change that waited for this
    moment; None where it was made at once.
    """

    change_id: UUID
    starts_period: bool
    planned_change_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanChangeScheduled(SubscriptionEvent):
    """The plan changes when the period ends."""

    planned_change_id: UUID
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanChangeWithdrawn(SubscriptionEvent):
    """A scheduled change of plan was taken back, or dropped because it cannot be done any more."""

    planned_change_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class CancellationScheduled(SubscriptionEvent):
    """The subscription ends when its period does."""

    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CancellationWithdrawn(SubscriptionEvent):
    """A scheduled cancellation was taken back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionCancelled(SubscriptionEvent):
    """The subscription has ended, at once or at the end of its period."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeesGivenBack(DomainEvent):
    """A cancellation at once gives fees back that were paid in advance; `cancellation_id` names its row."""

    cancellation_id: UUID
    subscription_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionExpired(SubscriptionEvent):
    """The subscription has ended by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionMovedZone(SubscriptionEvent):
    """The subscription follows its account to another time zone; the running period with that number ends then."""

    number: int
    period_end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnouncedEvent(SubscriptionEvent):
    """Something will happen to the subscription at `due_at`, within so many days. Published once for each number."""

    due_at: datetime
    days_before: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialEnding(AnnouncedEvent):
    """A trial is nearly over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalComing(AnnouncedEvent):
    """A long period is nearly over, and another one follows by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TermEnding(AnnouncedEvent):
    """A fixed term is nearly over; the subscription says what follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TermRenewed(SubscriptionEvent):
    """A fixed term is over and another one has begun, which ends at `ends_at`."""

    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalSwitched(SubscriptionEvent):
    """The consumer chose whether another term follows."""

    auto_renew: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionMoveScheduled(SubscriptionEvent):
    """The provider moves the subscription to a newer version of its plan when a period ends."""

    step_id: UUID
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionMoveCalledOff(SubscriptionEvent):
    """The provider called the subscription's move to a newer version off."""

    step_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionMoved(SubscriptionEvent):
    """The subscription is on a newer version of its plan, because its provider moved it."""

    step_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanMoveAnnounced(DomainEvent):
    """A provider moves the subscribers of a plan to a newer version; their steps are planned next."""

    move_id: UUID
    plan_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowanceChanged(DomainEvent):
    """A subscription may use more or less than before: extra calls were granted, or a spend cap set or removed."""

    subscription_id: UUID
    consumer_organization_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewEvent(DomainEvent):
    """What every event of a review tells. `change_id` names the fact, so that it is told once."""

    rating_id: UUID
    api_id: UUID
    consumer_organization_id: UUID
    provider_organization_id: UUID
    change_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewGiven(ReviewEvent):
    """A subscriber reviewed an API for the first time."""

    stars: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewReplied(ReviewEvent):
    """The provider answered a review for the first time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewModerated(ReviewEvent):
    """A moderator hid a review, or showed it again."""

    is_hidden: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionEvent(DomainEvent):
    """What every event of a redemption tells."""

    redemption_id: UUID
    promotion_id: UUID
    subscription_id: UUID
    consumer_organization_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionRedeemed(PromotionEvent):
    """A subscription has a promotion from now on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionWithdrawn(PromotionEvent):
    """A subscription gave back a promotion that it had not used."""
