"""States of a subscription."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import pgettext_lazy


class SubscriptionStatus(TextChoices):
    """Where a subscription stands."""

    PENDING_APPROVAL = "pending_approval", pgettext_lazy("subscription", "pending approval")
    TRIALING = "trialing", pgettext_lazy("subscription", "trial")
    ACTIVE = "active", pgettext_lazy("subscription", "active")
    PAST_DUE = "past_due", pgettext_lazy("subscription", "past due")
    SUSPENDED = "suspended", pgettext_lazy("subscription", "suspended")
    PAUSED = "paused", pgettext_lazy("subscription", "paused")
    CANCELLED = "cancelled", pgettext_lazy("subscription", "cancelled")
    EXPIRED = "expired", pgettext_lazy("subscription", "expired")


class ChangeKind(TextChoices):
    """What a row of a subscription's history tells."""

    REQUESTED = "requested", pgettext_lazy("subscription", "Asked the provider")
    STARTED = "started", pgettext_lazy("subscription", "Started")
    ACCEPTED = "accepted", pgettext_lazy("subscription", "Accepted by the provider")
    DECLINED = "declined", pgettext_lazy("subscription", "Declined by the provider")
    TRIAL_OVER = "trial_over", pgettext_lazy("subscription", "The trial ended")
    TRIAL_CONVERTED = "trial_converted", pgettext_lazy("subscription", "The trial became paid")
    TERM_OVER = "term_over", pgettext_lazy("subscription", "The fixed term ended")
    TERM_RENEWED = "term_renewed", pgettext_lazy("subscription", "Another term began")
    RENEWAL_ON = "renewal_on", pgettext_lazy("subscription", "Renewal switched on")
    RENEWAL_OFF = "renewal_off", pgettext_lazy("subscription", "Renewal switched off")
    SUSPENDED = "suspended", pgettext_lazy("subscription", "Suspended")
    RESUMED = "resumed", pgettext_lazy("subscription", "Resumed")
    PAUSED = "paused", pgettext_lazy("subscription", "Paused")
    UNPAUSED = "unpaused", pgettext_lazy("subscription", "Resumed after a pause")
    PAST_DUE = "past_due", pgettext_lazy("subscription", "An invoice is overdue")
    PAID_UP = "paid_up", pgettext_lazy("subscription", "Nothing is overdue any more")
    ZONE_MOVED = (
        "zone_moved",
        pgettext_lazy("subscription", "Followed the account to its time zone"),
    )
    PLAN_CHANGED = "plan_changed", pgettext_lazy("subscription", "Plan changed")
    CHANGE_SCHEDULED = "change_scheduled", pgettext_lazy("subscription", "Plan change scheduled")
    CHANGE_WITHDRAWN = "change_withdrawn", pgettext_lazy("subscription", "Plan change taken back")
    END_SCHEDULED = "end_scheduled", pgettext_lazy("subscription", "Cancellation scheduled")
    END_WITHDRAWN = "end_withdrawn", pgettext_lazy("subscription", "Cancellation taken back")
    CANCELLED = "cancelled", pgettext_lazy("subscription", "Cancelled")
    EXPIRED = "expired", pgettext_lazy("subscription", "Expired")
    MOVE_SCHEDULED = (
        "move_scheduled",
        pgettext_lazy("subscription", "Move to a newer version planned"),
    )
    MOVE_CALLED_OFF = (
        "move_called_off",
        pgettext_lazy("subscription", "Move to a newer version called off"),
    )
    VERSION_MOVED = "version_moved", pgettext_lazy("subscription", "Moved to a newer version")


class NoticeKind(TextChoices):
    """What a notice tells beforehand."""

    TRIAL = "trial", pgettext_lazy("notice", "the trial ends")
    TERM = "term", pgettext_lazy("notice", "the fixed term ends")
    RENEWAL = "renewal", pgettext_lazy("notice", "the subscription is renewed")


class PlannedChangeStatus(TextChoices):
    """What became of a change that waited for its day."""

    WAITING = "waiting", pgettext_lazy("planned change", "waiting")
    APPLIED = "applied", pgettext_lazy("planned change", "applied")
    WITHDRAWN = "withdrawn", pgettext_lazy("planned change", "taken back")
    REPLACED = "replaced", pgettext_lazy("planned change", "replaced")
    DROPPED = "dropped", pgettext_lazy("planned change", "dropped")


class CancellationTime(TextChoices):
    """When a cancelled subscription ends."""

    NOW = "now", pgettext_lazy("cancellation", "at once")
    PERIOD_END = "period_end", pgettext_lazy("cancellation", "at the end of the period")


class CancellationOutcome(TextChoices):
    """What came of a cancellation."""

    SCHEDULED = "scheduled", pgettext_lazy("cancellation", "scheduled")
    ENDED = "ended", pgettext_lazy("cancellation", "ended")
    WITHDRAWN = "withdrawn", pgettext_lazy("cancellation", "taken back")


class ChangeTiming(TextChoices):
    """When a change of plan takes effect."""

    NOW = "now", pgettext_lazy("plan change", "at once")
    PERIOD_END = "period_end", pgettext_lazy("plan change", "at the end of the period")


class ChangeDirection(TextChoices):
    """What a change of plan is, by the fees of a year."""

    UPGRADE = "upgrade", pgettext_lazy("plan change", "upgrade")
    DOWNGRADE = "downgrade", pgettext_lazy("plan change", "downgrade")
    LATERAL = "lateral", pgettext_lazy("plan change", "same price")


# Calls pass in these states; beyond its grace a past-due subscription is suspended.
CALLABLE_STATUSES = (
    SubscriptionStatus.TRIALING,
    SubscriptionStatus.ACTIVE,
    SubscriptionStatus.PAST_DUE,
)
LIVE_STATUSES = (
    *CALLABLE_STATUSES,
    SubscriptionStatus.PENDING_APPROVAL,
    SubscriptionStatus.SUSPENDED,
    SubscriptionStatus.PAUSED,
)
ENDED_STATUSES = (SubscriptionStatus.CANCELLED, SubscriptionStatus.EXPIRED)


class PlanMoveStatus(TextChoices):
    """Where the move of a plan's subscribers to a newer version stands."""

    RUNNING = "running", pgettext_lazy("plan move", "running")
    DONE = "done", pgettext_lazy("plan move", "done")
    CALLED_OFF = "called_off", pgettext_lazy("plan move", "called off")


class MoveStepStatus(TextChoices):
    """What became of one subscriber's step of a move."""

    WAITING = "waiting", pgettext_lazy("move step", "waiting")
    APPLIED = "applied", pgettext_lazy("move step", "applied")
    DROPPED = "dropped", pgettext_lazy("move step", "dropped")
