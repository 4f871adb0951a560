"""Who is told that a fixed term ends or has ended: the people who manage subscriptions, and the consumer's programs."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from apps.core.events import receives
from apps.notifications.kinds import NotificationKind, register_kinds
from apps.notifications.webhooks import WebhookEventType, register_event_types
from apps.subscriptions.enums import ChangeKind
from apps.subscriptions.events import SubscriptionChanged, TermEnding, TermRenewed
from apps.subscriptions.trial_messages import (
    EXAMPLE,
    notify_managers,
    publish_to_programs,
    subscription_of,
    tell_beforehand,
)

TERM_RENEWS: Final = NotificationKind(
    name="subscriptions.term_renews",
    title=_("The term of %(name)s ends on %(day)s"),
    body=_(
        "Another term by the plan %(plan)s follows. Switch renewal off or cancel before if you do not want it."
    ),
    is_important=True,
    action_label=_("Open the subscription"),
)
TERM_ENDS: Final = NotificationKind(
    name="subscriptions.term_ends",
    title=_("The term of %(name)s ends on %(day)s"),
    body=_("The subscription ends with it and its keys are revoked."),
    tone="warn",
    is_important=True,
    action_label=_("Open the subscription"),
)
TERM_OVER: Final = NotificationKind(
    name="subscriptions.term_over",
    title=_("The term of %(name)s is over"),
    body=_("The subscription has ended and its keys are revoked. You may subscribe again."),
    tone="warn",
    is_important=True,
    action_label=_("Open the subscription"),
)
TERM_RENEWED: Final = NotificationKind(
    name="subscriptions.term_renewed",
    title=_("A new term of %(name)s has begun"),
    body=_("It goes on by the plan %(plan)s."),
    action_label=_("Open the subscription"),
)
WEBHOOK_TERM_ENDING: Final = WebhookEventType(
    "subscription.term_ending",
    _("A fixed term ends in 30, 7 or 1 days; `auto_renew` says whether another one follows."),
    {**EXAMPLE, "ends_at": "2027-03-31T00:00:00+00:00", "days_before": 30, "auto_renew": True},
)
WEBHOOK_TERM_ENDED: Final = WebhookEventType(
    "subscription.term_ended",
    _("A fixed term is over and the subscription with it; `status` is `expired` or `cancelled`."),
    {**EXAMPLE, "status": "expired"},
)
WEBHOOK_TERM_RENEWED: Final = WebhookEventType(
    "subscription.term_renewed",
    _("A fixed term is over and another one has begun, which ends at `ends_at`."),
    {**EXAMPLE, "ends_at": "2027-03-31T00:00:00+00:00"},
)
register_kinds(TERM_RENEWS, TERM_ENDS, TERM_OVER, TERM_RENEWED)
register_event_types(WEBHOOK_TERM_ENDING, WEBHOOK_TERM_ENDED, WEBHOOK_TERM_RENEWED)


@receives(TermEnding)
def tell_that_a_term_ends(event: TermEnding) -> None:
    """Tell when, and what follows."""
    subscription = subscription_of(event)
    tell_beforehand(subscription, TERM_RENEWS if subscription.term_renews else TERM_ENDS, event)


@receives(TermRenewed)
def tell_that_a_term_began(event: TermRenewed) -> None:
    """Tell that another term has begun."""
    notify_managers(subscription_of(event), TERM_RENEWED, fact=event.ends_at.isoformat())


@receives(SubscriptionChanged)
def tell_that_a_term_is_over(event: SubscriptionChanged) -> None:
    """Tell that the subscription has ended with its term."""
    if event.kind == ChangeKind.TERM_OVER:
        notify_managers(subscription_of(event), TERM_OVER, fact="")


@receives(TermEnding, in_transaction=True)
def publish_that_a_term_ends(event: TermEnding) -> None:
    """Tell the consumer's programs."""
    subscription, at = subscription_of(event), event.due_at.isoformat()
    words = {
        "ends_at": at,
        "days_before": event.days_before,
        "auto_renew": subscription.term_renews,
    }
    publish_to_programs(subscription, WEBHOOK_TERM_ENDING, f"{at}:{event.days_before}", **words)


@receives(TermRenewed, in_transaction=True)
def publish_that_a_term_began(event: TermRenewed) -> None:
    """Tell the consumer's programs."""
    at = event.ends_at.isoformat()
    publish_to_programs(subscription_of(event), WEBHOOK_TERM_RENEWED, at, ends_at=at)


@receives(SubscriptionChanged, in_transaction=True)
def publish_that_a_term_is_over(event: SubscriptionChanged) -> None:
    """Tell the consumer's programs."""
    if event.kind == ChangeKind.TERM_OVER:
        publish_to_programs(subscription_of(event), WEBHOOK_TERM_ENDED, "", status=event.status)
