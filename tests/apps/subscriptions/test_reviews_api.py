"""Reviews over REST."""

from __future__ import annotations

from typing import Any

import pytest

from apps.accounts.models import Membership
from apps.apis.enums import ApiStatus
from apps.subscriptions import services
from apps.subscriptions.models import Rating, Subscription
from tests.clients import api_client
from tests.factories.accounts import actor_of, make_member, make_staff
from tests.factories.direct import make_subscription_row
from tests.factories.reviews import make_review, make_subscriber, subscribe_to

pytestmark = pytest.mark.django_db


@pytest.fixture
def subscription() -> Subscription:
    return make_subscription_row()


@pytest.fixture
def subscriber(subscription: Subscription) -> Membership:
    return make_subscriber(subscription)


@pytest.fixture
def provider(subscription: Subscription) -> Membership:
    return make_member("developer", organization=subscription.provider_organization)


def listed(subscription: Subscription, tail: str = "") -> str:
    return f"/api/v1/marketplace/apis/{subscription.api.slug}/reviews{tail}"


def test_put_creates_then_edits(subscription: Subscription, subscriber: Membership) -> None:
    client, url = api_client(subscriber), listed(subscription, "/mine")

    assert client.get(url).status_code == 404
    first = client.put(url, {"stars": 5, "title": "Good"}, format="json")
    second = client.put(url, {"stars": 4}, format="json")

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"] == client.get(url).json()["id"]
    assert second.json()["author"] == subscription.consumer_organization.name
    assert client.delete(url).status_code == 204
    assert client.get(url).status_code == 404


def test_stranger_is_told_why_not(subscription: Subscription, provider: Membership) -> None:
    stranger = api_client(make_member()).put(
        listed(subscription, "/mine"), {"stars": 5}, format="json"
    )
    own = api_client(provider).put(listed(subscription, "/mine"), {"stars": 5}, format="json")

    assert (stranger.status_code, stranger.json()["code"]) == (403, "not_a_subscriber")
    assert (own.status_code, own.json()["code"]) == (403, "own_api_not_reviewable")
    assert not Rating.objects.exists()


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/stars"),
        ({"stars": 0}, "/stars"),
        ({"stars": 6}, "/stars"),
        ({"stars": 4.5}, "/stars"),
        ({"stars": 4, "title": "x" * 121}, "/title"),
        ({"stars": 4, "body": "x" * 4001}, "/body"),
    ],
)
def test_bad_input_names_its_field(
    subscription: Subscription, subscriber: Membership, body: Any, pointer: str
) -> None:
    answer = api_client(subscriber).put(listed(subscription, "/mine"), body, format="json")

    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def test_anybody_reads_the_list_sorted_in_pages(subscription: Subscription) -> None:
    for stars in (3, 5, 1):
        make_review(subscribe_to(subscription), stars=stars)
    url = listed(subscription)

    def stars_of(query: str) -> list[int]:
        return [row["stars"] for row in api_client().get(f"{url}?{query}").json()["data"]]

    assert stars_of("") == [1, 5, 3]
    assert stars_of("sort=oldest") == [3, 5, 1]
    assert stars_of("sort=highest") == [5, 3, 1]
    assert stars_of("sort=lowest") == [1, 3, 5]
    first = api_client().get(f"{url}?sort=highest&limit=2").json()
    rest = api_client().get(first["next"]).json()
    assert [row["stars"] for row in first["data"] + rest["data"]] == [5, 3, 1]


def test_summary_is_that_of_shown_reviews(subscription: Subscription) -> None:
    make_review(subscribe_to(subscription), stars=5)
    hidden = make_review(subscribe_to(subscription), stars=1)
    services.hide_review(rating=hidden, reason="spam", actor=actor_of(make_staff("operator")))

    summary = api_client().get(listed(subscription, "/summary")).json()

    assert (summary["average"], summary["count"]) == ("5.00", 1)
    assert summary["histogram"][0] == {"stars": 5, "count": 1}
    assert len(api_client().get(listed(subscription)).json()["data"]) == 1


def test_author_reads_why_a_review_is_hidden(
    subscription: Subscription, subscriber: Membership
) -> None:
    rating = make_review(subscription, stars=1)
    services.hide_review(rating=rating, reason="spam", actor=actor_of(make_staff("operator")))

    own = api_client(subscriber).get(listed(subscription, "/mine")).json()
    gone = api_client(subscriber).delete(listed(subscription, "/mine"))

    assert (own["is_hidden"], own["hidden_reason"]) == (True, "spam")
    assert (gone.status_code, gone.json()["code"]) == (409, "review_hidden")


def test_reviews_of_an_api_that_is_not_shown_do_not_exist(
    subscription: Subscription, subscriber: Membership
) -> None:
    make_review(subscription)
    subscription.api.status = ApiStatus.DRAFT
    subscription.api.save(update_fields=["status"])

    assert api_client().get(listed(subscription)).status_code == 404
    assert api_client().get(listed(subscription, "/summary")).status_code == 404
    assert api_client(make_member()).get(listed(subscription, "/mine")).status_code == 404
    assert api_client(subscriber).delete(listed(subscription, "/mine")).status_code == 204


def test_provider_reads_and_answers(subscription: Subscription, provider: Membership) -> None:
    rating = make_review(subscription)
    base = f"/api/v1/provider/apis/{subscription.api.public_id}/reviews"
    client = api_client(provider)

    answer = client.put(f"{base}/{rating.public_id}/reply", {"reply": "Thank you"}, format="json")

    assert answer.status_code == 200
    assert client.get(base).json()["data"][0]["reply"] == "Thank you"
    assert api_client().get(listed(subscription)).json()["data"][0]["reply"] == "Thank you"
    empty = client.put(f"{base}/{rating.public_id}/reply", {"reply": " "}, format="json")
    assert empty.json()["errors"][0]["pointer"] == "/reply"


def test_reviews_of_other_providers_do_not_exist(
    subscription: Subscription, provider: Membership
) -> None:
    rating, other = make_review(subscription), make_member()
    mine = make_subscription_row(provider=provider.organization)
    base = f"/api/v1/provider/apis/{subscription.api.public_id}/reviews"
    reply = f"{base}/{rating.public_id}/reply"

    assert api_client(other).get(base).status_code == 404
    assert api_client(other).put(reply, {"reply": "Hi"}, format="json").status_code == 404
    wrong = f"/api/v1/provider/apis/{mine.api.public_id}/reviews/{rating.public_id}/reply"
    assert api_client(provider).put(wrong, {"reply": "Hi"}, format="json").status_code == 404


def test_report_goes_to_the_queue_and_is_decided(subscription: Subscription) -> None:
    rating = make_review(subscription, body="Rude")
    report = api_client(make_member("viewer")).post(
        listed(subscription, f"/{rating.public_id}/report"), {"reason": "rude"}, format="json"
    )
    moderator = api_client(make_staff("approver"))
    base = f"/api/v1/admin/reviews/{rating.public_id}"

    queue = moderator.get("/api/v1/admin/reviews").json()["data"]
    unexplained = moderator.post(f"{base}/hide", {}, format="json")
    hidden = moderator.post(f"{base}/hide", {"reason": "rude"}, format="json")

    assert report.status_code == 201
    assert [(row["id"], row["open_reports"]) for row in queue] == [(rating.public_id, 1)]
    assert unexplained.json()["errors"][0]["pointer"] == "/reason"
    assert hidden.json()["is_hidden"]
    assert moderator.get("/api/v1/admin/reviews").json()["data"] == []
    assert len(moderator.get("/api/v1/admin/reviews?queue=hidden").json()["data"]) == 1
    assert not moderator.post(f"{base}/restore", {}, format="json").json()["is_hidden"]
    assert moderator.post(f"{base}/dismiss", {}, format="json").status_code == 409


@pytest.mark.parametrize("count", [1, 3])
def test_lists_take_the_same_queries_for_any_number(
    subscription: Subscription,
    provider: Membership,
    count: int,
    django_assert_num_queries: Any,
) -> None:
    for _ in range(count):
        rating = make_review(subscribe_to(subscription))
        services.report_review(rating=rating, reason="rude", actor=actor_of(provider))
    moderator = api_client(make_staff("approver"))

    with django_assert_num_queries(2):
        api_client().get(listed(subscription))
    with django_assert_num_queries(4):
        api_client(provider).get(f"/api/v1/provider/apis/{subscription.api.public_id}/reviews")
    with django_assert_num_queries(1):
        moderator.get("/api/v1/admin/reviews")
