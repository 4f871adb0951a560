"""Changes of what a subscription may use beside its plan: extra calls for a period, and the consumer's spend cap."""

from __future__ import annotations

from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _

from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.events import publish
from apps.core.exceptions import RuleViolated
from apps.core.formatting import format_money
from apps.core.money import Money
from apps.subscriptions.enums import ENDED_STATUSES
from apps.subscriptions.events import AllowanceChanged
from apps.subscriptions.exceptions import (
    NoQuotaToTopUp,
    NoSpendCap,
    SpendCapBelowFees,
    SubscriptionHasEnded,
)
from apps.subscriptions.models import QuotaTopUp, SpendCap, Subscription
from apps.subscriptions.selectors import current_period
from apps.subscriptions.services.changes import lock_subscription
from apps.subscriptions.spend import current_cap, prices_of, spent_on
from apps.subscriptions.usage_sources import live_used_calls

MAX_CALLS: Final = 10**12
MAX_CAP_MINOR: Final = 10**15


@transaction.atomic
def top_up_quota(
    *, subscription: Subscription, calls: int, reason: str, actor: Actor
) -> QuotaTopUp:
    """Grant calls on top of the plan's quota for the period that runs now. Publishes AllowanceChanged.

    Raises:
        SubscriptionHasEnded: there is no period to grant them in.
        NoQuotaToTopUp: the plan has no quota.
        RuleViolated: a number of calls out of range, or no reason.
    """
    subscription = _locked(subscription)
    if subscription.price_version.quota_calls is None:
        raise NoQuotaToTopUp
    if not 1 <= calls <= MAX_CALLS:
        raise RuleViolated(_("Choose a number from 1 to 1,000,000,000,000."), field="calls")
    if not reason.strip():
        raise RuleViolated(_("Say why; it is kept in the audit trail."), field="reason")
    period = current_period(subscription)
    top_up = QuotaTopUp.objects.create(
        subscription=subscription,
        period_start=period.start,
        period_end=period.end,
        calls=calls,
        reason=reason.strip(),
        granted_by=actor.label,
    )
    record_audit(
        action="subscriptions:quota:topped_up",
        target=subscription,
        actor=actor,
        organization_id=subscription.consumer_organization_id,
        after={"calls": calls, "period_start": period.start, "top_up": top_up.public_id},
        reason=reason,
    )
    _tell(subscription)
    return top_up


@transaction.atomic
def set_spend_cap(*, subscription: Subscription, amount: Money, actor: Actor) -> SpendCap:
    """Set what the subscription may cost in a period, before tax; it counts at once. Publishes AllowanceChanged.

    Calls that were let through already are charged even where they cost more.

    Raises:
        SubscriptionHasEnded: it costs nothing any more.
        RuleViolated: another currency than the plan's, or an amount out of range.
        SpendCapBelowFees: the plan's fees, which are due anyway, cost more.
    """
    subscription = _locked(subscription)
    table = prices_of(subscription)
    if amount.currency != table.currency:
        text = _("The plan is priced in %(currency)s; set the cap in it.")
        raise RuleViolated(text % {"currency": table.currency}, field="currency")
    if not 0 <= amount.amount_minor <= MAX_CAP_MINOR:
        raise RuleViolated(_("Choose an amount that is not negative."), field="amount")
    fees = spent_on(table, 0)
    if amount < fees:
        text = _("The plan's fees of %(fees)s are due in each period; choose at least that.")
        raise SpendCapBelowFees(text % {"fees": format_money(fees)}, field="amount")
    before = _end_cap(subscription)
    cap = SpendCap.objects.create(
        subscription=subscription,
        amount_minor=amount.amount_minor,
        currency=amount.currency,
        set_at=clock.business_now(subscription.consumer_organization),
        used_when_set=live_used_calls(subscription, current_period(subscription)),
    )
    record_audit(
        action="subscriptions:spend_cap:set",
        target=subscription,
        actor=actor,
        organization_id=subscription.consumer_organization_id,
        before={"amount": before and before.amount},
        after={"amount": amount, "used_when_set": cap.used_when_set},
    )
    _tell(subscription)
    return cap


@transaction.atomic
def remove_spend_cap(*, subscription: Subscription, actor: Actor) -> None:
    """Let the subscription cost what it costs again. Publishes AllowanceChanged.

    Raises:
        NoSpendCap: none is set.
    """
    subscription = lock_subscription(subscription.pk)
    before = _end_cap(subscription)
    if before is None:
        raise NoSpendCap
    record_audit(
        action="subscriptions:spend_cap:removed",
        target=subscription,
        actor=actor,
        organization_id=subscription.consumer_organization_id,
        before={"amount": before.amount},
        after={"amount": None},
    )
    _tell(subscription)


def _locked(subscription: Subscription) -> Subscription:
    row = lock_subscription(subscription.pk)
    if row.status in ENDED_STATUSES:
        raise SubscriptionHasEnded
    return row


def _end_cap(subscription: Subscription) -> SpendCap | None:
    cap = current_cap(subscription)
    if cap is not None:
        cap.removed_at = clock.business_now(subscription.consumer_organization)
        cap.save(update_fields=["removed_at", "updated_at"])
    return cap


def _tell(subscription: Subscription) -> None:
    publish(
        AllowanceChanged(
            subscription_id=subscription.pk,
            consumer_organization_id=subscription.consumer_organization_id,
        ),
        key=str(subscription.pk),
    )
