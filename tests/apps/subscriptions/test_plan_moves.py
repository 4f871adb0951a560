"""A provider moves the subscribers of a plan to a newer version: notice, the day, progress, calling it off."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Membership
from apps.billing.models import BillingPeriod
from apps.billing.services.periods import close_due_periods
from apps.core import clock
from apps.core.models import AuditEvent
from apps.core.relay import drain_until_empty
from apps.notifications.models import Notification
from apps.pricing import services as pricing
from apps.pricing.exceptions import CurrencyNotOffered
from apps.pricing.models import Plan, PriceVersion
from apps.subscriptions import services
from apps.subscriptions.calendar import period_at
from apps.subscriptions.exceptions import (
    MoveAlreadyRunning,
    MoveNotRunning,
    MoveTooSoon,
    NobodyToMove,
    NotPublished,
    OtherPeriods,
)
from apps.subscriptions.models import MoveStep, PlanMove, Subscription
from apps.subscriptions.plan_moves import progress_of
from tests.clients import api_client, client_for
from tests.factories.accounts import OrganizationFactory, make_member
from tests.factories.apis import make_api
from tests.factories.pricing import SYSTEM, make_plan, make_price
from tests.factories.subscriptions import make_subscription

pytestmark = pytest.mark.django_db


def in_days(days: int) -> date:
    return clock.now().date() + timedelta(days=days)


def new_version(plan: Plan, **fields: Any) -> PriceVersion:
    version = pricing.add_price_version(
        plan=plan, draft=make_price(**{"quota_calls": 50_000, **fields}), actor=SYSTEM
    )
    return pricing.publish_version(version=version, actor=SYSTEM)


def announced(plan: Plan, days: int = 31, **fields: Any) -> PlanMove:
    version = new_version(plan, **fields)
    move = services.move_subscribers(
        plan=plan, version=version, moves_on=in_days(days), actor=SYSTEM
    )
    drain_until_empty()
    return move


def at_their_end(subscription: Subscription) -> MoveStep:
    """Put the account's clock behind the moment of its step."""
    step = MoveStep.objects.get(subscription=subscription, status="waiting")
    account = subscription.consumer_organization
    account.clock_offset = step.due_at - clock.now() + timedelta(minutes=1)
    account.save(update_fields=["clock_offset"])
    return step


def test_subscribers_are_told_and_moved_when_their_period_ends() -> None:
    member = make_member("owner", OrganizationFactory(is_sandbox=True))
    subscription = make_subscription(consumer=member.organization)
    old = subscription.price_version
    move = announced(subscription.plan)

    step = MoveStep.objects.get(move=move)
    assert step.due_at == period_at(subscription, step.due_at - timedelta(seconds=1)).end
    assert step.due_at.date() >= move.moves_on
    assert step.due_at - clock.now() < timedelta(days=31 + 32)
    told = Notification.objects.filter(kind="subscriptions.version_move")
    assert [notice.user_id for notice in told] == [member.user_id]
    page = f"/console/subscriptions/{subscription.public_id}/"
    browser = client_for(member)
    assert "moves you to version 2" in browser.get(page).content.decode()
    differences = browser.get(f"{page}move/").content.decode()
    assert ("<del>10000</del>" in differences, "<ins>50000</ins>" in differences) == (True, True)
    assert services.apply_due_moves(actor=SYSTEM) == 0

    at_their_end(subscription)
    assert services.apply_due_moves(actor=SYSTEM) == 1
    assert services.apply_due_moves(actor=SYSTEM) == 0

    subscription.refresh_from_db()
    assert (subscription.price_version.number, subscription.price_version.quota_calls) == (
        2,
        50_000,
    )
    change = subscription.changes.get(kind="version_moved")
    assert change.before == {"price_version": old.public_id}
    assert change.after == {"price_version": subscription.price_version.public_id}
    services.plan_moves(actor=SYSTEM)
    move.refresh_from_db()
    assert move.status == "done"
    assert progress_of([move])[move.pk].moved == 1
    actions = AuditEvent.objects.filter(action__startswith="subscriptions:plan_move:")
    assert actions.count() == 2


def test_the_closing_period_keeps_its_price_and_the_next_one_has_the_new() -> None:
    subscription = make_subscription(consumer=OrganizationFactory(is_sandbox=True))
    drain_until_empty()
    account = subscription.consumer_organization
    announced(subscription.plan, days=30)
    step = MoveStep.objects.get(subscription=subscription)
    account.clock_offset = step.due_at - clock.now() + timedelta(hours=1)
    account.save(update_fields=["clock_offset"])
    while BillingPeriod.objects.get(subscription=subscription, status="open").period_end <= (
        step.due_at
    ):
        close_due_periods(actor=SYSTEM)

    prices = {
        row.period_end <= step.due_at: row.price_version.number
        for row in BillingPeriod.objects.filter(subscription=subscription)
    }
    assert prices == {True: 1, False: 2}


def test_calling_it_off_leaves_everybody_where_they_are_and_tells_them() -> None:
    member = make_member("owner")
    subscription = make_subscription(consumer=member.organization)
    move = announced(subscription.plan)

    services.call_off_move(move=move, actor=SYSTEM)
    drain_until_empty()

    assert MoveStep.objects.get().status == "dropped"
    assert Notification.objects.filter(kind="subscriptions.version_move_called_off").count() == 1
    assert services.plan_moves(actor=SYSTEM) == {"planned": 0, "finished": 0}
    assert subscription.changes.filter(kind="move_called_off").exists()
    with pytest.raises(MoveNotRunning):
        services.call_off_move(move=move, actor=SYSTEM)


def test_who_leaves_is_let_go_and_who_comes_back_is_planned_again() -> None:
    subscription = make_subscription()
    move = announced(subscription.plan)
    services.cancel_at_period_end(subscription=subscription, actor=SYSTEM, reason="Enough.")
    services.plan_moves(actor=SYSTEM)
    assert (MoveStep.objects.get().status, progress_of([move])[move.pk].left) == ("dropped", 1)

    PlanMove.objects.filter(pk=move.pk).update(status="running", settled_at=None)
    services.withdraw_cancellation(subscription=subscription, actor=SYSTEM)

    assert services.plan_moves(actor=SYSTEM) == {"planned": 1, "finished": 0}
    assert progress_of([move])[move.pk].waiting == 1


def test_what_cannot_be_moved_to_is_refused_and_leaves_nothing() -> None:
    subscription = make_subscription()
    plan, day = subscription.plan, in_days(40)
    draft = pricing.add_price_version(plan=plan, draft=make_price(), actor=SYSTEM)

    def move(version: PriceVersion, on: date = day) -> None:
        services.move_subscribers(plan=plan, version=version, moves_on=on, actor=SYSTEM)

    with pytest.raises(NotPublished):
        move(draft)
    with pytest.raises(MoveTooSoon, match="30 days of notice"):
        move(new_version(plan), in_days(29))
    with pytest.raises(CurrencyNotOffered, match="USD"):
        move(new_version(plan, currency="EUR"))
    with pytest.raises(OtherPeriods):
        move(new_version(plan, interval="year"))
    with pytest.raises(NobodyToMove):
        move(plan.versions.get(number=1))
    assert not PlanMove.objects.exists()
    fits = new_version(plan)
    move(fits)
    with pytest.raises(MoveAlreadyRunning):
        move(fits)


def provider_with_subscribers(count: int) -> tuple[Membership, Plan]:
    member = make_member("developer")
    plan = make_plan(make_api(organization=member.organization))
    for _number in range(count):
        make_subscription(plan=plan)
    return member, plan


def test_the_provider_moves_and_calls_off_over_rest() -> None:
    member, plan = provider_with_subscribers(2)
    version, client = new_version(plan), api_client(member)
    url = f"/api/v1/provider/plans/{plan.public_id}/moves"

    soon = client.post(url, {"version": version.public_id, "moves_on": in_days(3).isoformat()})
    made = client.post(url, {"version": version.public_id, "moves_on": in_days(33).isoformat()})
    drain_until_empty()

    assert (soon.status_code, soon.data["code"]) == (422, "move_too_soon")
    assert [error["pointer"] for error in soon.data["errors"]] == ["/moves_on"]
    assert made.status_code == 201
    one = f"{url}/{made.data['id']}"
    assert client.get(one).data["progress"] == {"moved": 0, "waiting": 2, "left": 0}
    assert [row["id"] for row in client.get(url).data["data"]] == [made.data["id"]]
    assert api_client(make_member("developer")).get(one).status_code == 404
    assert client.post(f"{one}/call-off").data["status"] == "called_off"
    assert client.post(f"{one}/call-off").status_code == 409


def test_the_subscriber_reads_what_comes_over_rest() -> None:
    member = make_member("owner")
    subscription = make_subscription(consumer=member.organization)
    url = f"/api/v1/subscriptions/{subscription.public_id}/move"
    assert api_client(member).get(url).status_code == 404
    announced(subscription.plan)

    answer = api_client(member).get(url).data

    assert answer["number"] == 2
    changed = [row["path"] for row in answer["differences"] if row["is_changed"]]
    assert changed == ["quota_calls"]
    assert api_client(make_member("owner")).get(url).status_code == 404


def test_the_page_announces_shows_progress_and_asks_the_same_for_one_and_three() -> None:
    member, plan = provider_with_subscribers(1)
    version = new_version(plan)
    browser, page = client_for(member), f"/console/provider/plans/{plan.public_id}/moves/"
    typed = {"version": str(version.pk), "moves_on": in_days(35).isoformat()}
    refused = browser.post(page, {**typed, "moves_on": in_days(2).isoformat()})
    assert "Subscribers need 30 days of notice" in refused.content.decode()
    assert browser.post(page, typed).status_code == 302
    drain_until_empty()
    shown = browser.get(page).content.decode()
    assert "Call it off" in shown
    assert "1 subscription" in shown

    def ask() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert browser.get(page).status_code == 200
        return len(queries)

    services.call_off_move(move=PlanMove.objects.get(), actor=SYSTEM)
    one = ask()
    for _time in range(2):
        move = services.move_subscribers(
            plan=plan, version=version, moves_on=in_days(35), actor=SYSTEM
        )
        services.call_off_move(move=move, actor=SYSTEM)

    assert (one, ask()) == (13, 13)
