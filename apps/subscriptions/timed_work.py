"""What time brings about in an account's subscriptions: trials are over, planned changes and scheduled ends come."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization
from apps.accounts.timed_work import TimedWork, Turn, earliest
from apps.core import clock
from apps.core.actors import Actor
from apps.subscriptions import services
from apps.subscriptions.constants import TERM_NOTICE_DAYS, TRIAL_NOTICE_DAYS
from apps.subscriptions.enums import MoveStepStatus, PlannedChangeStatus, SubscriptionStatus
from apps.subscriptions.models import MoveStep, PlannedChange, Subscription

CLOCK: Final = Actor.system("test clock")


def _next_trial_end(organization: Organization, after: datetime | None) -> datetime | None:
    rows = Subscription.objects.filter(
        consumer_organization=organization, status=SubscriptionStatus.TRIALING
    )
    return earliest(rows, "trial_ends_at", after)


def _end_trials(organization: Organization) -> int:
    return services.end_due_trials(actor=CLOCK, organization_id=organization.pk)


def _next_trial_notice(organization: Organization, after: datetime | None) -> datetime | None:
    rows = Subscription.objects.filter(
        consumer_organization=organization,
        status=SubscriptionStatus.TRIALING,
        cancel_at_period_end=False,
    )
    # What should have been told before now is told at the first stop.
    begin = after or clock.business_now(organization)
    return _next_notice(rows, "trial_ends_at", TRIAL_NOTICE_DAYS, begin)


def _next_notice(
    rows: QuerySet[Subscription],
    field: str,
    days: tuple[int, ...],
    begin: datetime,
) -> datetime | None:
    """Return when the next of the notices after `begin` is due that are given so many days before a moment of each row."""
    leads = [timedelta(days=before) for before in days]
    ends = [(earliest(rows, field, begin + lead), lead) for lead in leads]
    return min((end - lead for end, lead in ends if end is not None), default=None)


def _announce_trial_ends(organization: Organization) -> int:
    return services.announce_trial_ends(actor=CLOCK, organization_id=organization.pk)


def _next_term_notice(organization: Organization, after: datetime | None) -> datetime | None:
    rows = Subscription.objects.live().filter(
        consumer_organization=organization, cancel_at_period_end=False
    )
    begin = after or clock.business_now(organization)
    return _next_notice(rows, "term_ends_at", TERM_NOTICE_DAYS, begin)


def _announce_term_ends(organization: Organization) -> int:
    return services.announce_term_ends(actor=CLOCK, organization_id=organization.pk)


def _next_term(organization: Organization, after: datetime | None) -> datetime | None:
    rows = Subscription.objects.live().filter(
        consumer_organization=organization, term_renews=True, cancel_at_period_end=False
    )
    return earliest(rows, "term_ends_at", after)


def _renew_terms(organization: Organization) -> int:
    return services.renew_due_terms(actor=CLOCK, organization_id=organization.pk)


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


def _move_versions(organization: Organization) -> int:
    return services.apply_due_moves(actor=CLOCK, organization_id=organization.pk)


def _change_plans(organization: Organization) -> int:
    return services.apply_due_changes(actor=CLOCK, organization_id=organization.pk)


def _next_end(organization: Organization, after: datetime | None) -> datetime | None:
    rows = Subscription.objects.live().filter(consumer_organization=organization)
    return earliest(rows, "ends_at", after)


def _end_subscriptions(organization: Organization) -> int:
    return services.end_due_subscriptions(actor=CLOCK, organization_id=organization.pk)


WORKS: Final = (
    TimedWork(
        name="subscriptions.trial_notices",
        label=_("Notices that a trial ends"),
        turn=Turn.NOTICES,
        next_due=_next_trial_notice,
        happen=_announce_trial_ends,
    ),
    TimedWork(
        name="subscriptions.trials",
        label=_("Trials that ended"),
        turn=Turn.TRIALS,
        next_due=_next_trial_end,
        happen=_end_trials,
    ),
    TimedWork(
        name="subscriptions.term_notices",
        label=_("Notices that a fixed term ends"),
        turn=Turn.NOTICES,
        next_due=_next_term_notice,
        happen=_announce_term_ends,
    ),
    TimedWork(
        name="subscriptions.terms",
        label=_("Terms that were followed by another"),
        turn=Turn.ENDS,
        next_due=_next_term,
        happen=_renew_terms,
    ),
    TimedWork(
        name="subscriptions.version_moves",
        label=_("Moves to a newer version"),
        turn=Turn.PLAN_CHANGES,
        next_due=_next_version_move,
        happen=_move_versions,
    ),
    TimedWork(
        name="subscriptions.plan_changes",
        label=_("Plans that changed"),
        turn=Turn.PLAN_CHANGES,
        next_due=_next_change,
        happen=_change_plans,
    ),
    TimedWork(
        name="subscriptions.ends",
        label=_("Subscriptions that ended"),
        turn=Turn.ENDS,
        next_due=_next_end,
        happen=_end_subscriptions,
    ),
)
