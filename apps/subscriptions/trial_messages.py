"""Who is told that a trial ends or a long period is renewed: the people who manage subscriptions, and the consumer's programs."""

from __future__ import annotations

from typing import Any, Final

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.core.events import receives
from apps.notifications.kinds import NotificationKind, register_kinds
from apps.notifications.services import Message, notify_members
from apps.notifications.webhooks import (
    WebhookEventType,
    publish_webhook,
    register_event_types,
)
from apps.subscriptions.card_sources import has_card
from apps.subscriptions.enums import ChangeKind
from apps.subscriptions.events import (
    AnnouncedEvent,
    RenewalComing,
    SubscriptionChanged,
    SubscriptionEvent,
    TrialEnding,
)
from apps.subscriptions.models import Subscription
from apps.subscriptions.periods import local_date

MANAGE: Final = "subscriptions.manage"
_EXAMPLE: Final[dict[str, Any]] = {
    "id": "sub_01jd0zq6f8e9xvgq0t4f3m2n1q",
    "api": "weather",
    "plan": "Basic",
}

TRIAL_BECOMES_PAID: Final = NotificationKind(
    name="subscriptions.trial_becomes_paid",
    title=_("The trial of %(name)s ends on %(day)s"),
    body=_(
        "Then it goes on by the plan %(plan)s and is paid. Cancel before if you do not want it."
    ),
    is_important=True,
    action_label=_("Open the subscription"),
)
TRIAL_WANTS_CARD: Final = NotificationKind(
    name="subscriptions.trial_wants_card",
    title=_("The trial of %(name)s ends on %(day)s"),
    body=_(
        "There is no saved card. Save one before if you want to keep it, or the subscription ends."
    ),
    tone="warn",
    is_important=True,
    action_label=_("Open the subscription"),
)
TRIAL_ENDS: Final = NotificationKind(
    name="subscriptions.trial_ends",
    title=_("The trial of %(name)s ends on %(day)s"),
    body=_("The subscription ends with it. Start paid service before if you want to keep it."),
    tone="warn",
    is_important=True,
    action_label=_("Open the subscription"),
)
TRIAL_CONVERTED: Final = NotificationKind(
    name="subscriptions.trial_converted",
    title=_("%(name)s is paid from now on"),
    body=_("The trial is over; the subscription goes on by the plan %(plan)s."),
    action_label=_("Open the subscription"),
)
TRIAL_OVER: Final = NotificationKind(
    name="subscriptions.trial_over",
    title=_("The trial of %(name)s is over"),
    body=_("The subscription has ended and its keys are revoked. Nothing is charged."),
    tone="warn",
    is_important=True,
    action_label=_("Open the subscription"),
)
RENEWAL: Final = NotificationKind(
    name="subscriptions.renewal_coming",
    title=_("%(name)s is renewed on %(day)s"),
    body=_("Another period by the plan %(plan)s begins then. Cancel before if you do not want it."),
    is_important=True,
    action_label=_("Open the subscription"),
)
WEBHOOK_TRIAL_ENDING: Final = WebhookEventType(
    "subscription.trial_ending",
    _("A trial ends in 3 days or 1 day; `becomes_paid` says what follows."),
    {**_EXAMPLE, "ends_at": "2027-03-31T00:00:00+00:00", "days_before": 3, "becomes_paid": True},
)
WEBHOOK_TRIAL_ENDED: Final = WebhookEventType(
    "subscription.trial_ended",
    _("A trial is over; `status` is `active` or `expired`."),
    {**_EXAMPLE, "status": "active"},
)
WEBHOOK_RENEWAL: Final = WebhookEventType(
    "subscription.renewal_coming",
    _("A period of a year or more ends in 30 days, and another one follows."),
    {**_EXAMPLE, "renews_at": "2027-03-31T00:00:00+00:00", "days_before": 30},
)
register_kinds(
    TRIAL_BECOMES_PAID, TRIAL_WANTS_CARD, TRIAL_ENDS, TRIAL_CONVERTED, TRIAL_OVER, RENEWAL
)
register_event_types(WEBHOOK_TRIAL_ENDING, WEBHOOK_TRIAL_ENDED, WEBHOOK_RENEWAL)
_OF_TRIAL_ENDS: Final = {
    ChangeKind.TRIAL_CONVERTED.value: TRIAL_CONVERTED,
    ChangeKind.TRIAL_OVER.value: TRIAL_OVER,
}


@receives(TrialEnding)
def tell_that_a_trial_ends(event: TrialEnding) -> None:
    """Tell when, and what follows."""
    subscription = _subscription(event)
    kind = TRIAL_BECOMES_PAID if subscription.trial_converts else TRIAL_ENDS
    if subscription.trial_converts and _lacks_card(subscription):
        kind = TRIAL_WANTS_CARD
    _tell(subscription, kind, event)


@receives(RenewalComing)
def tell_that_a_renewal_comes(event: RenewalComing) -> None:
    """Tell when the next period begins."""
    _tell(_subscription(event), RENEWAL, event)


@receives(SubscriptionChanged)
def tell_that_a_trial_is_over(event: SubscriptionChanged) -> None:
    """Tell what became of it."""
    kind = _OF_TRIAL_ENDS.get(event.kind)
    if kind is not None:
        _notify(_subscription(event), kind, fact="")


@receives(TrialEnding, in_transaction=True)
def publish_that_a_trial_ends(event: TrialEnding) -> None:
    """Tell the consumer's programs."""
    subscription = _subscription(event)
    becomes_paid = subscription.trial_converts and not _lacks_card(subscription)
    at = event.due_at.isoformat()
    words = {"ends_at": at, "days_before": event.days_before, "becomes_paid": becomes_paid}
    _publish(subscription, WEBHOOK_TRIAL_ENDING, f"{at}:{event.days_before}", **words)


@receives(RenewalComing, in_transaction=True)
def publish_that_a_renewal_comes(event: RenewalComing) -> None:
    """Tell the consumer's programs."""
    at = event.due_at.isoformat()
    words = {"renews_at": at, "days_before": event.days_before}
    _publish(_subscription(event), WEBHOOK_RENEWAL, f"{at}:{event.days_before}", **words)


@receives(SubscriptionChanged, in_transaction=True)
def publish_that_a_trial_is_over(event: SubscriptionChanged) -> None:
    """Tell the consumer's programs."""
    if event.kind in _OF_TRIAL_ENDS:
        subscription = _subscription(event)
        _publish(subscription, WEBHOOK_TRIAL_ENDED, "", status=event.status)


def _lacks_card(subscription: Subscription) -> bool:
    return subscription.trial_needs_card and not has_card(subscription.consumer_organization_id)


def _subscription(event: SubscriptionEvent) -> Subscription:
    rows = Subscription.objects.select_related("api", "plan", "consumer_organization")
    return rows.get(pk=event.subscription_id)


def _tell(subscription: Subscription, kind: NotificationKind, event: AnnouncedEvent) -> None:
    day = local_date(event.due_at, subscription.timezone).isoformat()
    _notify(subscription, kind, fact=f"{day}:{event.days_before}", day=day)


def _notify(
    subscription: Subscription, kind: NotificationKind, *, fact: str, **context: str
) -> None:
    message = Message(
        kind=kind.name,
        dedupe_key=f"{kind.name}:{subscription.pk}:{fact}",
        url=reverse("portal:subscription", args=[subscription.public_id]),
        context={"name": subscription.api.name, "plan": subscription.plan.name, **context},
    )
    notify_members(
        organization=subscription.consumer_organization, permission=MANAGE, message=message
    )


def _publish(
    subscription: Subscription, kind: WebhookEventType, fact: str, **words: object
) -> None:
    data = {
        "id": subscription.public_id,
        "api": subscription.api.slug,
        "plan": subscription.plan.name,
        **words,
    }
    publish_webhook(
        organization=subscription.consumer_organization,
        event_type=kind.name,
        data=data,
        dedupe_key=f"{kind.name}:{subscription.public_id}:{fact}",
    )
