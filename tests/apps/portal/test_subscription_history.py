"""The history of a subscription as a table and a file: each side its own, page by page."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import Membership
from apps.subscriptions.models import Subscription, SubscriptionChange
from apps.subscriptions.services import ChangeWish, change_plan
from tests.factories.accounts import OrganizationFactory, actor_of, make_member
from tests.factories.plan_changes import APRIL, make_offer, make_paying, set_clock

pytestmark = pytest.mark.django_db

Connect = Callable[[Membership], Client]


@pytest.fixture
def member() -> Membership:
    return make_member(
        "developer", name="Mara Okafor", organization=OrganizationFactory(is_sandbox=True)
    )


@pytest.fixture
def subscription(member: Membership) -> Subscription:
    """100.00 a month since 1 April, changed to three units of a plan of 50.00 on the 11th."""
    made = make_paying("100", consumer=member.organization)
    set_clock(member.organization, APRIL.replace(day=11, hour=12))
    pro = make_offer(made, "50", plan={"max_quantity": 5})
    wish = ChangeWish(plan=pro, quantity=3)
    return change_plan(subscription=made, wish=wish, actor=actor_of(member))


def own(subscription: Subscription) -> str:
    return reverse("portal:subscription_history", args=[subscription.public_id])


def theirs(subscription: Subscription) -> str:
    return reverse("portal:subscriber_history", args=[subscription.public_id])


def text_of(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def rows_of(answer: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.content.decode())))


def test_subscriber_reads_from_what_to_what_for_how_much_by_whom(
    subscription: Subscription, member: Membership, client_for: Connect
) -> None:
    client = client_for(member)

    text = text_of(client.get(own(subscription)))
    page = client.get(reverse("portal:subscription", args=[subscription.public_id]))

    before, after = "Basic, version 1, × 1", "Pro, version 1, × 3"
    assert f"{before} {after} $33.33 Mara Okafor" in text
    assert own(subscription) in page.content.decode()


def test_provider_reads_the_same_without_who(
    subscription: Subscription, member: Membership, client_for: Connect
) -> None:
    client = client_for(make_member("developer", organization=subscription.provider_organization))

    answer = client.get(theirs(subscription))
    (row,) = rows_of(client.get(theirs(subscription), {"format": "csv"}))

    assert "Pro, version 1, × 3" in text_of(answer)
    assert "Mara" not in answer.content.decode()
    assert (row["by"], row["net_minor"], row["currency"]) == ("", "3333", "USD")
    assert (
        theirs(subscription)
        in client.get(
            reverse("portal:provider_subscriber", args=[subscription.public_id])
        ).content.decode()
    )


def test_file_holds_every_change_and_no_formula(
    subscription: Subscription, member: Membership, client_for: Connect
) -> None:
    SubscriptionChange.objects.bulk_create(
        SubscriptionChange(
            subscription=subscription,
            kind="paused",
            effective_at=APRIL,
            actor_label="Ada",
            reason='=HYPERLINK("http://x")',
        )
        for _number in range(30)
    )

    answer = client_for(member).get(own(subscription), {"format": "csv"})

    assert answer["Content-Type"].startswith("text/csv")
    assert f"history-{subscription.public_id}.csv" in answer["Content-Disposition"]
    rows = rows_of(answer)
    assert len(rows) == 31
    assert {row["reason"] for row in rows} == {"", '\'=HYPERLINK("http://x")'}
    second = text_of(client_for(member).get(own(subscription), {"page": "2"}))
    assert "26–31 of 31" in second


@pytest.mark.parametrize("count", [1, 3])
def test_table_takes_the_same_queries_for_one_and_three(
    count: int,
    subscription: Subscription,
    member: Membership,
    client_for: Connect,
    django_assert_num_queries: Any,
) -> None:
    row = subscription.changes.get()
    for _number in range(count - 1):
        row.pk = None
        row._state.adding = True
        row.save()
    client = client_for(member)
    client.get(own(subscription))

    with django_assert_num_queries(11):
        answer = client.get(own(subscription))

    assert text_of(answer).count("Pro, version 1, × 3") == count


def test_strangers_find_nothing(
    subscription: Subscription, member: Membership, client_for: Connect
) -> None:
    stranger = client_for(make_member("owner"))

    assert stranger.get(own(subscription)).status_code == 404
    assert stranger.get(theirs(subscription)).status_code == 404
    assert client_for(member).get(theirs(subscription)).status_code == 404
