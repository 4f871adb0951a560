"""The provider's overview: its numbers are those of the stored rows, on the page, over REST and in the export."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import Sum

from apps.accounts.models import Membership
from apps.apis.enums import ApiStatus, CircuitState
from apps.apis.models import UpstreamHealth
from apps.billing.enums import EarningStatus
from apps.billing.models import Earning
from apps.core import clock
from apps.subscriptions.enums import SubscriptionStatus
from apps.subscriptions.models import Subscription
from apps.usage.models import UsageWindow
from apps.usage.services import roll_up
from tests.clients import api_client, client_for
from tests.factories.accounts import OrganizationFactory, make_member
from tests.factories.billing import make_calls, make_paid_invoice
from tests.factories.direct import add_window, make_subscription_row
from tests.factories.reviews import make_review, subscribe_to

pytestmark = pytest.mark.django_db

PAGE = "/console/provider/"
FILE = "/console/provider/overview.csv"
REST = "/api/v1/provider/analytics"


@pytest.fixture
def provider() -> Membership:
    return make_member("owner")


@pytest.fixture
def subscription(provider: Membership) -> Subscription:
    return make_subscription_row(provider=provider.organization)


def text_of(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def figures(who: Membership, **query: str) -> Any:
    answer = api_client(who).get(REST, query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def earn(
    provider: Membership, *, days_ago: int = 0, consumer: Any = None, **fields: Any
) -> Earning:
    """Have an invoice paid so many days ago; the provider earns its share."""
    consumer = consumer or OrganizationFactory()
    invoice = make_paid_invoice(consumer=consumer, provider=provider.organization)
    rows = Earning.objects.filter(line__invoice=invoice)
    rows.update(created_at=clock.now() - timedelta(days=days_ago), **fields)
    return rows.earliest("id")


def minor(revenue: list[Any], name: str = "net") -> int:
    return sum(row[name]["amount_minor"] for row in revenue)


def test_totals_are_the_sums_of_the_stored_rows(
    provider: Membership, subscription: Subscription
) -> None:
    now = clock.now()
    other = make_subscription_row()  # somebody else's API
    for number in range(3):
        at = now.replace(minute=0, second=0, microsecond=0) - timedelta(days=number)
        add_window(subscription, at=at, calls=100 + number)
        add_window(other, at=at, calls=7)
    earn(provider)
    earn(provider, days_ago=2)
    earn(make_member())

    body = figures(provider, period="7d")

    stored = UsageWindow.objects.filter(
        provider_organization=provider.organization,
        window_start__gte=body["period"]["start"],
        window_start__lt=body["period"]["end"],
    ).aggregate(calls=Sum("event_count"))
    earned = Earning.objects.filter(provider_organization=provider.organization).aggregate(
        gross=Sum("gross_minor"), fee=Sum("fee_minor"), net=Sum("net_minor")
    )
    totals = body["totals"]
    assert totals["calls"] == stored["calls"] == 303
    assert sum(step["calls"] for step in body["series"]) == 303
    for name in ("gross", "fee", "net"):
        assert minor(totals["revenue"], name) == earned[name]
    assert sum(minor(step["revenue"]) for step in body["series"]) == earned["net"]
    assert sum(minor(row["revenue"]) for row in body["apis"]) == earned["net"]
    assert sum(row["calls"] for row in body["apis"]) == 303


def test_sandbox_and_taken_back_earnings_are_no_revenue(provider: Membership) -> None:
    kept = earn(provider)
    sandbox = earn(provider, is_sandbox=True)
    earn(provider, status=EarningStatus.CLAWED_BACK)

    body = figures(provider)

    rows = Earning.objects.filter(line__invoice_id=kept.line.invoice_id)
    assert minor(body["totals"]["revenue"]) == sum(row.net_minor for row in rows)
    sandboxed = Earning.objects.filter(line__invoice_id=sandbox.line.invoice_id)
    assert minor(body["sandbox_revenue"]) == sum(row.net_minor for row in sandboxed)
    assert "Sandbox accounts paid another" in text_of(client_for(provider).get(PAGE))


def test_period_before_is_told_apart(provider: Membership, subscription: Subscription) -> None:
    hour = clock.now().replace(minute=0, second=0, microsecond=0)
    add_window(subscription, at=hour, calls=5)
    add_window(subscription, at=hour - timedelta(days=8), calls=3)
    Subscription.objects.filter(pk=subscription.pk).update(started_at=hour - timedelta(days=1))
    earn(provider, days_ago=8)

    body = figures(provider, period="7d")

    assert (body["totals"]["calls"], body["previous_totals"]["calls"]) == (5, 3)
    assert body["totals"]["revenue"] == []
    assert minor(body["previous_totals"]["revenue"]) > 0
    assert body["previous_period"]["end"] == body["period"]["start"]
    # The paid invoice's own subscription has run since long before.
    assert (body["totals"]["subscribers"], body["previous_totals"]["subscribers"]) == (2, 1)


def test_latency_and_status_classes_come_from_calls(
    provider: Membership, subscription: Subscription
) -> None:
    now = clock.now()
    for latency, status in ((10, 200), (20, 404), (30, 503), (400, 500)):
        make_calls(subscription, now, latency_ms=float(latency), status=status)
    roll_up()

    body = figures(provider, period="24h")

    latency = body["totals"]["latency"]
    # The nearest of the calls' own latencies, within 2.5 percent.
    assert latency["p50_ms"] == pytest.approx(20, abs=1)
    assert latency["p95_ms"] == pytest.approx(400, rel=0.025)
    assert sum(step["errors_4xx"] for step in body["series"]) == 1
    assert sum(step["errors_5xx"] for step in body["series"]) == 2
    assert body["totals"]["errors"] == 3


def test_long_periods_know_latency_and_classes_too(
    provider: Membership, subscription: Subscription
) -> None:
    second = make_subscription_row(provider=provider.organization)
    make_calls(subscription, clock.now(), status=500, latency_ms=100.0)
    make_calls(second, clock.now(), status=404, latency_ms=10.0)
    roll_up()

    body = figures(provider, period="30d")
    narrowed = figures(provider, period="30d", api_id=second.api.public_id)

    assert body["totals"]["latency"]["period"] == body["period"]
    assert body["totals"]["latency"]["p95_ms"] == pytest.approx(100, rel=0.025)
    assert body["previous_totals"]["latency"]["p95_ms"] is None
    last = body["series"][-1]
    assert (last["errors"], last["errors_4xx"], last["errors_5xx"]) == (2, 1, 1)
    last = narrowed["series"][-1]
    assert (last["errors"], last["errors_4xx"], last["errors_5xx"]) == (1, 1, 0)


def test_narrows_to_one_api(provider: Membership, subscription: Subscription) -> None:
    hour = clock.now().replace(minute=0, second=0, microsecond=0)
    second = make_subscription_row(provider=provider.organization)
    add_window(subscription, at=hour, calls=5)
    add_window(second, at=hour, calls=11)
    earn(provider)

    body = figures(provider, api_id=second.api.public_id)

    assert (body["api"], body["totals"]["calls"]) == (second.api.public_id, 11)
    assert body["totals"]["revenue"] == []
    page = text_of(client_for(provider).get(PAGE, {"api": second.api.public_id}))
    assert f"<h1>{second.api.name}</h1>" in page
    assert "11 calls" in page


def test_api_of_others_does_not_exist(provider: Membership) -> None:
    theirs = make_subscription_row().api.public_id

    assert api_client(provider).get(REST, {"api_id": theirs}).status_code == 404
    assert client_for(provider).get(PAGE, {"api": theirs}).status_code == 404
    assert client_for(provider).get(FILE, {"api": theirs}).status_code == 404


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"period": "1y"}, "/period"),
        ({"period": "custom"}, "/from"),
        ({"period": "custom", "from": "2026-01-01"}, "/to"),
        ({"period": "custom", "from": "01.02.2026", "to": "2026-02-02"}, "/from"),
        ({"period": "custom", "from": "2026-02-02", "to": "2026-02-01"}, "/to"),
        ({"period": "custom", "from": "2024-01-01", "to": "2026-02-01"}, "/to"),
        ({"period": "custom", "from": "9000-01-01", "to": "9000-02-01"}, "/from"),
        ({"period": "custom", "from": "0001-01-01", "to": "0001-01-02"}, "/from"),
    ],
)
def test_bad_period_names_its_field(provider: Membership, query: Any, field: str) -> None:
    answer = api_client(provider).get(REST, query)

    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.json()["errors"]] == [field]
    assert client_for(provider).get(PAGE, query).status_code == 200
    assert client_for(provider).get(FILE, query).status_code == 400


def test_own_days_without_days_asks_for_them(provider: Membership) -> None:
    page = text_of(client_for(provider).get(PAGE, {"period": "custom"}))
    wrong = text_of(client_for(provider).get(PAGE, {"period": "custom", "from": "yesterday"}))

    assert "First day" in page
    assert "Write a day as YYYY-MM-DD." not in page
    assert "Write a day as YYYY-MM-DD." in wrong


def test_own_days_are_local_and_include_the_last(
    provider: Membership, subscription: Subscription
) -> None:
    provider.organization.timezone = "America/New_York"
    provider.organization.save(update_fields=["timezone"])

    query = {"period": "custom", "from": "2026-03-07", "to": "2026-03-09"}
    body = figures(provider, **query)

    assert body["period"] == {"start": "2026-03-07T05:00:00Z", "end": "2026-03-10T04:00:00Z"}
    assert body["previous_period"]["start"] == "2026-03-04T05:00:00Z"
    assert len(body["series"]) == 3
    page = client_for(provider).get(PAGE, query).content.decode()
    assert 'value="2026-03-07"' in page
    assert 'value="2026-03-09"' in page


def test_revenue_is_for_those_who_read_earnings(provider: Membership) -> None:
    earn(provider)
    viewer = make_member("viewer", organization=provider.organization)

    assert figures(viewer)["totals"]["revenue"] == []
    assert "Net revenue" not in text_of(client_for(viewer).get(PAGE))
    assert "gross" not in client_for(viewer).get(FILE).content.decode()
    assert "Net revenue" in text_of(client_for(provider).get(PAGE))


def test_export_holds_the_series(provider: Membership, subscription: Subscription) -> None:
    hour = clock.now().replace(minute=0, second=0, microsecond=0)
    add_window(subscription, at=hour, calls=5)
    earn(provider)

    answer = client_for(provider).get(FILE)
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))

    assert answer["Content-Type"].startswith("text/csv")
    assert "attachment" in answer["Content-Disposition"]
    assert len(rows) == 7
    assert sum(int(row["calls"]) for row in rows) == 5
    net = Earning.objects.aggregate(net=Sum("net_minor"))["net"]
    assert sum(int(row["net_minor_USD"]) for row in rows) == net


def test_tells_what_waits(provider: Membership, subscription: Subscription) -> None:
    make_review(subscription)
    subscribe_to(subscription, status=SubscriptionStatus.PENDING_APPROVAL, started_at=None)
    UpstreamHealth.objects.create(api=subscription.api, circuit=CircuitState.OPEN)
    failed = make_subscription_row(provider=provider.organization).api
    failed.status = ApiStatus.FAILED
    failed.save(update_fields=["status"])

    page = text_of(client_for(provider).get(PAGE))

    assert "1 review has no reply." in page
    assert "1 subscription waits for your decision." in page
    assert f"The upstream of {subscription.api.name} does not answer" in page
    assert f"{failed.name} could not be registered" in page


def test_empty_page_teaches_the_next_step(provider: Membership) -> None:
    page = text_of(client_for(provider).get(PAGE))

    assert "Offer an API" in page
    assert "Nothing to show for this period." not in page


@pytest.mark.parametrize("count", [1, 3])
def test_takes_the_same_queries_for_any_number_of_apis(
    provider: Membership, count: int, django_assert_num_queries: Any
) -> None:
    for _ in range(count):
        subscription = make_subscription_row(provider=provider.organization)
        make_calls(subscription, clock.now(), status=500)
        make_review(subscription)
        earn(provider)
    browser, client = client_for(provider), api_client(provider)
    browser.get(PAGE)

    with django_assert_num_queries(22):
        browser.get(PAGE)
    with django_assert_num_queries(13):
        client.get(REST)
