"""Pages of reviews, without scripts, as a browser posts them."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import Membership
from apps.subscriptions import services
from apps.subscriptions.models import Rating, RatingReport, Subscription
from tests.clients import client_for
from tests.factories.accounts import actor_of, make_member, make_staff
from tests.factories.direct import make_subscription_row
from tests.factories.reviews import make_review, make_subscriber, subscribe_to

pytestmark = pytest.mark.django_db

RECEIVED = "/console/provider/reviews/"


@pytest.fixture
def subscription() -> Subscription:
    return make_subscription_row()


@pytest.fixture
def subscriber(subscription: Subscription) -> Membership:
    return make_subscriber(subscription)


def page_of(subscription: Subscription, tail: str = "") -> str:
    return f"/apis/{subscription.api.slug}/{tail}"


def text_of(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def test_api_page_shows_average_histogram_and_reviews(
    client: Client, subscription: Subscription
) -> None:
    make_review(subscription, stars=5, title="Very <fast>", body="Answers in time.")
    make_review(subscribe_to(subscription), stars=2)

    text = text_of(client.get(page_of(subscription)))

    assert "3.5" in text
    assert "of 5 stars, from 2 reviews" in text
    assert "Very &lt;fast&gt;" in text
    assert "5 of 5 stars" in text
    assert "Write a review" not in text


def test_subscriber_writes_edits_and_deletes(
    subscription: Subscription, subscriber: Membership
) -> None:
    browser = client_for(subscriber)
    assert "Write a review" in text_of(browser.get(page_of(subscription)))
    assert browser.get(page_of(subscription, "review/")).status_code == 200

    browser.post(page_of(subscription, "review/"), {"stars": "4", "title": "Good"})
    rating = Rating.objects.get()
    assert (rating.stars, rating.title) == (4, "Good")
    form = text_of(browser.get(page_of(subscription, "review/")))
    assert 'value="Good"' in form
    browser.post(page_of(subscription, "review/"), {"stars": "3", "title": "Fair"})
    rating.refresh_from_db()
    assert (rating.stars, rating.title) == (3, "Fair")

    assert "Delete your review" in text_of(browser.get(page_of(subscription, "review/delete/")))
    browser.post(page_of(subscription, "review/delete/"))
    assert not Rating.objects.exists()


def test_form_names_what_is_missing(subscription: Subscription, subscriber: Membership) -> None:
    answer = client_for(subscriber).post(page_of(subscription, "review/"), {"title": "Good"})

    assert answer.status_code == 200
    assert "This field is required." in text_of(answer)
    assert 'value="Good"' in text_of(answer)


def test_others_get_no_form(subscription: Subscription) -> None:
    stranger = client_for(make_member())

    assert stranger.get(page_of(subscription, "review/")).status_code == 403
    assert "Write a review" not in text_of(stranger.get(page_of(subscription)))


def test_anybody_signed_in_reports(client: Client, subscription: Subscription) -> None:
    rating = make_review(subscription)
    url = page_of(subscription, f"reviews/{rating.public_id}/report/")

    assert client.get(url).status_code == 302
    browser = client_for(make_member("viewer"))
    assert "Report the review of" in text_of(browser.get(url))
    browser.post(url, {"reason": "rude"})
    assert RatingReport.objects.get().reason == "rude"


def test_all_reviews_sort_and_page(client: Client, subscription: Subscription) -> None:
    for stars in (2, 5, 3):
        make_review(subscribe_to(subscription), stars=stars, title=f"Title {stars}")

    text = text_of(client.get(page_of(subscription, "reviews/?sort=highest")))

    assert text.index("Title 5") < text.index("Title 3") < text.index("Title 2")
    hidden = client.get("/apis/nothing-here/reviews/")
    assert hidden.status_code == 404


def test_author_reads_that_the_review_is_hidden(
    client: Client, subscription: Subscription, subscriber: Membership
) -> None:
    rating = make_review(subscription, title="Secret words")
    services.hide_review(
        rating=rating, reason="names a person", actor=actor_of(make_staff("operator"))
    )

    assert "Secret words" not in text_of(client.get(page_of(subscription)))
    assert "names a person" in text_of(client_for(subscriber).get(page_of(subscription)))


def test_provider_replies(client: Client, subscription: Subscription) -> None:
    rating = make_review(subscription, title="Slow")
    browser = client_for(make_member("developer", organization=subscription.provider_organization))
    viewer = client_for(make_member("viewer", organization=subscription.provider_organization))
    reply = f"{RECEIVED}{rating.public_id}/reply/"

    assert "1 review has no reply." in text_of(browser.get(RECEIVED))
    assert reply not in text_of(viewer.get(RECEIVED))
    assert viewer.get(reply).status_code == 403
    assert browser.get(reply).status_code == 200
    browser.post(reply, {"reply": "It is faster now."})

    assert "It is faster now." in text_of(client.get(page_of(subscription)))
    assert "Slow" not in text_of(browser.get(f"{RECEIVED}?show=unanswered"))
    assert client_for(make_member()).get(reply).status_code == 404


@pytest.mark.parametrize("count", [1, 3])
def test_pages_take_the_same_queries_for_any_number(
    client: Client, subscription: Subscription, count: int, django_assert_num_queries: Any
) -> None:
    for _ in range(count):
        make_review(subscribe_to(subscription))
    browser = client_for(make_member(organization=subscription.provider_organization))
    browser.get(RECEIVED)

    with django_assert_num_queries(4):
        client.get(page_of(subscription, "reviews/"))
    with django_assert_num_queries(9):
        browser.get(RECEIVED)
