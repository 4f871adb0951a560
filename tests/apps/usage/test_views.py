"""The usage pages of consumers and providers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.template.loader import render_to_string
from django.test import Client

from apps.accounts.models import Membership
from apps.apis.enums import VersionStatus
from apps.apis.models import ApiVersion
from apps.core import clock
from apps.core.ids import uuid7
from apps.subscriptions.models import Subscription
from apps.subscriptions.selectors import quota_standing
from apps.usage.services import roll_up
from apps.usage.standing import subscription_usage, subscription_usages
from tests.clients import client_for
from tests.factories.accounts import make_member
from tests.factories.billing import make_calls, make_running_subscription
from tests.factories.direct import add_window, make_subscription_row
from tests.factories.keys import make_key
from tests.factories.usage import roll_up_windows

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
    roll_up_windows()

    text = text_of(client_for(consumer).get(USAGE))

    assert "1,500 calls" in text
    assert "Cost so far" in text
    assert "$15.00" in text
    assert "Expected cost" in text


def test_cost_is_for_those_who_read_bills(consumer: Membership) -> None:
    make_running_subscription(consumer=consumer.organization, calls=1500)
    roll_up_windows()
    viewer = make_member("viewer", organization=consumer.organization)

    text = text_of(client_for(viewer).get(USAGE))

    assert "1,500 calls" in text
    assert "$15.00" not in text


def test_empty_pages_teach_the_next_step(consumer: Membership) -> None:
    browser = client_for(consumer)
    assert "No subscriptions yet" in text_of(browser.get(USAGE))
    assert "No calls here" in text_of(browser.get(f"{USAGE}calls/"))
    assert "No APIs yet" in text_of(browser.get(PROVIDED))


def test_a_page_without_calls_has_one_empty_state_with_the_next_step(consumer: Membership) -> None:
    browser = client_for(consumer)
    subscription = make_running_subscription(consumer=consumer.organization)
    without_key = text_of(browser.get(USAGE))
    make_key(subscription)
    with_key = text_of(browser.get(USAGE))

    for page in (without_key, with_key):
        assert page.count('class="empty"') == 1
        assert "Nothing to show" not in page
    assert f"/console/subscriptions/{subscription.public_id}/keys/new/" in without_key
    assert f"/{subscription.api.slug}/" in with_key
    assert "$TOLLGATE_KEY" in with_key


@pytest.mark.parametrize("page", [(USAGE, 21), (f"{USAGE}calls/", 9), (PROVIDED, 14)])
@pytest.mark.parametrize("count", [1, 3])
def test_takes_the_same_queries_for_any_number(
    consumer: Membership, page: tuple[str, int], count: int, django_assert_num_queries: Any
) -> None:
    path, queries = page
    for number in range(count):
        subscription = make_running_subscription(consumer=consumer.organization)
        make_calls(subscription, clock.now() - timedelta(hours=number))
        provided = make_subscription_row(provider=consumer.organization)
        make_calls(provided, clock.now())
    roll_up()
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


def test_overview_says_how_calls_went_against_the_period_before(
    consumer: Membership, subscription: Subscription
) -> None:
    now = clock.now()
    make_calls(subscription, now, now, now, latency_ms=100.0, path="/v1/cities")
    make_calls(subscription, now, status=503, latency_ms=900.0)
    make_calls(subscription, now - timedelta(days=8), now - timedelta(days=8))
    roll_up()
    browser = client_for(consumer)

    text = text_of(browser.get(USAGE))
    for expected in ("4 calls", "more than the 2 of the period", "Other paths", "503 Service"):
        assert expected in text, expected
    narrowed = text_of(browser.get(USAGE, {"status": "503"}))
    assert "1 call" in narrowed
    assert "Status: 503" in narrowed
    assert browser.get(USAGE, {"status": "nonsense"}).context["found"].now.calls == 4


def test_tables_lead_to_single_calls() -> None:
    key = make_key().key
    subscription = key.subscription
    version = ApiVersion.objects.create(
        api=subscription.api, name="v1", status=VersionStatus.PUBLISHED
    )
    version.endpoints.create(method="GET", path="/v1/cities/{id}")
    now = clock.now()
    make_calls(subscription, now, path="/v1/cities/7", key_id=key.public_id)
    make_calls(subscription, now, path="/wp-login", status=404)
    make_calls(subscription, now - timedelta(days=9), path="/v1/cities/8")
    roll_up()
    consumer = make_member("owner", organization=subscription.consumer_organization)
    provider = make_member("owner", organization=subscription.provider_organization)

    for who, path in ((consumer, USAGE), (provider, PROVIDED)):
        browser = client_for(who)
        page = browser.get(path)
        for table in page.context["tables"]:
            for row in table.rows:
                if not row.calls_url:
                    continue
                listed = browser.get(row.calls_url).context["calls"]
                assert len(listed) == row.group.figures.calls, row.calls_url
                narrowed = browser.get(f"{path}{row.url}")
                assert narrowed.context["found"].now.calls == row.group.figures.calls, row.url
    day = now.date().isoformat()
    own = {"period": "custom", "from": day, "to": day, "endpoint": "GET /v1/cities/{id}"}
    assert [
        call.path for call in client_for(consumer).get(f"{USAGE}calls/", own).context["calls"]
    ] == ["/v1/cities/7"]


def test_pages_of_what_others_have_do_not_exist(subscription: Subscription) -> None:
    browser = client_for(make_member("owner"))
    for path in (USAGE, f"{USAGE}calls/", PROVIDED, f"{PROVIDED}calls/"):
        assert browser.get(path, {"api_id": subscription.api.public_id}).status_code == 404


def test_own_days_are_asked_for_and_refused(consumer: Membership) -> None:
    browser = client_for(consumer)

    assert "First day" in text_of(browser.get(USAGE, {"period": "custom"}))
    wrong = browser.get(USAGE, {"period": "custom", "from": "2026-02-02", "to": "2026-02-01"})
    assert "The last day is before the first." in text_of(wrong)


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
    roll_up()
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
