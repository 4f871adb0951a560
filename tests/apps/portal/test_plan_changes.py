"""The pages of a change of plan: choosing, the preview, what is charged, taking back, and refusals."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import Membership
from apps.core.actors import Actor
from apps.pricing.models import Plan
from apps.subscriptions.models import CancellationRequest, PlannedChange, Subscription
from apps.subscriptions.services import ChangeWish, change_plan
from tests.clients import client_for
from tests.factories.accounts import OrganizationFactory, make_member
from tests.factories.plan_changes import APRIL, charged, make_offer, make_paying, set_clock

pytestmark = pytest.mark.django_db

ACTOR = Actor.system("tests")


@pytest.fixture
def member() -> Membership:
    """The owner of a sandbox account."""
    return make_member("owner", organization=OrganizationFactory(is_sandbox=True))


@pytest.fixture
def subscription(member: Membership) -> Subscription:
    """100.00 a month in advance since 1 April; it is the 11th."""
    made = make_paying("100", consumer=member.organization)
    set_clock(member.organization, APRIL.replace(day=11, hour=12))
    return made


@pytest.fixture
def client(member: Membership) -> Client:
    """The owner's browser."""
    return client_for(member)


def page_of(subscription: Subscription, rest: str = "") -> str:
    return f"/console/subscriptions/{subscription.public_id}/{rest}"


def text_of(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def asked(plan: Plan, **fields: str) -> dict[str, str]:
    return {"plan": plan.public_id, **fields}


def test_what_the_preview_shows_is_charged(client: Client, subscription: Subscription) -> None:
    pro = make_offer(subscription, "150", quota_calls=9_000)

    shown = client.get(page_of(subscription, "plan/"), asked(pro))

    text = text_of(shown)
    quote = shown.context["quote"]
    assert "From Basic to Pro" in text
    assert "20 of 30 days" in text
    assert "no limit → 9,000" in text
    assert text.count("$33.33") == 2
    assert f'name="token" value="{quote.token}"' in text
    assert charged(subscription) == [10_000]
    done = client.post(page_of(subscription, "plan/"), asked(pro, token=quote.token))
    assert done["Location"] == page_of(subscription)
    assert charged(subscription) == [10_000, -6_667, 10_000]
    assert sum(charged(subscription)[1:]) == quote.net.amount_minor
    page = text_of(client.get(page_of(subscription)))
    assert "Basic → Pro" in page
    assert "$33.33 before tax" in page


def test_fees_in_arrears_are_named_beside_what_is_due_today(
    client: Client, subscription: Subscription
) -> None:
    pro = make_offer(subscription, "150", in_advance=False)

    text = text_of(client.get(page_of(subscription, "plan/"), asked(pro)))

    assert "the invoice of the period’s end" in text
    assert 'Fees that come with the use, before tax</th><td class="num">$100.00' in text
    assert "It is taken off your next invoices." in text


def test_older_preview_is_refused_and_shown_anew(
    client: Client, subscription: Subscription
) -> None:
    pro = make_offer(subscription, "150")
    token = client.get(page_of(subscription, "plan/"), asked(pro)).context["quote"].token
    set_clock(subscription.consumer_organization, APRIL.replace(day=12, hour=12))

    answer = client.post(page_of(subscription, "plan/"), asked(pro, token=token), follow=True)

    assert answer.status_code == 200
    assert "19 of 30 days" in text_of(answer)
    assert answer.context["quote"].token != token
    assert charged(subscription) == [10_000]


def test_downgrade_is_scheduled_and_taken_back(client: Client, subscription: Subscription) -> None:
    small = make_offer(subscription, "50", name="Small")
    shown = text_of(client.get(page_of(subscription, "plan/"), asked(small)))
    assert "Nothing is charged or given back today." in shown
    assert "Schedule the change" in shown

    client.post(page_of(subscription, "plan/"), asked(small))

    text = text_of(client.get(page_of(subscription)))
    assert "A change of plan is scheduled" in text
    assert "May 1, 2030</time> on: Small" in text
    client.post(page_of(subscription, "plan/withdraw/"))
    assert "A change of plan is scheduled" not in text_of(client.get(page_of(subscription)))
    assert PlannedChange.objects.get().status == "withdrawn"
    again = client.post(page_of(subscription, "plan/withdraw/"), follow=True)
    assert "scheduled" in text_of(again)
    assert charged(subscription) == [10_000]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"plan": "pln_unknown"}, "Select a valid choice"),
        ({"plan": ""}, "required"),
        ({"timing": "later"}, "Select a valid choice"),
        ({"quantity": "0"}, "greater than or equal to 1"),
        ({"quantity": "30"}, "Choose a quantity from 1 to 20."),
        ({"quantity": "1", "plan": "own"}, "already"),
        ({"quantity": "2", "plan": "own"}, "This plan is not sold by quantity. Choose 1."),
    ],
)
def test_mistakes_are_named_and_change_nothing(
    client: Client, subscription: Subscription, given: dict[str, str], words: str
) -> None:
    pro = make_offer(subscription, "150", plan={"max_quantity": 20})
    if given.get("plan") == "own":
        given = {**given, "plan": subscription.plan.public_id}
    question = {**asked(pro), **given}

    shown = client.get(page_of(subscription, "plan/"), question)
    posted = client.post(page_of(subscription, "plan/"), question, follow=True)

    for answer in (shown, posted):
        assert answer.status_code == 422
        assert words in text_of(answer)
    assert charged(subscription) == [10_000]
    assert not PlannedChange.objects.exists()


def test_only_those_who_may_change_it_find_it(
    member: Membership, subscription: Subscription
) -> None:
    pro = make_offer(subscription, "150")
    stranger = client_for(make_member("owner"))
    viewer = client_for(make_member("viewer", organization=member.organization))

    for path in ("plan/", "plan/withdraw/", "cancel/"):
        assert stranger.post(page_of(subscription, path), asked(pro)).status_code == 404
        assert viewer.post(page_of(subscription, path), asked(pro)).status_code == 403
    assert stranger.get(page_of(subscription, "plan/")).status_code == 404
    assert "Change plan" not in text_of(viewer.get(page_of(subscription)))
    assert charged(subscription) == [10_000]


def test_plans_that_are_not_for_the_account_are_not_shown(
    client: Client, subscription: Subscription
) -> None:
    make_offer(subscription, "150", name="Partners", plan={"is_private": True})
    make_offer(subscription, "10", name="Small")

    text = text_of(client.get(page_of(subscription, "plan/")))

    assert "Small" in text
    assert "Partners" not in text


def test_cancel_page_quotes_what_comes_back_and_keeps_the_reason(
    client: Client, subscription: Subscription
) -> None:
    page = text_of(client.get(page_of(subscription, "cancel/")))
    assert "you get $63.33 of the fees paid in advance back" in page

    client.post(page_of(subscription, "cancel/"), {"at": "now", "reason": "Too dear"})

    row = CancellationRequest.objects.get()
    assert (row.reason, row.quote["net_minor"]) == ("Too dear", 6_333)


def test_cancel_page_promises_nothing_where_nothing_comes_back(
    client: Client, subscription: Subscription
) -> None:
    Plan.objects.filter(pk=subscription.plan_id).update(refund_policy="none")

    assert "paid in advance" not in text_of(client.get(page_of(subscription, "cancel/")))


def test_provider_sees_the_change_and_its_amount(subscription: Subscription) -> None:
    pro = make_offer(subscription, "150")
    change_plan(subscription=subscription, wish=ChangeWish(plan=pro), actor=ACTOR)
    provider = client_for(make_member("owner", organization=subscription.provider_organization))

    text = text_of(provider.get(f"/console/provider/subscribers/{subscription.public_id}/"))

    assert "Basic → Pro" in text
    assert "$33.33 before tax" in text


@pytest.mark.parametrize("count", [1, 3])
def test_number_of_queries_does_not_grow_with_plans(
    client: Client, subscription: Subscription, count: int, django_assert_num_queries: Any
) -> None:
    for number in range(1, count):
        make_offer(subscription, str(150 + number), name=f"Plan {number}")
    client.get(page_of(subscription, "plan/"))

    with django_assert_num_queries(11):
        client.get(page_of(subscription, "plan/"))
