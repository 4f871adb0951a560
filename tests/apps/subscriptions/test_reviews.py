"""Who may review an API, what counts, and who is told."""

from __future__ import annotations

import threading
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from apps.accounts.models import User
from apps.apis.models import ListingFacts
from apps.core import clock
from apps.core.actors import Actor
from apps.core.exceptions import DomainError, Forbidden, NotFound, RuleViolated
from apps.core.models import AuditEvent
from apps.core.relay import drain_until_empty
from apps.notifications.kinds import find_kind
from apps.notifications.models import Notification
from apps.subscriptions import services
from apps.subscriptions.enums import SubscriptionStatus
from apps.subscriptions.exceptions import (
    NotASubscriber,
    OwnApiNotReviewable,
    ReviewIsHidden,
    ReviewNotHidden,
    ReviewNotReported,
    SandboxCannotReview,
)
from apps.subscriptions.models import Rating, Subscription
from apps.subscriptions.selectors import rating_summary
from tests.factories.accounts import OrganizationFactory, actor_of, make_member, make_staff
from tests.factories.direct import make_subscription_row
from tests.factories.reviews import make_review, make_subscriber, subscribe_to

pytestmark = pytest.mark.django_db
STAFF = Actor.system("moderator")


@pytest.fixture
def subscription() -> Subscription:
    return make_subscription_row()


def facts(subscription: Subscription) -> tuple[Decimal | None, int]:
    row = ListingFacts.objects.get(api_id=subscription.api_id)
    return row.rating_average, row.rating_count


def give(subscription: Subscription, stars: int, **words: str) -> services.SavedReview:
    actor = actor_of(make_subscriber(subscription))
    return services.save_review(
        api=subscription.api, opinion=services.Opinion(stars, **words), actor=actor
    )


def actions(rating: Rating) -> list[str]:
    rows = AuditEvent.objects.filter(target_id=rating.pk).order_by("occurred_at", "id")
    return [row.action.removeprefix("subscriptions:review:") for row in rows]


def told(user: User) -> list[str]:
    drain_until_empty()
    rows = Notification.objects.filter(user=user).order_by("created_at")
    return [find_kind(row.kind).title_for(row.context) for row in rows]


def test_rating_of_subscriber_counts(subscription: Subscription) -> None:
    saved = give(subscription, 5, title=" Fast ", body="And right.")

    assert saved.is_new
    assert (saved.rating.stars, saved.rating.title) == (5, "Fast")
    assert facts(subscription) == (Decimal("5.00"), 1)
    assert actions(saved.rating) == ["given"]


def test_second_rating_of_an_organization_edits_the_first(subscription: Subscription) -> None:
    first = give(subscription, 5)
    second = give(subscription, 2, body="It broke.")

    assert not second.is_new
    assert second.rating.pk == first.rating.pk
    assert second.rating.edited_at is not None
    assert facts(subscription) == (Decimal("2.00"), 1)
    assert actions(first.rating) == ["given", "edited"]
    edit = AuditEvent.objects.get(action="subscriptions:review:edited")
    assert (edit.before["stars"], edit.after["stars"]) == (5, 2)


def test_same_words_again_change_nothing(subscription: Subscription) -> None:
    rating = give(subscription, 3).rating
    give(subscription, 3)

    rating.refresh_from_db()
    assert rating.edited_at is None
    assert actions(rating) == ["given"]


def test_average_and_histogram_come_from_the_rows(subscription: Subscription) -> None:
    for stars in (5, 4, 4):
        make_review(subscribe_to(subscription), stars=stars)

    summary = rating_summary(subscription.api_id)

    assert facts(subscription) == (Decimal("4.33"), 3)
    assert (summary.average, summary.count) == (Decimal("4.33"), 3)
    assert summary.histogram == {1: 0, 2: 0, 3: 0, 4: 2, 5: 1}


@pytest.mark.parametrize("status", [SubscriptionStatus.CANCELLED, SubscriptionStatus.PAUSED])
def test_former_subscriber_may_review(status: str) -> None:
    assert give(make_subscription_row(status=status), 1).is_new


def refusals() -> list[tuple[str, type[DomainError]]]:
    return [
        ("stranger", NotASubscriber),
        ("waiting", NotASubscriber),
        ("own", OwnApiNotReviewable),
        ("sandbox", SandboxCannotReview),
    ]


@pytest.mark.parametrize(("who", "refusal"), refusals())
def test_others_may_not_review(who: str, refusal: type[DomainError]) -> None:
    provider = OrganizationFactory()
    consumers = {
        "stranger": OrganizationFactory(),
        "own": provider,
        "sandbox": OrganizationFactory(is_sandbox=True),
    }
    started = None if who == "waiting" else clock.now()
    consumer = consumers.get(who) if who != "stranger" else None
    row = make_subscription_row(consumer=consumer, provider=provider, started_at=started)
    member = make_member(
        organization=consumers["stranger"] if who == "stranger" else row.consumer_organization
    )

    with pytest.raises(refusal):
        services.save_review(api=row.api, opinion=services.Opinion(5), actor=actor_of(member))

    assert not Rating.objects.exists()


@pytest.mark.parametrize(
    ("opinion", "field"),
    [
        (services.Opinion(0), "stars"),
        (services.Opinion(6), "stars"),
        (services.Opinion(3, title="x" * 121), "title"),
        (services.Opinion(3, body="x" * 4001), "body"),
    ],
)
def test_bad_opinion_names_its_field(
    subscription: Subscription, opinion: services.Opinion, field: str
) -> None:
    actor = actor_of(make_subscriber(subscription))

    with pytest.raises(RuleViolated) as refusal:
        services.save_review(api=subscription.api, opinion=opinion, actor=actor)

    assert refusal.value.field == field
    assert not Rating.objects.exists()


def test_deleted_rating_is_forgotten_by_the_average(subscription: Subscription) -> None:
    rating = give(subscription, 5).rating
    services.delete_review(api=subscription.api, actor=actor_of(make_subscriber(subscription)))

    assert facts(subscription) == (None, 0)
    assert actions(rating) == ["given", "deleted"]
    with pytest.raises(NotFound):
        services.delete_review(api=subscription.api, actor=actor_of(make_subscriber(subscription)))


def test_hidden_rating_does_not_count_until_restored(subscription: Subscription) -> None:
    rating = give(subscription, 1).rating
    make_review(subscribe_to(subscription), stars=5)

    services.hide_review(rating=rating, reason="spam", actor=STAFF)
    assert facts(subscription) == (Decimal("5.00"), 1)

    give(subscription, 2)  # an edit does not bring it back
    assert facts(subscription) == (Decimal("5.00"), 1)

    services.restore_review(rating=rating, actor=STAFF)
    assert facts(subscription) == (Decimal("3.50"), 2)
    assert actions(rating) == ["given", "hidden", "edited", "restored"]


def test_hidden_review_stays_as_the_record_of_the_decision(subscription: Subscription) -> None:
    rating = give(subscription, 1).rating
    services.hide_review(rating=rating, reason="spam", actor=STAFF)

    with pytest.raises(ReviewIsHidden):
        services.delete_review(api=subscription.api, actor=actor_of(make_subscriber(subscription)))
    with pytest.raises(ReviewIsHidden):
        services.hide_review(rating=rating, reason="spam", actor=STAFF)
    with pytest.raises(ReviewIsHidden):
        services.reply_to_review(rating=rating, text="Sorry", actor=STAFF)


def test_moderation_says_why(subscription: Subscription) -> None:
    rating = give(subscription, 1).rating

    with pytest.raises(RuleViolated) as refusal:
        services.hide_review(rating=rating, reason="  ", actor=STAFF)

    assert refusal.value.field == "reason"
    with pytest.raises(ReviewNotHidden):
        services.restore_review(rating=rating, actor=STAFF)
    assert actions(rating) == ["given"]


def test_report_waits_once_per_person_until_dealt_with(subscription: Subscription) -> None:
    rating = give(subscription, 1).rating
    reporter = actor_of(make_member())

    services.report_review(rating=rating, reason="rude", actor=reporter)
    services.report_review(rating=rating, reason="very rude", actor=reporter)
    assert [report.reason for report in rating.reports.all()] == ["very rude"]

    services.dismiss_reports(rating=rating, actor=STAFF)
    services.report_review(rating=rating, reason="still rude", actor=reporter)
    with pytest.raises(ReviewNotReported):
        services.dismiss_reports(rating=rating, actor=STAFF)
    assert actions(rating) == ["given", "reported", "reports_dismissed"]
    with pytest.raises(Forbidden):
        services.report_review(rating=rating, reason="rude", actor=Actor.anonymous())


def test_both_sides_are_told_once(subscription: Subscription) -> None:
    provider = make_member(organization=subscription.provider_organization).user
    author = make_subscriber(subscription).user
    rating = give(subscription, 2, title="Slow").rating
    name, by = subscription.api.name, subscription.consumer_organization.name
    give(subscription, 3, title="Less slow")
    services.reply_to_review(rating=rating, text="It is faster now.", actor=STAFF)
    services.reply_to_review(rating=rating, text="It is much faster now.", actor=STAFF)
    services.hide_review(rating=rating, reason="names a person", actor=STAFF)
    services.restore_review(rating=rating, actor=STAFF)

    assert told(provider) == [f"{by} gave {name} 2 of 5 stars"]
    assert told(author) == [
        f"The provider of {name} replied to your review",
        f"Your review of {name} was hidden",
        f"Your review of {name} is shown again",
    ]
    hidden = Notification.objects.get(user=author, kind="subscriptions.review_hidden")
    assert "names a person" in find_kind(hidden.kind).body_for(hidden.context)


def test_reported_reviews_wait_on_the_start_page(
    subscription: Subscription, client_for: Any
) -> None:
    rating = give(subscription, 1, body="Buy my pills").rating
    services.report_review(rating=rating, reason="spam", actor=actor_of(make_member()))
    browser = client_for(make_staff("approver"))

    page = browser.get("/backoffice/subscriptions/rating/").content.decode()
    assert "Buy my pills" in page
    assert "Reported reviews" in browser.get("/backoffice/").content.decode()
    answer = browser.post(
        "/backoffice/subscriptions/rating/",
        {"action": "hide_selected", "_selected_action": str(rating.pk), "reason": "spam"},
        follow=True,
    )

    assert "1 review changed." in answer.content.decode()
    rating.refresh_from_db()
    assert rating.hidden_reason == "spam"
    assert "Buy my pills" not in browser.get("/backoffice/subscriptions/rating/").content.decode()


@pytest.mark.django_db(transaction=True)
def test_ratings_at_the_same_moment_are_all_counted() -> None:
    subscription = make_subscription_row()
    rivals = [subscribe_to(subscription) for _ in range(4)]
    actors = [actor_of(make_subscriber(rival)) for rival in rivals]

    def rate(actor: Actor) -> None:
        try:
            services.save_review(api=subscription.api, opinion=services.Opinion(4), actor=actor)
        finally:
            connection.close()

    threads = [threading.Thread(target=rate, args=(actor,)) for actor in actors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert facts(subscription) == (Decimal("4.00"), 4)
