"""What subscribers, people and programs, are told of changes of plan that happen while nobody looks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.core import mail

from apps.accounts.models import Membership
from apps.core.actors import Actor
from apps.core.relay import drain_until_empty
from apps.notifications.models import Notification, WebhookEvent
from apps.pricing.enums import PlanStatus
from apps.pricing.models import Plan
from apps.subscriptions.models import Subscription
from apps.subscriptions.services import (
    ChangeWish,
    apply_due_changes,
    cancel_at_period_end,
    change_plan,
    withdraw_planned_change,
)
from tests.clients import client_for
from tests.factories.accounts import OrganizationFactory, make_member
from tests.factories.notifications import WebhookEndpointFactory
from tests.factories.plan_changes import APRIL, make_offer, make_paying, set_clock

pytestmark = pytest.mark.django_db

ACTOR = Actor.system("tests")
APPLIED, DROPPED = "subscriptions.plan_change_applied", "subscriptions.plan_change_dropped"


@pytest.fixture
def owner() -> Membership:
    """The owner of a sandbox account whose programs listen."""
    member = make_member("owner", organization=OrganizationFactory(is_sandbox=True))
    WebhookEndpointFactory(organization=member.organization)
    return member


@pytest.fixture
def small(owner: Membership) -> Plan:
    """The plan to which the account's subscription changes on 1 May; it is 11 April."""
    subscription = make_paying("100", consumer=owner.organization)
    set_clock(owner.organization, APRIL.replace(day=11, hour=12))
    plan = make_offer(subscription, "50", name="Small")
    make_member("viewer", organization=owner.organization)
    make_member("owner", organization=plan.organization)
    change_plan(subscription=subscription, wish=ChangeWish(plan=plan), actor=ACTOR)
    drain_until_empty()
    mail.outbox.clear()
    return plan


def when_may_comes() -> int:
    """Let the period end and the job run; return how many changes it carried out."""
    subscription = Subscription.objects.select_related("consumer_organization").get()
    set_clock(subscription.consumer_organization, datetime(2030, 5, 1, 1, tzinfo=UTC))
    count = sum(apply_due_changes(actor=ACTOR) for _pass in range(2))
    drain_until_empty()
    return count


def told() -> list[tuple[str, Any]]:
    rows = Notification.objects.filter(kind__startswith="subscriptions.plan_change")
    return list(rows.values_list("kind", "user_id"))


def published() -> list[tuple[str, dict[str, Any]]]:
    rows = WebhookEvent.objects.filter(type__startswith="subscription.plan_change")
    return list(rows.order_by("created_at").values_list("type", "data"))


def test_planned_change_that_took_effect_is_told_once(owner: Membership, small: Plan) -> None:
    assert (told(), published()) == ([], [])

    assert when_may_comes() == 1

    subscription = Subscription.objects.get()
    assert told() == [(APPLIED, owner.user_id)]
    page = " ".join(client_for(owner).get("/console/notifications/").content.decode().split())
    assert f"{subscription.api.name} is on the plan Small from 2030-05-01 on" in page
    assert published() == [
        (
            "subscription.plan_changed",
            {
                "id": subscription.public_id,
                "api": subscription.api.slug,
                "plan": "Small",
                "price_version": small.versions.get().public_id,
                "quantity": 1,
                "was_planned": True,
                "effective_at": "2030-05-01T00:00:00+00:00",
            },
        )
    ]
    assert [message.to for message in mail.outbox] == [[owner.user.email]]


def test_planned_change_to_a_closed_plan_is_told_as_dropped(owner: Membership, small: Plan) -> None:
    Plan.objects.filter(pk=small.pk).update(status=PlanStatus.CLOSED)

    assert when_may_comes() == 0

    assert told() == [(DROPPED, owner.user_id)]
    ((event_type, data),) = published()
    assert event_type == "subscription.plan_change_dropped"
    assert (data["plan"], data["due_at"]) == ("Small", "2030-05-01T00:00:00+00:00")
    assert data["reason"] == "It cannot be done any more."
    assert Subscription.objects.get().plan.name == "Basic"
    assert [message.to for message in mail.outbox] == [[owner.user.email]]


@pytest.mark.usefixtures("owner", "small")
def test_who_cancels_or_takes_it_back_is_not_told_what_they_know() -> None:
    subscription = Subscription.objects.get()
    cancel_at_period_end(subscription=subscription, actor=ACTOR, reason="")
    drain_until_empty()

    assert told() == []
    assert [name for name, _data in published()] == ["subscription.plan_change_dropped"]


@pytest.mark.usefixtures("owner", "small")
def test_change_taken_back_tells_nobody() -> None:
    withdraw_planned_change(subscription=Subscription.objects.get(), actor=ACTOR)
    drain_until_empty()

    assert (told(), published()) == ([], [])


@pytest.mark.usefixtures("owner", "small")
def test_change_at_once_is_told_to_programs_only() -> None:
    subscription = Subscription.objects.get()
    pro = make_offer(subscription, "150")

    change_plan(subscription=subscription, wish=ChangeWish(plan=pro), actor=ACTOR)
    drain_until_empty()

    assert told() == []
    ((event_type, data),) = published()
    assert (event_type, data["plan"], data["was_planned"]) == (
        "subscription.plan_changed",
        "Pro",
        False,
    )
