"""Many keys in a short time: owners and operators are told once per window."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.urls import reverse
from pytest_django import Settings

from apps.accounts.models import Membership
from apps.core import clock
from apps.core.attention import attention_items
from apps.core.models import AuditEvent
from apps.core.relay import drain_until_empty
from apps.keys import services
from apps.keys.enums import AlertKind
from apps.keys.models import ApiKey, KeyAlert, KeyRotation
from apps.notifications.models import Notification
from apps.subscriptions.models import Subscription
from tests.apps.keys.clocks import DAY, HOUR, told
from tests.factories.accounts import actor_of, make_member, make_staff
from tests.factories.keys import SYSTEM, make_key
from tests.factories.pricing import make_plan
from tests.factories.subscriptions import make_subscription

pytestmark = pytest.mark.django_db


def account() -> tuple[Membership, Subscription]:
    owner = make_member("owner")
    return owner, make_subscription(plan=make_plan(key_limit=50), consumer=owner.organization)


def make_keys(subscription: Subscription, count: int) -> None:
    for _number in range(count):
        make_key(subscription)
    drain_until_empty()


def rotate(subscription: Subscription, times: int) -> None:
    for _number in range(times):
        key = make_key(subscription).key
        services.rotate_key(key=key, grace=timedelta(0), actor=SYSTEM)
    drain_until_empty()


def test_eleventh_key_of_a_day_raises_one_alert() -> None:
    owner, subscription = account()
    admin = make_member("admin", owner.organization)
    developer = make_member("developer", owner.organization)

    make_keys(subscription, 10)
    assert not KeyAlert.objects.exists()
    make_keys(subscription, 1)
    make_keys(subscription, 2)

    alert = KeyAlert.objects.get()
    assert (alert.kind, alert.count, alert.threshold) == (AlertKind.CREATED, 11, 10)
    assert len(told(owner, "keys.many_created")) == len(told(admin, "keys.many_created")) == 1
    assert told(developer, "keys.many_created") == []


def test_keys_of_yesterday_do_not_count() -> None:
    _owner, subscription = account()
    make_keys(subscription, 8)
    ApiKey.objects.update(created_at=clock.now() - DAY)

    make_keys(subscription, 8)

    assert not KeyAlert.objects.exists()


def test_next_window_may_raise_another() -> None:
    _owner, subscription = account()
    make_keys(subscription, 11)
    KeyAlert.objects.update(created_at=clock.now() - DAY)
    ApiKey.objects.update(created_at=clock.now() - DAY)

    make_keys(subscription, 11)

    assert KeyAlert.objects.count() == 2


def test_sixth_rotation_of_an_hour_raises_one_alert() -> None:
    owner, subscription = account()

    rotate(subscription, 5)
    assert not KeyAlert.objects.filter(kind=AlertKind.ROTATED).exists()
    rotate(subscription, 1)
    rotate(subscription, 1)

    assert KeyAlert.objects.get(kind=AlertKind.ROTATED).count == 6
    assert len(told(owner, "keys.many_rotated")) == 1
    assert not KeyAlert.objects.filter(kind=AlertKind.CREATED).exists()


def test_rotations_by_the_job_are_not_suspicious() -> None:
    _owner, subscription = account()
    make_keys(subscription, 9)
    ApiKey.objects.update(rotates_at=clock.now() - HOUR)

    assert services.rotate_due_keys(actor=SYSTEM) == 9
    drain_until_empty()

    assert KeyRotation.objects.count() == 9
    assert not KeyAlert.objects.exists()


def test_thresholds_are_settings(settings: Settings) -> None:
    settings.KEY_ALERT_CREATED = 1
    _owner, subscription = account()

    make_keys(subscription, 2)

    assert KeyAlert.objects.get().threshold == 1


def test_other_organizations_do_not_count() -> None:
    for _number in range(3):
        make_keys(account()[1], 5)

    assert not KeyAlert.objects.exists()


def test_operator_sees_it_until_it_is_looked_at() -> None:
    _owner, subscription = account()
    operator = actor_of(make_staff("operator"))
    make_keys(subscription, 11)
    waiting = [item for item in attention_items(operator) if "keys" in str(item.label)]
    assert [item.count for item in waiting] == [1]

    alert = KeyAlert.objects.get()
    services.resolve_alert(alert=alert, actor=operator, reason="a load test")
    services.resolve_alert(alert=alert, actor=operator)

    assert not [item for item in attention_items(operator) if "keys" in str(item.label)]
    row = AuditEvent.objects.get(action="keys:alert:resolved")
    assert (row.reason, row.organization_id) == ("a load test", alert.organization_id)


def test_operator_marks_it_in_the_back_office(client_for: Any, settings: Settings) -> None:
    settings.REQUIRE_STAFF_MFA = False
    _owner, subscription = account()
    make_keys(subscription, 11)
    client, alert = client_for(make_staff("operator")), KeyAlert.objects.get()
    page = reverse("admin:keys_keyalert_changelist")

    client.post(
        page,
        {"action": "resolve_selected", "_selected_action": [str(alert.pk)], "reason": "fine"},
    )

    alert.refresh_from_db()
    assert alert.resolved_at is not None
    assert client_for(make_staff("approver")).get(page).status_code == 403


@pytest.mark.django_db(transaction=True)
def test_two_at_once_raise_one_alert() -> None:
    owner, subscription = account()
    for _number in range(12):
        make_key(subscription)

    def work(_number: int) -> None:
        try:
            services.look_for_suspicion(
                organization_id=owner.organization_id, kind=AlertKind.CREATED, actor=SYSTEM
            )
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))

    assert KeyAlert.objects.count() == 1
    drain_until_empty()
    assert Notification.objects.filter(kind="keys.many_created").count() == 1
