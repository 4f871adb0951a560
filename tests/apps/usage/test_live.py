"""The last minutes: what is counted, who sees whose calls, how far behind, and at which cost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from apps.accounts.models import Membership
from apps.core import clock
from apps.core.clock import Period
from apps.core.ids import uuid7
from apps.subscriptions.models import Subscription
from apps.usage.models import ShipperState
from apps.usage.selectors import live
from apps.usage.selectors.live import live_calls_of_consumer, live_calls_of_everybody
from tests.clients import api_client, client_for
from tests.factories.accounts import actor_of, make_member, make_staff
from tests.factories.billing import make_calls
from tests.factories.direct import make_subscription_row

pytestmark = pytest.mark.django_db

PAGE = "/console/usage/live/"
PROVIDED = "/console/provider/usage/live/"
BACKOFFICE = "/backoffice/usage/usageevent/"


@pytest.fixture
def consumer() -> Membership:
    return make_member("owner")


@pytest.fixture
def provider() -> Membership:
    return make_member("owner")


@pytest.fixture
def subscription(consumer: Membership, provider: Membership) -> Subscription:
    return make_subscription_row(consumer=consumer.organization, provider=provider.organization)


def test_counts_per_ten_seconds_and_in_sum(
    consumer: Membership, subscription: Subscription
) -> None:
    now = clock.now()
    make_calls(subscription, *[now - timedelta(seconds=25)] * 3, latency_ms=10)
    make_calls(subscription, now - timedelta(seconds=25), status=503, latency_ms=100)
    make_calls(subscription, now - timedelta(minutes=6))

    found = live_calls_of_consumer(actor_of(consumer))

    assert (found.total.calls, found.total.errors, found.total.p95_ms) == (4, 1, 86)
    assert sum(step.calls for step in found.steps) == 4
    (busy,) = [step for step in found.steps if step.calls]
    assert busy.at <= now - timedelta(seconds=25) < busy.at + timedelta(seconds=10)
    assert busy.errors == 1
    assert len(found.steps) == 30
    assert [call.status for call in found.newest if call.status == 503] == [503]
    assert not found.is_cut


def test_each_side_sees_its_own_calls_and_the_operator_all(
    consumer: Membership, provider: Membership, subscription: Subscription
) -> None:
    make_calls(subscription, clock.now(), path="/v1/cities")
    make_calls(make_subscription_row(), clock.now(), path="/v1/lakes")

    def shown(who: Any, path: str) -> set[str]:
        answer = client_for(who).get(path)
        assert answer.status_code == 200
        text = answer.content.decode()
        return {name for name in ("cities", "lakes") if f"/v1/{name}" in text}

    assert shown(consumer, PAGE) == shown(consumer, f"{PAGE}now/") == {"cities"}
    assert shown(provider, PAGE) == set()
    assert shown(provider, PROVIDED) == shown(provider, f"{PROVIDED}now/") == {"cities"}
    assert shown(consumer, PROVIDED) == set()
    operator = make_staff("operator")
    assert (
        shown(operator, BACKOFFICE) == shown(operator, f"{BACKOFFICE}now/") == {"cities", "lakes"}
    )
    assert client_for(consumer).get(BACKOFFICE).status_code in {302, 403, 404}
    assert live_calls_of_everybody().total.calls == 2


def test_page_asks_for_itself_until_it_is_paused(consumer: Membership) -> None:
    browser = client_for(consumer)
    running = browser.get(PAGE).content.decode()
    paused = browser.get(PAGE, {"paused": "1"}).content.decode()

    assert f'hx-get="{PAGE}now/"' in running
    assert 'hx-trigger="every 3s"' in running
    assert "hx-trigger" not in paused.partition('id="live"')[2].partition("</section>")[0]
    assert "Go on" in paused
    assert "Paused at" in paused


def test_lag_is_said(consumer: Membership) -> None:
    browser = client_for(consumer)
    assert "As of now" in browser.get(PAGE).content.decode()
    now = clock.now()
    ShipperState.objects.create(
        node="edge-1", oldest_unshipped_at=now - timedelta(seconds=40), reported_at=now
    )
    assert "As of 40 s ago" in browser.get(PAGE).content.decode()
    body = api_client(consumer).get("/api/v1/usage/live").json()
    assert body["complete_until"] < body["as_of"]


def test_reads_the_newest_calls_only(
    consumer: Membership, subscription: Subscription, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MAX_CALLS", 2)
    now = clock.now()
    make_calls(subscription, *(now - timedelta(seconds=step) for step in (1, 20, 40)))
    found = live_calls_of_consumer(actor_of(consumer))
    assert found.total.calls == 2
    assert found.is_cut
    assert found.read_from > now - timedelta(seconds=30)


def test_sandbox_lives_in_its_own_time(settings: Settings) -> None:
    member = make_member("owner")
    member.organization.is_sandbox = True
    member.organization.clock_offset = timedelta(days=31)
    member.organization.save()
    row = make_subscription_row(consumer=member.organization)
    make_calls(row, clock.now())
    found = live_calls_of_consumer(actor_of(member))
    assert found.total.calls == 1
    assert found.period.end > clock.now() + timedelta(days=30)


def test_operators_view_asks_an_index(
    subscription: Subscription, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(4):
        found = live_calls_of_everybody()
    assert found.period == Period(found.period.start, found.period.start + live.SPAN)
    assert uuid7().int >> 80 >= int(found.period.start.timestamp() * 1000)


@pytest.mark.parametrize("count", [1, 3])
def test_rest_takes_the_same_queries_for_any_number(
    consumer: Membership, subscription: Subscription, count: int, django_assert_num_queries: Any
) -> None:
    make_calls(subscription, *[clock.now()] * count)
    rest = api_client(consumer)
    with django_assert_num_queries(5):
        body = rest.get("/api/v1/usage/live").json()
    assert body["total"]["calls"] == len(body["newest"]) == count


@pytest.mark.parametrize("count", [1, 3])
def test_page_takes_the_same_queries_for_any_number(
    consumer: Membership, subscription: Subscription, count: int, django_assert_num_queries: Any
) -> None:
    make_calls(subscription, *[clock.now()] * count)
    browser = client_for(consumer)
    with django_assert_num_queries(14):
        browser.get(f"{PAGE}now/")
