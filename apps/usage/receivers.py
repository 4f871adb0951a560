"""What usage does when something happens below it."""

from __future__ import annotations

from functools import partial

from django.db import transaction

from apps.accounts.events import ClockAdvanced, OrganizationChanged
from apps.core.events import receives
from apps.core.ids import format_public_id
from apps.subscriptions.events import AllowanceChanged, SubscriptionChanged
from apps.subscriptions.models import Subscription
from apps.usage.alerts import warn_of_low_quotas
from apps.usage.budget_alerts import (
    look_at_budgets_of_organization,
    look_at_budgets_of_subscriptions,
)
from apps.usage.caps import forget_cap_amount
from apps.usage.services import follow_time_zone


@receives(AllowanceChanged, in_transaction=True)
def forget_changed_cap(event: AllowanceChanged) -> None:
    """Let the next reader see the new cap."""
    public_id = format_public_id(Subscription.id_prefix, event.subscription_id)
    transaction.on_commit(partial(forget_cap_amount, public_id))


@receives(AllowanceChanged)
def look_at_new_allowance(event: AllowanceChanged) -> None:
    """A cap that was set or lowered may be nearly reached already."""
    warn_of_low_quotas([event.subscription_id])
    look_at_budgets_of_subscriptions([event.subscription_id])


@receives(SubscriptionChanged)
def look_at_new_terms(event: SubscriptionChanged) -> None:
    """Another plan may have less room, and cost more."""
    warn_of_low_quotas([event.subscription_id])
    look_at_budgets_of_subscriptions([event.subscription_id])


@receives(OrganizationChanged)
def look_at_time_zone(event: OrganizationChanged) -> None:
    """Days of analytics are the organization's own."""
    follow_time_zone(organization_id=event.organization_id)


@receives(ClockAdvanced)
def look_at_budgets_again(event: ClockAdvanced) -> None:
    """What a sandbox expects to spend changes with its time."""
    look_at_budgets_of_organization(event.organization_id)
