"""Closing a plan ends its subscriptions with their periods, and tells whoever has one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from apps.core.relay import drain_until_empty
from apps.notifications.models import Notification
from apps.pricing import services as pricing
from apps.pricing.drafts import PlanDraft
from apps.pricing.exceptions import PlanClosed
from apps.pricing.models import Plan
from apps.subscriptions import services
from apps.subscriptions.exceptions import PlanNotOffered
from apps.subscriptions.models import Subscription
from apps.subscriptions.selectors import current_period
from tests.clients import api_client, client_for
from tests.factories.accounts import actor_of, make_member
from tests.factories.apis import make_api
from tests.factories.pricing import SYSTEM, make_plan
from tests.factories.subscriptions import make_subscription

pytestmark = pytest.mark.django_db


def test_a_deprecated_plan_keeps_subscribers_and_refuses_new_ones() -> None:
    subscription = make_subscription()
    pricing.deprecate_plan(plan=subscription.plan, actor=SYSTEM)
    drain_until_empty()

    subscription.refresh_from_db()
    assert (subscription.status, subscription.ends_at) == ("active", None)
    with pytest.raises(PlanNotOffered):
        make_subscription(plan=subscription.plan)


@pytest.mark.parametrize("end", [pricing.deprecate_plan, pricing.close_plan])
def test_a_plan_that_is_offered_no_more_says_so_over_rest(end: Callable[..., Plan]) -> None:
    subscription, guest = make_subscription(), make_member("owner")
    api = subscription.api
    ended, private = make_plan(api, name="Ended"), make_plan(api, name="Inner", is_private=True)
    for plan in (ended, private):
        end(plan=plan, actor=SYSTEM)
    draft = pricing.create_plan(api=api, draft=PlanDraft(name="Draft"), actor=SYSTEM)
    client = api_client(guest)
    owner = api_client(make_member("owner", organization=subscription.consumer_organization))

    answers = {
        plan.name: client.post("/api/v1/subscriptions", {"plan": plan.public_id})
        for plan in (ended, private, draft)
    }
    moved = owner.post(
        f"/api/v1/subscriptions/{subscription.public_id}/change", {"plan": ended.public_id}
    )

    codes = {name: (answer.status_code, answer.data["code"]) for name, answer in answers.items()}
    assert codes == {
        "Ended": (409, "plan_not_offered"),
        "Inner": (404, "not_found"),
        "Draft": (404, "not_found"),
    }
    assert (moved.status_code, moved.data["code"]) == (409, "plan_not_offered")


def test_closing_ends_subscriptions_with_their_period_and_tells_them() -> None:
    member = make_member("owner")
    subscription = make_subscription(consumer=member.organization)
    cancelled = make_subscription(plan=subscription.plan)
    services.cancel_at_period_end(subscription=cancelled, actor=SYSTEM, reason="Enough.")
    elsewhere = make_subscription()

    pricing.close_plan(plan=subscription.plan, actor=SYSTEM)
    drain_until_empty()
    again = services.end_subscriptions_of_closed_plans(actor=SYSTEM)

    subscription = Subscription.objects.get(pk=subscription.pk)
    elsewhere.refresh_from_db()
    assert subscription.status == "active"
    assert subscription.ends_at == current_period(subscription).end
    assert (elsewhere.ends_at, again) == (None, 0)
    assert subscription.changes.filter(kind="end_scheduled").count() == 1
    assert cancelled.changes.filter(kind="end_scheduled").get().reason == "Enough."
    told = Notification.objects.filter(kind="subscriptions.plan_closed")
    assert [notice.user_id for notice in told] == [member.user_id]
    with pytest.raises(PlanClosed):
        services.withdraw_cancellation(subscription=subscription, actor=actor_of(member))
    page = client_for(member).get(f"/console/subscriptions/{subscription.public_id}/")
    assert "The provider closed this plan" in page.content.decode()
    assert "Keep it" not in page.content.decode()


def test_closing_ends_what_waits_for_the_provider_at_once() -> None:
    waiting = make_subscription(plan=make_plan(requires_approval=True))
    assert waiting.status == "pending_approval"

    pricing.close_plan(plan=waiting.plan, actor=SYSTEM)
    drain_until_empty()

    waiting.refresh_from_db()
    assert waiting.status == "cancelled"


def test_the_provider_sees_how_many_subscriptions_end() -> None:
    member = make_member("owner")
    plan = make_plan(make_api(organization=member.organization))
    browser, page = client_for(member), f"/console/provider/plans/{plan.public_id}/close/"
    assert "It has no subscribers." in browser.get(page).content.decode()
    make_subscription(plan=plan)
    make_subscription(plan=plan)

    assert "2 subscriptions end with their running periods" in browser.get(page).content.decode()
    assert browser.post(page).status_code == 302

    plan.refresh_from_db()
    assert plan.status == "closed"
