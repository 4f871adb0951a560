"""The usage pages of consumers and providers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.template.loader import render_to_string
from django.test import Client

from apps.accounts.models import Membership
from apps.core import clock
from apps.core.ids import uuid7
from apps.subscriptions.models import Subscription
from apps.subscriptions.selectors import quota_standing
from apps.usage.standing import subscription_usage, subscription_usages
from tests.clients import client_for
from tests.factories.accounts import make_member
from tests.factories.billing import make_calls, make_running_subscription
from tests.factories.direct import add_window, make_subscription_row

pytestmark = pytest.mark.django_db

USAGE = "/console/usage/"
PROVIDED = "/console/provider/usage/"


@pytest.fixture
def consumer() -> Membership:
    return make_member("owner")


@pytest.fixture
def provider() -> Membership:
    return make_member("owner")


@pytest.fixture
def subscription(consumer: Membership, provider: Membership) -> Subscription:
    return make_subscription_row(consumer=consumer.organization, provider=provider.organization)


def text_of(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def test_overview_answers_calls_and_cost(consumer: Membership) -> None:
    make_running_subscription(consumer=consumer.organization, calls=1500)

    text = text_of(client_for(consumer).get(USAGE))

    assert "1,500 calls" in text
    assert "Cost so far" in text
    assert "$15.00" in text
    assert "Expected cost" in text


def test_cost_is_for_those_who_read_bills(consumer: Membership) -> None:
    make_running_subscription(consumer=consumer.organization, calls=1500)
    viewer = make_member("viewer", organization=consumer.organization)

    text = text_of(client_for(viewer).get(USAGE))

    assert "1,500 calls" in text
    assert "$15.00" not in text


def test_empty_pages_teach_the_next_step(consumer: Membership) -> None:
    browser = client_for(consumer)
    assert "No subscriptions yet" in text_of(browser.get(USAGE))
    assert "No calls here" in text_of(browser.get(f"{USAGE}calls/"))
    assert "No APIs yet" in text_of(browser.get(PROVIDED))


@pytest.mark.parametrize("page", [(USAGE, 17), (f"{USAGE}calls/", 9), (PROVIDED, 10)])
@pytest.mark.parametrize("count", [1, 3])
def test_takes_the_same_queries_for_any_number(
    consumer: Membership, page: tuple[str, int], count: int, django_assert_num_queries: Any
) -> None:
    path, queries = page
    for number in range(count):
        subscription = make_running_subscription(consumer=consumer.organization)
        make_calls(subscription, clock.now() - timedelta(hours=number))
        make_subscription_row(provider=consumer.organization)
    browser = client_for(consumer)
    browser.get(path)

    with django_assert_num_queries(queries):
        assert browser.get(path).status_code == 200


@pytest.mark.parametrize("period", ["24h", "7d", "30d", "90d", "nonsense"])
def test_every_period_can_be_picked(consumer: Membership, period: str) -> None:
    browser = client_for(consumer)
    for path in (USAGE, f"{USAGE}calls/", PROVIDED):
        assert browser.get(path, {"period": period}).status_code == 200


def test_calls_are_filtered(consumer: Membership, subscription: Subscription) -> None:
    now = clock.now()
    make_calls(subscription, now, path="/v1/cities")
    make_calls(subscription, now, path="/v1/rivers", status=503)
    other = make_subscription_row(consumer=consumer.organization)
    make_calls(other, now, path="/v1/lakes")
    browser = client_for(consumer)

    def shown(**filters: str) -> set[str]:
        text = text_of(browser.get(f"{USAGE}calls/", filters))
        return {name for name in ("cities", "rivers", "lakes") if f"/v1/{name}" in text}

    assert shown() == {"cities", "rivers", "lakes"}
    assert shown(status="5") == {"rivers"}
    assert shown(q="lak") == {"lakes"}
    assert shown(source=subscription.public_id) == {"cities", "rivers"}
    assert shown(source="sub_wrong") == {"cities", "rivers", "lakes"}


def test_older_calls_follow_by_cursor(consumer: Membership, subscription: Subscription) -> None:
    now = clock.now()
    ids = make_calls(subscription, *(now - timedelta(seconds=step // 2) for step in range(60)))
    browser = client_for(consumer)

    first = browser.get(f"{USAGE}calls/")
    cursor = first.context["cursors"]["next"]
    second = browser.get(f"{USAGE}calls/", {"cursor": cursor})

    seen = [str(call.event_id) for page in (first, second) for call in page.context["calls"]]
    assert sorted(seen) == sorted(ids)
    assert second.context["cursors"]["next"] == ""
    assert browser.get(f"{USAGE}calls/", {"cursor": "x/y"}).status_code == 200


def test_single_call_is_shown_to_both_sides_only(
    consumer: Membership, provider: Membership, subscription: Subscription
) -> None:
    (event_id,) = make_calls(subscription, clock.now(), status=404)
    path = f"{USAGE}calls/{event_id}/"

    own = text_of(client_for(consumer).get(path))
    assert "Not billed" in own
    assert "404" in own
    assert consumer.organization.name in text_of(client_for(provider).get(path))
    assert client_for(make_member("owner")).get(path).status_code == 404
    assert client_for(consumer).get(f"{USAGE}calls/{uuid7()}/").status_code == 404


def test_provider_sees_calls_by_api_and_subscriber(
    consumer: Membership, provider: Membership, subscription: Subscription
) -> None:
    make_calls(subscription, clock.now(), path="/v1/cities")
    browser = client_for(provider)

    assert subscription.api.name in text_of(browser.get(PROVIDED))
    text = text_of(browser.get(f"{PROVIDED}{subscription.api.public_id}/"))
    assert consumer.organization.name in text
    assert "1 call" in text
    assert "/v1/cities" in text_of(browser.get(f"{PROVIDED}calls/"))


def test_other_providers_api_does_not_exist(
    consumer: Membership, subscription: Subscription
) -> None:
    answer = client_for(consumer).get(f"{PROVIDED}{subscription.api.public_id}/")
    assert answer.status_code == 404


class TestStanding:
    """Used, limit, reset, and the end at this pace."""

    def make(self, *, limit: int | None, calls: int) -> Subscription:
        began = clock.now() - timedelta(days=7)
        subscription = make_subscription_row(anchor=began, started_at=began)
        subscription.price_version.quota_calls = limit
        subscription.price_version.quota_kind = "hard"
        subscription.price_version.save()
        if calls:
            hour = clock.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
            add_window(subscription, at=hour, calls=calls)
        return subscription

    def test_windows_are_the_source_of_quotas(self) -> None:
        subscription = self.make(limit=1000, calls=700)
        assert quota_standing(subscription).used == 700

    def test_quota_that_lasts_has_no_end(self) -> None:
        usage = subscription_usage(self.make(limit=100_000, calls=700))
        assert (usage.calls_per_day, usage.exhausted_at) == (100, None)

    def test_quota_that_does_not_last_ends_at_this_pace(self) -> None:
        usage = subscription_usage(self.make(limit=1400, calls=700))
        assert usage.exhausted_at is not None
        left = usage.exhausted_at - clock.now()
        assert timedelta(days=6, hours=23) < left <= timedelta(days=7)

    def test_used_up_quota_says_so(self) -> None:
        usage = subscription_usage(self.make(limit=700, calls=700))
        text = render_to_string("usage/_subscription_usage.html", {"usage": usage})
        assert "calls are refused until it resets" in text

    @pytest.mark.parametrize("count", [1, 3])
    def test_many_take_three_queries(self, count: int, django_assert_num_queries: Any) -> None:
        rows = list(
            Subscription.objects.filter(
                pk__in=[self.make(limit=10, calls=5).pk for _number in range(count)]
            ).select_related("consumer_organization", "price_version")
        )
        with django_assert_num_queries(3):
            usages = subscription_usages(rows)
        assert {usage.quota.used for usage in usages.values()} == {5}


def test_stranger_is_sent_to_the_login() -> None:
    assert Client().get(USAGE).status_code == 302
