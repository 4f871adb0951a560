"""Facts of listings, computed from plans, subscriptions, probes and calls; sitemap and head of public pages."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from apps.apis.models import Api, HealthDay
from apps.core import clock
from apps.portal.listing_facts import refresh_listing_facts
from apps.pricing.drafts import ComponentDraft, PriceDraft, TierDraft
from apps.pricing.enums import PriceModel
from apps.subscriptions.models import Subscription
from apps.usage.models import Meter, UsageWindow
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


def component(model: PriceModel, **fields: object) -> ComponentDraft:
    given = {"meter": "calls", "name": "Calls", "model": model, **fields}
    return ComponentDraft(**given)  # type: ignore[arg-type]  # fields by name


def tier(up_to: int | None, **prices: str) -> TierDraft:
    bound = None if up_to is None else Decimal(up_to)
    return TierDraft(up_to=bound, **{name: Decimal(text) for name, text in prices.items()})


FEE = component(PriceModel.FLAT, meter="base_fee", name="Fee", flat_fee=Decimal(9))
PER_UNIT = component(PriceModel.PER_UNIT, unit_price=Decimal("0.02"))
SHARE = component(PriceModel.PERCENTAGE, meter="sales", rate_percent=Decimal("1.5"))
LADDER = (tier(1000, unit_price="0"), tier(None, unit_price="0.03"))


@pytest.mark.parametrize(
    ("components", "price_from", "is_free"),
    [
        ((), "0", True),
        ((FEE,), "9", False),
        ((FEE, replace(FEE, meter="support", name="Support", flat_fee=Decimal(5))), "14", False),
        ((PER_UNIT,), "0.02", False),
        ((replace(PER_UNIT, free_units=Decimal(1000)),), "0.02", True),
        ((replace(PER_UNIT, free_units=Decimal(1000), min_spend=Decimal(3)),), "3", False),
        ((component(PriceModel.GRADUATED, tiers=LADDER),), "0.03", True),
        ((component(PriceModel.VOLUME, tiers=LADDER),), "0.03", True),
        ((component(PriceModel.VOLUME, tiers=(tier(None, unit_price="0.01", flat_fee="4"),)),), "4", False),
        ((component(PriceModel.PACKAGE, package_size=Decimal(100), package_price=Decimal(5)),), "0.05", False),
        ((SHARE,), None, False),
        ((replace(SHARE, fixed_fee=Decimal("0.30")),), "0.30", False),
        ((replace(SHARE, free_events=10, min_per_event=Decimal("0.50")),), "0.50", True),
        ((replace(SHARE, free_events=0, free_amount=Decimal(5)),), None, False),
        ((component(PriceModel.GRADUATED_PERCENTAGE, meter="sales", tiers=(tier(None, rate_percent="2"),)),), None, False),
        # The first call costs nothing, what it counts beside does.
        ((replace(PER_UNIT, unit_price=Decimal(0)), replace(PER_UNIT, meter="tokens")), "0.02", False),
    ],
)  # fmt: skip
def test_every_kind_of_price_says_from_where_it_begins(
    components: tuple[ComponentDraft, ...], price_from: str | None, *, is_free: bool
) -> None:
    with transaction.atomic():
        api = make_api("active")
    for key in ("sales", "tokens"):
        Meter.objects.create(
            organization=api.organization, api=api, key=key, name=key, source="property",
            property_name=key, aggregation="sum",
        )  # fmt: skip
    # A trial makes no free tier.
    make_plan(api, price=PriceDraft(currency="USD", components=components), trial_days=14)

    refresh_listing_facts()

    facts = Api.objects.select_related("facts").get(pk=api.pk).facts
    assert facts.price_from == (None if price_from is None else Decimal(price_from))
    assert facts.price_currency == ("" if price_from is None else "USD")
    assert facts.has_free_tier is is_free
    wanted = {item.model for item in components if item.flat_fee is None or item.flat_fee}
    assert set(facts.price_models) == wanted


def test_page_of_a_plan_without_a_fee_does_not_ask_for_nothing(client: Client) -> None:
    with transaction.atomic():
        api = make_api("active", slug="by-use")
    price = component(PriceModel.PACKAGE, package_size=Decimal(100), package_price=Decimal(5))
    make_plan(api, price=PriceDraft(currency="USD", components=(price,)), term_periods=12)

    page = client.get("/apis/by-use/").content.decode()

    assert "By use" in page
    assert "It is made for 12 billing periods; then another term follows." in page


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
