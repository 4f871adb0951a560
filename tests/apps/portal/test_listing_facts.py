"""Facts of listings, computed from plans, subscriptions, probes and calls; sitemap and head of public pages."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from apps.apis.models import Api, HealthDay
from apps.core import clock
from apps.portal.listing_facts import refresh_listing_facts
from apps.subscriptions.models import Subscription
from apps.usage.models import UsageWindow
from tests.factories.apis import make_api
from tests.factories.pricing import make_plan
from tests.factories.subscriptions import make_subscription

pytestmark = pytest.mark.django_db


def window(subscription: Subscription, days_ago: int, calls: int) -> None:
    start = clock.now() - timedelta(days=days_ago)
    UsageWindow.objects.create(
        consumer_organization=subscription.consumer_organization,
        provider_organization=subscription.provider_organization,
        subscription=subscription,
        api_id=subscription.api_id,
        meter="calls",
        window_start=start,
        window_end=start + timedelta(hours=1),
        quantity=calls,
        event_count=calls,
    )


def test_facts_come_from_what_really_happened() -> None:
    plan = make_plan()
    subscription = make_subscription(plan=plan)
    window(subscription, 1, 300)
    window(subscription, 8, 100)
    window(subscription, 20, 5000)
    today = clock.now().date()
    HealthDay.objects.create(
        api=plan.api, day=today, check_count=4, healthy_count=3, latency_p50_ms=80
    )

    refresh_listing_facts()

    facts = Api.objects.select_related("facts").get(pk=plan.api_id).facts
    assert (facts.calls_7d, facts.calls_previous_7d, facts.trend) == (300, 100, Decimal(1))
    assert facts.subscriber_count == 1
    assert (facts.uptime_30d, facts.latency_p50_ms) == (Decimal(75), 80)
    assert (facts.price_from, facts.price_currency) == (Decimal(9), "USD")
    assert facts.price_models == ["flat", "graduated"]
    assert facts.has_free_tier is False
    assert facts.refreshed_at is not None


def test_ratings_stay_when_facts_are_computed_anew() -> None:
    api = make_api()
    Api.objects.get(pk=api.pk).facts.__class__.objects.filter(pk=api.pk).update(
        rating_average=Decimal("4.5"), rating_count=2
    )

    refresh_listing_facts(api_ids=[api.pk])

    assert Api.objects.get(pk=api.pk).facts.rating_count == 2


@pytest.mark.parametrize("item_count", [1, 3])
def test_facts_need_the_same_queries_for_any_number_of_listings(
    item_count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(item_count):
        make_plan()

    with django_assert_num_queries(3):  # the statement between the ends of its transaction
        assert refresh_listing_facts() == item_count


def test_sitemap_names_listed_apis_only(client: Client) -> None:
    make_api("active", slug="shown-api")
    make_api("active", slug="secret-api", visibility="private")
    make_api("active", slug="quiet-api", visibility="unlisted")
    make_api("draft", slug="draft-api")

    index = client.get("/sitemap.xml").content.decode()
    text = client.get("/sitemap-apis-1.xml").content.decode()

    assert "http://localhost:8000/sitemap-apis-1.xml" in index
    assert "http://localhost:8000/apis/shown-api/</loc>" in text
    assert "/apis/categories/" in client.get("/sitemap-pages.xml").content.decode()
    for slug in ("secret-api", "quiet-api", "draft-api"):
        assert slug not in text
    assert client.get("/sitemap-apis-2.xml").status_code == 404
    assert client.get("/sitemap-else.xml").status_code == 404


def test_robots_show_the_sitemap(client: Client) -> None:
    text = client.get("/robots.txt").content.decode()

    assert "Disallow: /console/" in text
    assert "Sitemap: http://localhost:8000/sitemap.xml" in text


def test_head_of_a_listed_api_describes_it(client: Client) -> None:
    make_api("active", slug="weather", name='Weather </script>"', short_description="All & more")

    text = client.get("/apis/weather/").content.decode()

    assert '<link rel="canonical" href="http://localhost:8000/apis/weather/">' in text
    assert 'property="og:description" content="All &amp; more"' in text
    assert '"@type": "WebAPI"' in text
    assert "Weather \\u003C/script\\u003E" in text


def test_head_of_an_unlisted_api_tells_nothing(client: Client) -> None:
    make_api("active", slug="weather", visibility="unlisted")

    text = client.get("/apis/weather/").content.decode()

    assert '<meta name="robots" content="noindex">' in text
    assert "og:title" not in text
    assert "ld+json" not in text
