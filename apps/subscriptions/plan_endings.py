"""When a provider closes a plan, its subscriptions end with their periods, and their subscribers hear of it."""

from __future__ import annotations

from typing import Any, Final

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.core.actors import Actor
from apps.core.events import receives
from apps.notifications.kinds import NotificationKind, register_kinds
from apps.notifications.services import Message, notify_members
from apps.notifications.webhooks import (
    WebhookEventType,
    publish_webhook,
    register_event_types,
)
from apps.pricing.enums import PlanStatus
from apps.pricing.events import PlanWithdrawn
from apps.subscriptions.events import (
    CancellationScheduled,
    SubscriptionCancelled,
    SubscriptionEvent,
)
from apps.subscriptions.models import Subscription
from apps.subscriptions.periods import local_date
from apps.subscriptions.services.closing import end_subscriptions_of_closed_plans

MANAGE: Final = "subscriptions.manage"
PLAN_CLOSED: Final = NotificationKind(
    name="subscriptions.plan_closed",
    title=_("The plan %(plan)s of %(name)s ends on %(day)s"),
    body=_(
        "Its provider closed it. Your keys work until then; choose another plan before that day."
    ),
    tone="warn",
    is_important=True,
    action_label=_("Open the subscription"),
)
REQUEST_ENDED: Final = NotificationKind(
    name="subscriptions.plan_closed_while_waiting",
    title=_("The plan %(plan)s of %(name)s is closed"),
    body=_("Your request for it has ended; choose another plan."),
    tone="warn",
    action_label=_("Open the subscription"),
)
ENDING: Final = WebhookEventType(
    "subscription.plan_closed",
    _("The provider closed the plan of a subscription, which ends at the given time."),
    {
        "id": "sub_01jd0zq6f8e9xvgq0t4f3m2n1q",
        "api": "weather",
        "plan": "Basic",
        "ends_at": "2027-03-31T00:00:00+00:00",
    },
)
register_kinds(PLAN_CLOSED, REQUEST_ENDED)
register_event_types(ENDING)


@receives(PlanWithdrawn)
def end_subscriptions_of_a_closed_plan(event: PlanWithdrawn) -> None:
    """Let the subscriptions of a closed plan end with their periods."""
    if event.status == PlanStatus.CLOSED:
        actor = Actor.system("the plan was closed")
        end_subscriptions_of_closed_plans(actor=actor, plan_id=event.plan_id)


@receives(CancellationScheduled)
def tell_subscriber_of_the_end(event: CancellationScheduled) -> None:
    """Tell the day on which a subscription ends because its plan was closed; who cancelled it knows."""
    subscription = _closed(event)
    if subscription is not None:
        day = local_date(event.ends_at, subscription.timezone)
        _tell(subscription, PLAN_CLOSED, day=day.isoformat())


@receives(SubscriptionCancelled)
def tell_who_waited(event: SubscriptionCancelled) -> None:
    """Tell that a subscription that waited for its provider ended with the plan."""
    subscription = _closed(event)
    if subscription is not None and subscription.started_at is None:
        _tell(subscription, REQUEST_ENDED)


@receives(CancellationScheduled, in_transaction=True)
def publish_the_end(event: CancellationScheduled) -> None:
    """Tell the subscriber's programs."""
    subscription = _closed(event)
    if subscription is not None:
        publish_webhook(
            organization=subscription.consumer_organization,
            event_type=ENDING.name,
            dedupe_key=f"{ENDING.name}:{subscription.public_id}",
            data={
                "id": subscription.public_id,
                "api": subscription.api.slug,
                "plan": subscription.plan.name,
                "ends_at": event.ends_at.isoformat(),
            },
        )


def _closed(event: SubscriptionEvent) -> Subscription | None:
    rows = Subscription.objects.select_related("api", "plan", "consumer_organization")
    return rows.filter(pk=event.subscription_id, plan__status=PlanStatus.CLOSED).first()


def _tell(subscription: Subscription, kind: NotificationKind, **context: Any) -> None:
    message = Message(
        kind=kind.name,
        dedupe_key=f"{kind.name}:{subscription.pk}",
        url=reverse("portal:subscription", args=[subscription.public_id]),
        context={"name": subscription.api.name, "plan": subscription.plan.name, **context},
    )
    notify_members(
        organization=subscription.consumer_organization, permission=MANAGE, message=message
    )
