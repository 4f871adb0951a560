"""Fixed terms: how they begin, are announced to end, are followed by another one, and who says so.

A term is a number of billing periods. It ends with its last period: then the subscription expires (`ends_at` says when,
as for any scheduled end), or another term follows. Its rules are those that the plan had when the term began.

Source: docs/domain/subscriptions.md.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils.translation import gettext as _

from apps.core import clock
from apps.core.actors import Actor
from apps.core.querysets import only_of
from apps.pricing.enums import TermEnd
from apps.subscriptions.calendar import numbered_period
from apps.subscriptions.constants import TERM_NOTICE_DAYS
from apps.subscriptions.enums import LIVE_STATUSES, ChangeKind, NoticeKind
from apps.subscriptions.events import RenewalSwitched, TermEnding, TermRenewed
from apps.subscriptions.exceptions import CancellationAlreadyScheduled, RenewalFixed
from apps.subscriptions.models import Subscription
from apps.subscriptions.services.changes import Cause, lock_subscription, save_change, snapshot
from apps.subscriptions.services.noticing import announce_once

OFFSET: Final = F("consumer_organization__clock_offset")


def begin_term(subscription: Subscription, *, number: int) -> None:
    """Begin the fixed term of the subscription's plan, if it has one, with a billing period. The caller saves."""
    plan = subscription.plan
    subscription.term_periods = plan.term_periods
    subscription.term_renews = plan.term_end == TermEnd.RENEW
    subscription.term_end_optional = plan.term_end_optional
    periods = plan.term_periods
    subscription.term_last_period = None if periods is None else number + periods - 1
    follow_periods(subscription)


def follow_periods(subscription: Subscription) -> None:
    """Let a term end where its last billing period does, which other terms or another time zone move. The caller saves."""
    last = subscription.term_last_period
    subscription.term_ends_at = None if last is None else numbered_period(subscription, last).end
    if not subscription.cancel_at_period_end:
        subscription.ends_at = None if subscription.term_renews else subscription.term_ends_at


@transaction.atomic
def set_auto_renew(*, subscription: Subscription, auto_renew: bool, actor: Actor) -> Subscription:
    """Say whether another term follows, at the consumer's wish. The same again changes nothing. Publishes RenewalSwitched.

    Raises:
        RenewalFixed: it has no fixed term, its plan leaves no choice, or the term is over.
        CancellationAlreadyScheduled: it ends before, with its period.
    """
    subscription = lock_subscription(subscription.pk)
    end = subscription.term_ends_at
    if end is None or not subscription.term_end_optional:
        raise RenewalFixed
    now = clock.business_now(subscription.consumer_organization)
    if subscription.status not in LIVE_STATUSES or end <= now:
        raise RenewalFixed(_("The term is over."))
    if subscription.cancel_at_period_end:
        raise CancellationAlreadyScheduled
    if subscription.term_renews == auto_renew:
        return subscription
    before = snapshot(subscription)
    subscription.term_renews = auto_renew
    follow_periods(subscription)
    kind = ChangeKind.RENEWAL_ON if auto_renew else ChangeKind.RENEWAL_OFF
    save_change(
        subscription,
        before=before,
        cause=Cause(kind=kind, actor=actor),
        event=RenewalSwitched,
        auto_renew=auto_renew,
    )
    return subscription


def renew_due_terms(*, actor: Actor, organization_id: UUID | None = None) -> int:
    """Begin the next term where one is over and another follows, by the account's clock; return how many began.

    After a long outage, or a jump of a test clock, every missed term is passed. Idempotent: each subscription is locked and
    looked at again. Publishes TermRenewed.
    """
    due = _running(organization_id).filter(
        term_renews=True,
        cancel_at_period_end=False,
        term_ends_at__lte=clock.now() + OFFSET,
    )
    ids = list(due.order_by("term_ends_at").values_list("pk", flat=True))
    return sum(_renew(subscription_id, actor=actor) for subscription_id in ids)


@transaction.atomic
def _renew(subscription_id: UUID, *, actor: Actor) -> int:
    subscription = lock_subscription(subscription_id)
    now = clock.business_now(subscription.consumer_organization)
    count = 0
    while (
        subscription.status in LIVE_STATUSES
        and subscription.term_renews
        and not subscription.cancel_at_period_end
        and subscription.term_periods is not None
        and subscription.term_last_period is not None
        and subscription.term_ends_at is not None
        and subscription.term_ends_at <= now
    ):
        before, began = snapshot(subscription), subscription.term_ends_at
        subscription.term_last_period += subscription.term_periods
        follow_periods(subscription)
        cause = Cause(kind=ChangeKind.TERM_RENEWED, actor=actor, effective_at=began)
        ends_at = subscription.term_ends_at
        save_change(subscription, before=before, cause=cause, event=TermRenewed, ends_at=ends_at)
        count += 1
    return count


def announce_term_ends(*, actor: Actor, organization_id: UUID | None = None) -> int:
    """Tell consumers whose term ends within 30, 7 and 1 days what follows, once each; return how many notices.

    Only days that lie within the term are told, and of several at once the latest. A subscription that was cancelled is not
    announced. Publishes TermEnding.
    """
    now = clock.now()
    ending = _running(organization_id).filter(
        cancel_at_period_end=False,
        term_ends_at__gt=now + OFFSET,
        term_ends_at__lte=now + timedelta(days=max(TERM_NOTICE_DAYS)) + OFFSET,
    )
    rows = ending.select_related("consumer_organization", "price_version").order_by("pk")
    return sum(_announce(row, actor=actor) for row in rows.iterator(chunk_size=500))


def _announce(subscription: Subscription, *, actor: Actor) -> bool:
    end, last, periods = (
        subscription.term_ends_at,
        subscription.term_last_period,
        subscription.term_periods,
    )
    if end is None or last is None or periods is None:
        return False
    length = end - numbered_period(subscription, last - periods + 1).start
    return announce_once(
        subscription=subscription,
        kind=NoticeKind.TERM,
        due_at=end,
        days=tuple(days for days in TERM_NOTICE_DAYS if timedelta(days=days) < length),
        event=TermEnding,
        actor=actor,
    )


def _running(organization_id: UUID | None) -> QuerySet[Subscription]:
    rows = Subscription.objects.live().filter(term_ends_at__isnull=False)
    return only_of(rows, organization_id, field="consumer_organization_id")
