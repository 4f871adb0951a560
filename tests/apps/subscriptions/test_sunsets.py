"""What was announced to end ends by itself, and its subscribers hear of it in time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.accounts.models import Membership
from apps.apis import services
from apps.apis.models import Api, ApiVersion
from apps.apis.tasks import apply_sunsets as apply_sunsets_job
from apps.core import clock
from apps.core.actors import Actor
from apps.core.models import AuditEvent
from apps.core.relay import drain_until_empty
from apps.core.schedule import declared_schedule
from apps.notifications.models import Notification, WebhookEvent
from apps.subscriptions.models import Subscription
from tests.factories.accounts import make_member
from tests.factories.apis import ApiVersionFactory, make_api
from tests.factories.notifications import WebhookEndpointFactory
from tests.factories.pricing import make_plan
from tests.factories.subscriptions import make_subscription

pytestmark = pytest.mark.django_db

PROVIDER = Actor.system("provider of the test")
A_MINUTE = timedelta(minutes=1)


@pytest.fixture
def subscriber() -> Membership:
    return make_member("owner")


@pytest.fixture
def provider() -> Membership:
    return make_member("owner")


@pytest.fixture
def subscription(subscriber: Membership, provider: Membership) -> Subscription:
    api = make_api("active", organization=provider.organization)
    ApiVersionFactory(api=api, name="1.0", status="published")
    return make_subscription(plan=make_plan(api=api), consumer=subscriber.organization)


def apply_with(row: Api | ApiVersion, *, left: timedelta) -> services.AppliedSunsets:
    """Let the end be `left` away, and run the job twice: the second run finds nothing to tell."""
    type(row)._default_manager.filter(pk=row.pk).update(sunset_at=clock.now() + left)
    done = services.apply_sunsets()
    assert services.apply_sunsets() == services.AppliedSunsets()
    drain_until_empty()
    return done


def told(member: Membership, kind: str) -> int:
    return Notification.objects.filter(user=member.user, kind=kind).count()


def test_subscribers_are_reminded_30_7_and_1_days_before_once_each(
    subscription: Subscription, subscriber: Membership, provider: Membership
) -> None:
    for organization in (subscriber.organization, provider.organization):
        WebhookEndpointFactory(organization=organization)
    api = services.deprecate_api(
        api=subscription.api, actor=PROVIDER, sunset_at=clock.now() + timedelta(days=90)
    )

    reminders = [
        apply_with(api, left=timedelta(days=days) - A_MINUTE).reminders
        for days in (60, 30, 20, 7, 3, 1)
    ]

    assert reminders == [0, 1, 0, 1, 0, 1]
    assert told(subscriber, "subscriptions.api_ends_soon") == 3
    events = WebhookEvent.objects.filter(type="api.sunset_near").order_by("created_at")
    for organization in (subscriber.organization, provider.organization):
        days = [event.data["days_left"] for event in events.filter(organization=organization)]
        assert days == [30, 7, 1]


def test_late_announcement_is_its_own_reminder(subscription: Subscription) -> None:
    sunset = clock.now() + timedelta(days=5)
    api = services.deprecate_api(api=subscription.api, actor=PROVIDER, sunset_at=sunset)

    assert apply_with(api, left=timedelta(days=5)).reminders == 0
    assert apply_with(api, left=timedelta(hours=23)).reminders == 1


def test_api_past_its_day_is_retired_and_its_subscriptions_end(
    subscription: Subscription, subscriber: Membership, provider: Membership
) -> None:
    sunset = clock.now() + timedelta(days=5)
    api = services.deprecate_api(api=subscription.api, actor=PROVIDER, sunset_at=sunset)

    assert apply_with(api, left=-A_MINUTE).apis == 1

    api.refresh_from_db()
    subscription.refresh_from_db()
    assert (api.status, subscription.status) == ("retired", "cancelled")
    last = api.status_changes.last()
    assert last is not None
    assert (last.actor_user_id, last.reason) == (None, "The announced day has come.")
    assert told(subscriber, "subscriptions.api_retired") == 1
    assert told(provider, "apis.retired") == 1


def test_api_without_a_day_stays(subscription: Subscription) -> None:
    api = services.deprecate_api(api=subscription.api, actor=PROVIDER)

    assert services.apply_sunsets() == services.AppliedSunsets()
    api.refresh_from_db()
    assert api.status == "deprecated"


def test_version_past_its_day_makes_room_for_the_newest_published_one(
    subscription: Subscription, subscriber: Membership
) -> None:
    api = subscription.api
    old = api.versions.get()
    for name in ("2.0", "3.0"):
        version = services.create_version(api=api, name=name, actor=PROVIDER)
        services.publish_version(version=version, actor=PROVIDER)
    services.create_version(api=api, name="4.0-draft", actor=PROVIDER)
    sunset = clock.now() + timedelta(days=90)
    services.deprecate_version(version=old, sunset_at=sunset, actor=PROVIDER)

    assert apply_with(old, left=timedelta(days=6)).reminders == 1
    assert apply_with(old, left=-A_MINUTE).versions == 1

    old.refresh_from_db()
    assert (old.status, api.versions.get(is_current=True).name) == ("retired", "3.0")
    assert told(subscriber, "subscriptions.version_ends_soon") == 1
    assert told(subscriber, "subscriptions.version_retired") == 1
    audit = AuditEvent.objects.get(action="apis:version:retired")
    assert audit.reason == "The announced day has come."


def test_only_version_stays_and_its_provider_is_told_once(
    subscription: Subscription, subscriber: Membership, provider: Membership
) -> None:
    version = subscription.api.versions.get()
    sunset = clock.now() + timedelta(days=90)
    services.deprecate_version(version=version, sunset_at=sunset, actor=PROVIDER)

    assert apply_with(version, left=-A_MINUTE) == services.AppliedSunsets()

    version.refresh_from_db()
    assert version.status == "deprecated"
    assert told(provider, "apis.version_stays") == 1
    assert told(subscriber, "subscriptions.version_ends_soon") == 0
    successor = services.create_version(api=subscription.api, name="2.0", actor=PROVIDER)
    services.publish_version(version=successor, actor=PROVIDER)
    services.make_version_current(version=successor, actor=PROVIDER)
    assert services.apply_sunsets().versions == 1


def test_moved_day_is_reminded_of_anew(subscription: Subscription) -> None:
    version = subscription.api.versions.get()
    services.deprecate_version(
        version=version, sunset_at=clock.now() + timedelta(days=90), actor=PROVIDER
    )
    assert apply_with(version, left=timedelta(hours=5)).reminders == 1
    services.deprecate_version(
        version=version, sunset_at=clock.now() + timedelta(days=60), actor=PROVIDER
    )

    assert apply_with(version, left=timedelta(days=29)).reminders == 1


def test_job_is_scheduled_and_says_what_it_did(subscription: Subscription) -> None:
    services.deprecate_api(
        api=subscription.api, actor=PROVIDER, sunset_at=clock.now() + timedelta(days=5)
    )
    Api.objects.update(sunset_at=clock.now() - A_MINUTE)

    assert apply_sunsets_job.apply().get() == {"reminders": 0, "apis": 1, "versions": 0}
    assert "apis.apply_sunsets" in declared_schedule()
