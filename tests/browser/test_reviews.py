"""Reviews and the provider's overview in a browser: three looks, the keyboard, no serious violation."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from apps.billing.models import Earning
from apps.core import clock
from apps.subscriptions.models import Rating, Subscription
from apps.subscriptions.services import reply_to_review
from tests.browser.conftest import LOOKS, Look, visit, watched
from tests.browser.test_catalogue import look_at, sign_in
from tests.factories.accounts import OrganizationFactory, actor_of, make_member
from tests.factories.billing import make_calls, make_paid_invoice
from tests.factories.direct import make_subscription_row
from tests.factories.reviews import make_review, make_subscriber, subscribe_to

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def subscription() -> Subscription:
    subscription = make_subscription_row()
    subscription.api.name = "City weather"
    subscription.api.short_description = "Forecasts for every city, hour by hour."
    subscription.api.save(update_fields=["name", "short_description"])
    return subscription


def review_it(subscription: Subscription) -> None:
    words = [
        (5, "Right every time", "We compared a month of forecasts with our own stations."),
        (4, "", "Fast, and the documentation says what it should."),
        (2, "Slow at night", "Between two and four the answers took seconds."),
    ]
    for stars, title, body in words:
        rating = make_review(subscribe_to(subscription), stars=stars, title=title, body=body)
    provider = make_member(organization=subscription.provider_organization)
    text = "We moved the nightly import; please try again."
    reply_to_review(rating=rating, text=text, actor=actor_of(provider))


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_reviews_of_an_api(
    look: Look,
    subscription: Subscription,
    open_context: Callable[..., BrowserContext],
    find_violations: Callable[[Page], list[str]],
    artifacts: Path,
    live_server: Any,
) -> None:
    review_it(subscription)
    context = open_context(look)
    sign_in(context, make_subscriber(subscription), live_server.url)
    page = watched(context.new_page())

    for name, tail in (("api-reviews", ""), ("reviews", "reviews/"), ("review", "review/")):
        path = f"/apis/{subscription.api.slug}/{tail}"
        look_at(page, path, name, look, artifacts, find_violations)


def test_stars_are_chosen_by_keyboard(
    subscription: Subscription, open_context: Callable[..., BrowserContext], live_server: Any
) -> None:
    context = open_context()
    sign_in(context, make_subscriber(subscription), live_server.url)
    page = watched(context.new_page())
    visit(page, f"/apis/{subscription.api.slug}/review/")

    page.get_by_role("radio", name="1 star: unusable").focus()
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.type("Good")
    page.keyboard.press("Enter")
    page.wait_for_url("**/#reviews")

    assert page.get_by_text("Your review is saved.").is_visible()
    rating = Rating.objects.get()
    assert (rating.stars, rating.title) == (4, "Good")


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_overview_of_a_provider(
    look: Look,
    subscription: Subscription,
    open_context: Callable[..., BrowserContext],
    find_violations: Callable[[Page], list[str]],
    artifacts: Path,
    live_server: Any,
) -> None:
    now, provider = clock.now(), subscription.provider_organization
    review_it(subscription)
    for age in range(6):
        at = now - timedelta(days=age)
        make_calls(subscription, *[at] * (6 + age), latency_ms=40.0 + age)
        make_calls(subscription, *[at] * (1 + age % 3), status=404)
        make_calls(subscription, at, status=502, latency_ms=900.0)
        invoice = make_paid_invoice(consumer=OrganizationFactory(), provider=provider)
        Earning.objects.filter(line__invoice=invoice).update(created_at=at)
    context = open_context(look)
    sign_in(context, make_member("owner", provider), live_server.url)
    page = watched(context.new_page())

    for name, path in (
        ("received-reviews", "/console/provider/reviews/"),
        ("overview", "/console/provider/"),
        ("overview-own-days", "/console/provider/?period=custom"),
    ):
        look_at(page, path, name, look, artifacts, find_violations)
