"""Fixed terms: announced, renewed or over, chosen by the consumer; lived through on the test clock."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from apps.accounts.models import Membership
from apps.accounts.services import advance_clock, update_organization
from apps.billing.models import BillingPeriod
from apps.core.relay import drain_until_empty
from apps.keys.enums import KeyStatus
from apps.notifications.models import Notification, WebhookEvent
from apps.notifications.services.endpoints import EndpointTerms, create_endpoint
from apps.subscriptions import services
from apps.subscriptions.calendar import numbered_period
from apps.subscriptions.enums import ChangeTiming, SubscriptionStatus
from apps.subscriptions.models import Subscription, SubscriptionNotice
from apps.subscriptions.services import ChangeWish
from tests.clients import api_client, client_for
from tests.factories.accounts import OrganizationFactory, make_member
from tests.factories.keys import make_key
from tests.factories.pricing import SYSTEM, make_plan, make_price
from tests.factories.subscriptions import make_subscription

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture
def owner() -> Membership:
    return make_member("owner", OrganizationFactory(is_sandbox=True))


def bound(owner: Membership, *, interval: str = "month", **terms: Any) -> Subscription:
    """Subscribe to a plan with a fixed term."""
    plan = make_plan(price=make_price(interval=interval), **terms)
    return make_subscription(plan=plan, consumer=owner.organization)


def advance(owner: Membership, by: timedelta) -> None:
    owner.organization.refresh_from_db()
    advance_clock(organization=owner.organization, actor=SYSTEM, by=by)
    drain_until_empty()


def told(owner: Membership) -> list[str]:
    rows = Notification.objects.filter(user=owner.user, kind__startswith="subscriptions.term")
    return [kind.split(".")[1] for kind in rows.order_by("pk").values_list("kind", flat=True)]


def test_term_is_announced_three_times_and_then_over(owner: Membership) -> None:
    names = ("subscription.term_ending", "subscription.term_ended")
    terms = EndpointTerms(url="https://hooks.example.com/", event_types=names)
    create_endpoint(organization=owner.organization, terms=terms, actor=SYSTEM)
    subscription = bound(owner, term_periods=2, term_end="expire")
    key = make_key(subscription).key
    end = numbered_period(subscription, 1).end
    assert (subscription.term_ends_at, subscription.ends_at) == (end, end)

    for _day in range(7):
        advance(owner, 10 * DAY)

    subscription.refresh_from_db()
    key.refresh_from_db()
    assert (subscription.status, subscription.ended_at) == (SubscriptionStatus.EXPIRED, end)
    assert key.status == KeyStatus.REVOKED
    assert told(owner) == ["term_ends"] * 3 + ["term_over"]
    notices = SubscriptionNotice.objects.order_by("created_at").values_list(
        "days_before", flat=True
    )
    assert list(notices) == [30, 7, 1]
    hooks = WebhookEvent.objects.order_by("pk").values_list("type", flat=True)
    assert list(hooks) == [names[0]] * 3 + [names[1]]
    periods = BillingPeriod.objects.filter(subscription=subscription).order_by("number")
    assert [(period.number, period.status) for period in periods] == [(0, "closed"), (1, "closed")]


def test_terms_follow_each_other_also_over_a_jump(owner: Membership) -> None:
    subscription = bound(owner, interval="week", term_periods=2)
    assert (subscription.ends_at, subscription.auto_renews) == (None, True)

    advance(owner, 30 * DAY)

    subscription.refresh_from_db()
    assert subscription.status == SubscriptionStatus.ACTIVE
    assert subscription.term_last_period == 5
    assert subscription.term_ends_at == numbered_period(subscription, 5).end
    renewed = subscription.changes.filter(kind="term_renewed")
    assert renewed.count() == 2
    # Two weeks have room for the notices of 7 days and 1 day.
    assert told(owner) == ["term_renews", "term_renews", "term_renewed"] * 2
    assert services.renew_due_terms(actor=SYSTEM) == 0


def test_consumer_chooses_what_follows(owner: Membership) -> None:
    subscription = bound(owner, term_periods=12)
    client, path = api_client(owner), f"/api/v1/subscriptions/{subscription.public_id}"
    page = client_for(owner)
    at = f"/console/subscriptions/{subscription.public_id}/"

    off = client.put(f"{path}/auto-renew", {"auto_renew": False})
    again = client.put(f"{path}/auto-renew", {"auto_renew": False})
    shown = page.get(at).text
    on = page.post(f"{at}auto-renew/", {"auto_renew": "on"}, follow=True).content.decode()

    end = numbered_period(subscription, 11).end
    assert (off.status_code, off.data["auto_renew"], off.data["can_switch_renewal"]) == (
        200,
        False,
        True,
    )
    assert (off.data["ends_at"], again.data["ends_at"]) == (off.data["term_ends_at"],) * 2
    assert "Off: it ends with its term" in shown
    assert "Let another term follow" in shown
    assert "By itself, for another term" in on
    subscription.refresh_from_db()
    assert (subscription.ends_at, subscription.term_ends_at) == (None, end)
    kinds = subscription.changes.exclude(kind="started").values_list("kind", flat=True)
    assert list(kinds) == ["renewal_off", "renewal_on"]


def test_cancellation_ends_sooner_and_is_taken_back_to_the_term(owner: Membership) -> None:
    subscription = bound(owner, term_periods=12, term_end="expire")
    client, path = api_client(owner), f"/api/v1/subscriptions/{subscription.public_id}"

    cancelled = client.post(f"{path}/cancel", {"at": "period_end"})
    refused = client.put(f"{path}/auto-renew", {"auto_renew": True})
    kept = client.post(f"{path}/keep")

    assert cancelled.data["ends_at"] < cancelled.data["term_ends_at"]
    assert (refused.status_code, refused.data["code"]) == (409, "cancellation_scheduled")
    assert kept.data["ends_at"] == kept.data["term_ends_at"]
    assert (
        client_for(owner)
        .get(f"/console/subscriptions/{subscription.public_id}/")
        .text.count("Off: it ends with its term")
    )


@pytest.mark.parametrize("terms", [{}, {"term_periods": 3, "term_end_optional": False}])
def test_there_is_no_choice_without_a_term_or_where_the_plan_leaves_none(
    owner: Membership, terms: dict[str, Any]
) -> None:
    subscription = bound(owner, **terms)
    path = f"/api/v1/subscriptions/{subscription.public_id}/auto-renew"

    refused = api_client(owner).put(path, {"auto_renew": False})

    assert (refused.status_code, refused.data["code"]) == (409, "renewal_fixed")
    page = client_for(owner).get(f"/console/subscriptions/{subscription.public_id}/").text
    assert "Let it end with its term" not in page


def test_change_of_plan_at_the_end_of_a_term_begins_the_new_plans(owner: Membership) -> None:
    subscription = bound(owner, term_periods=1, term_end="expire")
    other = make_plan(name="Longer", api=subscription.api, term_periods=6)
    wish = ChangeWish(plan=other, timing=ChangeTiming.PERIOD_END)
    services.change_plan(subscription=subscription, wish=wish, actor=SYSTEM)

    advance(owner, 40 * DAY)

    subscription.refresh_from_db()
    assert (subscription.status, subscription.plan) == (SubscriptionStatus.ACTIVE, other)
    assert (subscription.term_last_period, subscription.ends_at) == (6, None)
    assert subscription.term_ends_at == numbered_period(subscription, 6).end


def test_end_of_a_term_moves_with_the_accounts_time_zone(owner: Membership) -> None:
    subscription = bound(owner, term_periods=3, term_end="expire")

    update_organization(organization=owner.organization, actor=SYSTEM, timezone="Asia/Tokyo")

    subscription.refresh_from_db()
    end = subscription.ends_at
    assert end is not None
    assert end == subscription.term_ends_at == numbered_period(subscription, 2).end
    assert end.astimezone(ZoneInfo("Asia/Tokyo")).hour == 0


def test_trial_within_a_term_is_announced_and_counts(owner: Membership) -> None:
    subscription = bound(owner, trial_days=10, term_periods=1, term_end="expire")

    advance(owner, 9 * DAY)
    page = client_for(owner).get(f"/console/subscriptions/{subscription.public_id}/").text
    advance(owner, 31 * DAY)

    subscription.refresh_from_db()
    assert "Your trial runs until" in page
    trials = Notification.objects.filter(user=owner.user, kind__startswith="subscriptions.trial")
    assert trials.count() == 3  # 3 days and 1 day before, and that it is paid
    assert subscription.status == SubscriptionStatus.EXPIRED
    assert subscription.ended_at == numbered_period(subscription, 0).end


def test_stopped_subscription_is_cancelled_with_its_term(owner: Membership) -> None:
    subscription = bound(owner, term_periods=1, term_end="expire")
    services.pause_subscription(subscription=subscription, actor=SYSTEM)

    advance(owner, 40 * DAY)

    subscription.refresh_from_db()
    assert subscription.status == SubscriptionStatus.CANCELLED
    assert told(owner)[-1] == "term_over"
