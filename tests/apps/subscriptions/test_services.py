"""Subscriptions: how they start, move and end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import F

from apps.accounts.models import Workspace
from apps.apis.enums import ApiStatus
from apps.core import clock
from apps.core.exceptions import InvalidTransition, NotFound
from apps.core.models import AuditEvent
from apps.keys.enums import KeyStatus
from apps.pricing.services import deprecate_plan
from apps.subscriptions import services
from apps.subscriptions.calendar import period_at
from apps.subscriptions.enums import SubscriptionStatus
from apps.subscriptions.exceptions import (
    AlreadySubscribed,
    ApiNotAvailable,
    CancellationAlreadyScheduled,
    NothingToWithdraw,
    PlanNotOffered,
)
from apps.subscriptions.models import Subscription
from apps.subscriptions.selectors import current_period, quota_standing
from tests.factories.accounts import OrganizationFactory, actor_of, make_member
from tests.factories.apis import make_api
from tests.factories.keys import make_key
from tests.factories.pricing import SYSTEM, make_plan
from tests.factories.subscriptions import make_subscription

pytestmark = pytest.mark.django_db


def advance(subscription: Subscription, by: timedelta) -> None:
    account = subscription.consumer_organization
    type(account).objects.filter(pk=account.pk).update(
        is_sandbox=True, clock_offset=F("clock_offset") + by
    )
    account.refresh_from_db()


def test_subscribe_starts_at_once_on_the_current_price() -> None:
    plan, member = make_plan(), make_member()
    workspace = Workspace.objects.get(organization=member.organization)

    subscription = services.subscribe(plan=plan, workspace=workspace, actor=actor_of(member))

    assert subscription.status == SubscriptionStatus.ACTIVE
    assert subscription.price_version == plan.versions.get(is_current=True)
    assert subscription.provider_organization_id == plan.organization_id
    assert [change.kind for change in subscription.changes.all()] == ["started"]
    assert AuditEvent.objects.filter(action="subscriptions:subscription:started").count() == 1


def test_subscribe_twice_is_refused_and_names_the_first() -> None:
    first = make_subscription()

    with pytest.raises(AlreadySubscribed) as caught:
        make_subscription(plan=first.plan, consumer=first.consumer_organization)

    assert caught.value.extra["subscription_id"] == first.public_id
    assert Subscription.objects.count() == 1


def test_subscribe_again_after_the_end_is_possible() -> None:
    first = make_subscription()
    services.cancel_subscription(subscription=first, actor=SYSTEM, reason="")

    second = make_subscription(plan=first.plan, consumer=first.consumer_organization)

    assert second.pk != first.pk


def test_subscribe_another_tenants_workspace_is_not_found() -> None:
    stranger = OrganizationFactory()

    with pytest.raises(NotFound):
        services.subscribe(
            plan=make_plan(),
            workspace=Workspace.objects.get(organization=stranger),
            actor=actor_of(make_member()),
        )

    assert not Subscription.objects.exists()


def test_subscribe_to_withdrawn_or_private_plan_is_refused() -> None:
    withdrawn = deprecate_plan(plan=make_plan(), actor=SYSTEM)

    for plan in (withdrawn, make_plan(is_private=True)):
        with pytest.raises(PlanNotOffered):
            make_subscription(plan=plan)


def test_provider_may_subscribe_to_its_own_private_plan() -> None:
    plan = make_plan(is_private=True)

    subscription = make_subscription(plan=plan, consumer=plan.organization)

    assert subscription.consumer_organization_id == subscription.provider_organization_id


def test_subscribe_to_api_that_is_not_active_is_refused() -> None:
    plan = make_plan(make_api(status=ApiStatus.DEPRECATED))

    with pytest.raises(ApiNotAvailable):
        make_subscription(plan=plan)


def test_plan_with_approval_waits_for_the_provider() -> None:
    subscription = make_subscription(plan=make_plan(requires_approval=True, trial_days=14))
    assert subscription.status == SubscriptionStatus.PENDING_APPROVAL
    assert subscription.started_at is None

    accepted = services.accept_subscription(subscription=subscription, actor=SYSTEM)

    assert accepted.status == SubscriptionStatus.TRIALING
    assert accepted.started_at is not None
    assert accepted.trial_ends_at == accepted.started_at + timedelta(days=14)
    with pytest.raises(InvalidTransition):
        services.accept_subscription(subscription=subscription, actor=SYSTEM)
    with pytest.raises(InvalidTransition):
        services.decline_subscription(subscription=subscription, actor=SYSTEM, reason="late")


def test_declined_subscription_has_ended_with_the_reason() -> None:
    subscription = make_subscription(plan=make_plan(requires_approval=True))

    declined = services.decline_subscription(
        subscription=subscription, actor=SYSTEM, reason="Not in your country"
    )

    assert (declined.status, declined.status_reason) == ("cancelled", "Not in your country")
    assert declined.ended_at is not None


def test_resume_is_not_the_consumers_answer_to_a_suspension() -> None:
    subscription = make_subscription()
    services.suspend_subscription(subscription=subscription, actor=SYSTEM, reason="abuse")

    with pytest.raises(InvalidTransition):
        services.unpause_subscription(subscription=subscription, actor=SYSTEM)

    resumed = services.resume_subscription(subscription=subscription, actor=SYSTEM)
    assert resumed.status == SubscriptionStatus.ACTIVE


def test_cancel_at_once_revokes_the_keys_with_it() -> None:
    issued = make_key()

    services.cancel_subscription(
        subscription=issued.key.subscription, actor=SYSTEM, reason="too dear"
    )

    issued.key.refresh_from_db()
    assert issued.key.status == KeyStatus.REVOKED
    assert issued.key.subscription.changes.last().reason == "too dear"


def test_cancel_at_period_end_works_until_then() -> None:
    subscription = make_subscription()
    end = current_period(subscription).end

    scheduled = services.cancel_at_period_end(subscription=subscription, actor=SYSTEM, reason="")
    assert (scheduled.status, scheduled.ends_at) == (SubscriptionStatus.ACTIVE, end)
    with pytest.raises(CancellationAlreadyScheduled):
        services.cancel_at_period_end(subscription=subscription, actor=SYSTEM, reason="")
    assert services.end_due_subscriptions(actor=SYSTEM) == 0

    advance(subscription, timedelta(days=32))
    assert services.end_due_subscriptions(actor=SYSTEM) == 1
    assert services.end_due_subscriptions(actor=SYSTEM) == 0

    subscription.refresh_from_db()
    assert (subscription.status, subscription.ended_at) == (SubscriptionStatus.CANCELLED, end)


def test_withdraw_cancellation_keeps_the_subscription() -> None:
    subscription = make_subscription()
    services.cancel_at_period_end(subscription=subscription, actor=SYSTEM, reason="")

    kept = services.withdraw_cancellation(subscription=subscription, actor=SYSTEM)

    assert (kept.cancel_at_period_end, kept.ends_at) == (False, None)
    with pytest.raises(NothingToWithdraw):
        services.withdraw_cancellation(subscription=subscription, actor=SYSTEM)


def test_trial_becomes_paid_service_by_the_accounts_own_clock() -> None:
    subscription = make_subscription(plan=make_plan(trial_days=7))
    other = make_subscription(plan=make_plan(trial_days=7))
    advance(subscription, timedelta(days=8))

    assert services.end_due_trials(actor=SYSTEM) == 1

    subscription.refresh_from_db()
    other.refresh_from_db()
    assert (subscription.status, other.status) == ("active", "trialing")


def test_every_move_is_final_once_ended() -> None:
    subscription = make_subscription()
    services.cancel_subscription(subscription=subscription, actor=SYSTEM, reason="")

    for move in (services.cancel_subscription, services.suspend_subscription):
        with pytest.raises(InvalidTransition):
            move(subscription=subscription, actor=SYSTEM, reason="")
    assert subscription.changes.count() == 2


def test_period_is_counted_from_the_anchor_day() -> None:
    subscription = make_subscription()
    subscription.anchor = datetime(2026, 1, 31, 15, tzinfo=UTC)

    period = period_at(subscription, datetime(2026, 3, 1, tzinfo=UTC))

    assert (period.start.date().isoformat(), period.end.date().isoformat()) == (
        "2026-02-28",
        "2026-03-31",
    )


def test_quota_standing_without_a_source_is_unused() -> None:
    standing = quota_standing(make_subscription())

    assert (standing.limit, standing.is_hard) == (10_000, True)
    assert clock.now() in standing.period
