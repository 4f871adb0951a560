"""Telling consumers in time what will happen to a subscription: each notice once."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.events import publish
from apps.subscriptions.enums import NoticeKind
from apps.subscriptions.events import AnnouncedEvent
from apps.subscriptions.models import Subscription, SubscriptionNotice
from apps.subscriptions.services.changes import facts_of


@transaction.atomic
def announce_once(
    *,
    subscription: Subscription,
    kind: NoticeKind,
    due_at: datetime,
    days: tuple[int, ...],
    event: type[AnnouncedEvent],
    actor: Actor,
) -> bool:
    """Publish what will happen, with the most urgent of `days` that applies now; return whether it was news.

    Nothing where another worker was faster, or a notice as urgent was given. Publishes the event.
    """
    now = clock.business_now(subscription.consumer_organization)
    near = [before for before in days if due_at - now <= timedelta(days=before)]
    if not near or due_at <= now:
        return False
    urgent = min(near)
    # One that was told too late for its own day would come after a more urgent one only if a clock ran backwards.
    given = SubscriptionNotice.objects.filter(
        subscription=subscription, kind=kind, due_at=due_at, days_before__lte=urgent
    )
    if given.exists():
        return False
    _row, is_new = SubscriptionNotice.objects.get_or_create(
        subscription=subscription, kind=kind, due_at=due_at, days_before=urgent
    )
    if not is_new:
        return False
    record_audit(
        action=f"subscriptions:subscription:{kind}_announced",
        target=subscription,
        actor=actor,
        organization_id=subscription.consumer_organization_id,
        after={"at": due_at, "days_before": urgent},
    )
    publish(
        event(**facts_of(subscription, now), due_at=due_at, days_before=urgent),
        key=str(subscription.pk),
    )
    return True
