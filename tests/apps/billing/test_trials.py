"""Trials: announced, free, and then paid or over; lived through on the test clock."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail

from apps.accounts.models import Membership
from apps.accounts.services import advance_clock
from apps.billing.enums import PeriodStatus
from apps.billing.estimates import estimate_periods
from apps.billing.models import BillingPeriod, InvoiceLine
from apps.billing.selectors import list_open_periods
from apps.core import clock
from apps.core.exceptions import InvalidTransition
from apps.core.relay import drain_until_empty
from apps.keys.enums import KeyStatus
from apps.notifications.models import Notification, WebhookEvent
from apps.notifications.services.endpoints import EndpointTerms, create_endpoint
from apps.pricing.enums import TrialEnd
from apps.pricing.models import Plan
from apps.subscriptions import services
from apps.subscriptions.enums import SubscriptionStatus
from apps.subscriptions.exceptions import CardRequired
from apps.subscriptions.models import Subscription, SubscriptionNotice
from tests.clients import api_client, client_for
from tests.factories.accounts import OrganizationFactory, actor_of, make_member
from tests.factories.billing import make_method
from tests.factories.direct import add_window
from tests.factories.keys import make_key
from tests.factories.pricing import SYSTEM, make_plan, make_price
from tests.factories.subscriptions import make_subscription

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def owner() -> Membership:
    return make_member("owner", OrganizationFactory(is_sandbox=True))


def on_trial(owner: Membership, *, days: int = 10, **terms: Any) -> Subscription:
    """Subscribe to a plan with a trial of so many days."""
    plan = make_plan(trial_days=days)
    Plan.objects.filter(pk=plan.pk).update(**terms)
    plan.refresh_from_db()
    return make_subscription(plan=plan, consumer=owner.organization)


def advance(owner: Membership, by: timedelta) -> None:
    owner.organization.refresh_from_db()
    advance_clock(organization=owner.organization, actor=SYSTEM, by=by)
    drain_until_empty()


def told(owner: Membership) -> list[str]:
    rows = Notification.objects.filter(user=owner.user, kind__startswith="subscriptions.trial")
    return [kind.split(".")[1] for kind in rows.order_by("pk").values_list("kind", flat=True)]


def test_trial_is_announced_twice_and_then_paid(owner: Membership) -> None:
    terms = EndpointTerms(
        url="https://hooks.example.com/",
        event_types=("subscription.trial_ending", "subscription.trial_ended"),
    )
    create_endpoint(organization=owner.organization, terms=terms, actor=SYSTEM)
    subscription = on_trial(owner)

    for step in (6 * DAY, DAY + HOUR, HOUR, 2 * DAY, HOUR):
        advance(owner, step)
        services.announce_trial_ends(actor=SYSTEM)
    assert told(owner) == ["trial_becomes_paid"] * 2
    advance(owner, DAY)

    subscription.refresh_from_db()
    assert subscription.status == SubscriptionStatus.ACTIVE
    assert told(owner) == [*["trial_becomes_paid"] * 2, "trial_converted"]
    days = SubscriptionNotice.objects.order_by("created_at").values_list("days_before", flat=True)
    assert list(days) == [3, 1]
    mails = [message.subject for message in mail.outbox if "The trial of" in message.subject]
    assert len(mails) == 2
    hooks = WebhookEvent.objects.order_by("pk").values_list("type", flat=True)
    assert list(hooks) == [*["subscription.trial_ending"] * 2, "subscription.trial_ended"]


def test_fee_and_usage_of_the_trial_are_free(owner: Membership) -> None:
    subscription = on_trial(owner)
    start = subscription.anchor.replace(minute=0, second=0, microsecond=0)
    add_window(subscription, at=start + DAY, calls=5_000)  # in the trial
    add_window(subscription, at=start + 12 * DAY, calls=2_000)  # 1 000 are free, the rest 0.002

    advance(owner, 40 * DAY)

    period = BillingPeriod.objects.get(subscription=subscription, number=0)
    assert period.status == PeriodStatus.CLOSED
    whole = (period.period_end - period.period_start).days
    base, calls = InvoiceLine.objects.filter(period=period).order_by("position")
    assert calls.quantity == 2_000
    assert calls.amount_minor == 200
    steps = base.charge.calculation["steps"]
    assert f"{whole - 10}" in str(steps)
    assert base.amount_minor == round(900 * (whole - 10) / whole)


def test_bill_of_a_running_trial_is_nothing(owner: Membership) -> None:
    subscription = on_trial(owner, days=60)
    add_window(subscription, at=subscription.anchor.replace(minute=0, second=0), calls=5_000)

    estimate = estimate_periods(list(list_open_periods(actor_of(owner))))[0]

    assert (estimate.so_far.amount_minor, estimate.projected.amount_minor) == (0, 0)


def test_trial_that_only_ends_takes_the_keys_along(owner: Membership) -> None:
    subscription = on_trial(owner, trial_end=TrialEnd.END)
    key = make_key(subscription).key

    advance(owner, 45 * DAY)

    subscription.refresh_from_db()
    assert subscription.status == SubscriptionStatus.EXPIRED
    assert subscription.ended_at == subscription.trial_ends_at
    assert told(owner) == ["trial_ends", "trial_ends", "trial_over"]
    key.refresh_from_db()
    assert key.status == KeyStatus.REVOKED
    lines = InvoiceLine.objects.filter(period__subscription=subscription)
    assert sum(line.amount_minor for line in lines) == 0
    assert not BillingPeriod.objects.filter(subscription=subscription, number=1).exists()


def test_trial_that_needs_a_card_cannot_begin_without_one(owner: Membership) -> None:
    plan = make_plan(trial_days=10)
    Plan.objects.filter(pk=plan.pk).update(trial_requires_card=True)
    path = "/api/v1/subscriptions"

    refused = api_client(owner).post(path, {"plan": plan.public_id})
    make_method(owner.organization, is_default=True)
    accepted = api_client(owner).post(path, {"plan": plan.public_id})

    assert (refused.status_code, refused.data["code"]) == (422, "card_required")
    assert (accepted.status_code, accepted.data["trial_needs_card"]) == (201, True)


def test_card_that_is_gone_at_the_end_ends_the_trial(owner: Membership) -> None:
    method = make_method(owner.organization, is_default=True)
    subscription = on_trial(owner, trial_requires_card=True)
    method.detached_at = clock.now()
    method.save()

    with pytest.raises(CardRequired):
        services.convert_trial(subscription=subscription, actor=SYSTEM)
    advance(owner, 11 * DAY)

    subscription.refresh_from_db()
    assert subscription.status == SubscriptionStatus.EXPIRED
    assert told(owner) == ["trial_wants_card", "trial_wants_card", "trial_over"]


def test_terms_are_those_of_the_beginning(owner: Membership) -> None:
    subscription = on_trial(owner)
    Plan.objects.filter(pk=subscription.plan_id).update(
        trial_end=TrialEnd.END, trial_requires_card=True
    )

    advance(owner, 11 * DAY)

    subscription.refresh_from_db()
    assert subscription.status == SubscriptionStatus.ACTIVE


def test_paid_service_begins_early_where_its_consumer_wants_it(owner: Membership) -> None:
    subscription = on_trial(owner, trial_end=TrialEnd.END)
    advance(owner, 4 * DAY)
    page = client_for(owner).get(f"/console/subscriptions/{subscription.public_id}/").text
    path = f"/api/v1/subscriptions/{subscription.public_id}/start-paid"

    started = api_client(owner).post(path)
    again = api_client(owner).post(path)

    assert "Start paid service now" in page
    assert (started.status_code, started.data["status"]) == (200, "active")
    assert again.status_code == 409
    with pytest.raises(InvalidTransition):
        services.convert_trial(subscription=subscription, actor=SYSTEM)
    advance(owner, 40 * DAY)
    period = BillingPeriod.objects.get(subscription=subscription, number=0)
    whole = (period.period_end - period.period_start).days
    base = InvoiceLine.objects.filter(period=period).order_by("position")[0]
    assert base.amount_minor == round(900 * (whole - 4) / whole)


def test_cancelled_trial_costs_nothing_and_is_not_announced(owner: Membership) -> None:
    subscription = on_trial(owner)
    services.cancel_subscription(subscription=subscription, actor=SYSTEM, reason="")

    advance(owner, 40 * DAY)

    assert told(owner) == []
    lines = InvoiceLine.objects.filter(period__subscription=subscription)
    assert sum(line.amount_minor for line in lines) == 0


def test_year_that_ends_is_announced_a_month_before(owner: Membership) -> None:
    plan = make_plan(price=make_price(interval="year"))
    subscription = make_subscription(plan=plan, consumer=owner.organization)

    advance(owner, 330 * DAY)
    before = Notification.objects.filter(kind="subscriptions.renewal_coming").count()
    advance(owner, 40 * DAY)

    told_once = Notification.objects.filter(kind="subscriptions.renewal_coming")
    assert (before, told_once.count()) == (0, 1)
    periods = BillingPeriod.objects.filter(subscription=subscription).order_by("number")
    assert [period.status for period in periods] == ["closed", "open"]
    assert periods[1].price_version_id == subscription.price_version_id


def test_paused_subscription_keeps_its_periods_and_its_fee(owner: Membership) -> None:
    subscription = make_subscription(consumer=owner.organization)
    advance(owner, 5 * DAY)
    services.pause_subscription(subscription=subscription, actor=SYSTEM)
    advance(owner, 40 * DAY)
    services.unpause_subscription(subscription=subscription, actor=SYSTEM)

    base = InvoiceLine.objects.filter(period__subscription=subscription).order_by("position")[0]
    assert base.amount_minor == 900
    assert BillingPeriod.objects.filter(subscription=subscription).count() == 2


def test_renewal_is_switched_off_and_on(owner: Membership) -> None:
    subscription = make_subscription(consumer=owner.organization)
    client, path = api_client(owner), f"/api/v1/subscriptions/{subscription.public_id}"

    said = [client.get(path).data["auto_renew"]]
    said.append(client.post(f"{path}/cancel", {"at": "period_end"}).data["auto_renew"])
    page = client_for(owner).get(f"/console/subscriptions/{subscription.public_id}/").text
    said.append(client.post(f"{path}/keep").data["auto_renew"])

    assert said == [True, False, True]
    assert "Off: it ends with this period" in page
