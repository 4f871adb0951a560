"""What time brings about in an account's subscriptions: trials are over, planned changes and scheduled ends come."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization
from apps.accounts.timed_work import TimedWork, Turn, earliest, happens, notice_due
from apps.subscriptions import services
from apps.subscriptions.constants import TERM_NOTICE_DAYS, TRIAL_NOTICE_DAYS
from apps.subscriptions.enums import MoveStepStatus, PlannedChangeStatus, SubscriptionStatus
from apps.subscriptions.models import MoveStep, PlannedChange, Subscription


def _next_trial_end(organization: Organization, after: datetime | None) -> datetime | None:
    rows = Subscription.objects.filter(
        consumer_organization=organization, status=SubscriptionStatus.TRIALING
    )
    return earliest(rows, "trial_ends_at", after)


def _next_trial_notice(organization: Organization, after: datetime | None) -> datetime | None:
    rows = Subscription.objects.filter(
        consumer_organization=organization,
        status=SubscriptionStatus.TRIALING,
        cancel_at_period_end=False,
    )
    return notice_due(
        rows, "trial_ends_at", days=TRIAL_NOTICE_DAYS, organization=organization, after=after
    )


def _next_term_notice(organization: Organization, after: datetime | None) -> datetime | None:
    rows = Subscription.objects.live().filter(
        consumer_organization=organization, cancel_at_period_end=False
    )
    return notice_due(
        rows, "term_ends_at", days=TERM_NOTICE_DAYS, organization=organization, after=after
    )


def _next_term(organization: Organization, after: datetime | None) -> datetime | None:
    rows = Subscription.objects.live().filter(
        consumer_organization=organization, term_renews=True, cancel_at_period_end=False
    )
    return earliest(rows, "term_ends_at", after)


def _next_version_move(organization: Organization, after: datetime | None) -> datetime | None:
    rows = MoveStep.objects.filter(
        subscription__consumer_organization=organization, status=MoveStepStatus.WAITING
    )
    return earliest(rows, "due_at", after)


def _next_change(organization: Organization, after: datetime | None) -> datetime | None:
    rows = PlannedChange.objects.filter(
        subscription__consumer_organization=organization, status=PlannedChangeStatus.WAITING
    )
    return earliest(rows, "due_at", after)


def _next_end(organization: Organization, after: datetime | None) -> datetime | None:
    rows = Subscription.objects.live().filter(consumer_organization=organization)
    return earliest(rows, "ends_at", after)


WORKS: Final = (
    TimedWork(
        name="subscriptions.trial_notices",
        label=_("Notices that a trial ends"),
        turn=Turn.NOTICES,
        next_due=_next_trial_notice,
        happen=happens(services.announce_trial_ends),
    ),
    TimedWork(
        name="subscriptions.trials",
        label=_("Trials that ended"),
        turn=Turn.TRIALS,
        next_due=_next_trial_end,
        happen=happens(services.end_due_trials),
    ),
    TimedWork(
        name="subscriptions.term_notices",
        label=_("Notices that a fixed term ends"),
        turn=Turn.NOTICES,
        next_due=_next_term_notice,
        happen=happens(services.announce_term_ends),
    ),
    TimedWork(
        name="subscriptions.terms",
        label=_("Terms that were followed by another"),
        turn=Turn.ENDS,
        next_due=_next_term,
        happen=happens(services.renew_due_terms),
    ),
    TimedWork(
        name="subscriptions.version_moves",
        label=_("Moves to a newer version"),
        turn=Turn.PLAN_CHANGES,
        next_due=_next_version_move,
        happen=happens(services.apply_due_moves),
    ),
    TimedWork(
        name="subscriptions.plan_changes",
        label=_("Plans that changed"),
        turn=Turn.PLAN_CHANGES,
        next_due=_next_change,
        happen=happens(services.apply_due_changes),
    ),
    TimedWork(
        name="subscriptions.ends",
        label=_("Subscriptions that ended"),
        turn=Turn.ENDS,
        next_due=_next_end,
        happen=happens(services.end_due_subscriptions),
    ),
)
