"""Automatic rotation: due by the account's clock, announced, done once, the new key readable once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from rest_framework.test import APIClient

from apps.core import clock
from apps.core.models import AuditEvent, OutboxMessage
from apps.keys import constants, services
from apps.keys.enums import KeyStatus
from apps.keys.exceptions import InvalidKeyTerms, KeySecretGone
from apps.keys.models import ApiKey, KeyRotation, UnreadKey
from apps.keys.selectors import find_key_by_secret
from apps.keys.services import KeyLife
from apps.notifications.models import Notification
from apps.subscriptions.services import pause_subscription, unpause_subscription
from tests.apps.keys.clocks import DAY, HOUR, MINUTE, advance, sandbox, sandbox_key, told
from tests.factories.keys import SYSTEM, make_key

pytestmark = pytest.mark.django_db

Connect = Callable[..., APIClient]


def successor_of(key: ApiKey) -> ApiKey:
    return KeyRotation.objects.get(old_key=key).new_key


def test_key_is_replaced_after_ninety_days_and_both_work_in_between() -> None:
    owner, key = sandbox_key(name="Server", scopes=("read",))

    advance(key, 89 * DAY)
    assert key.status == KeyStatus.ACTIVE
    advance(key, DAY + MINUTE)

    assert key.status == KeyStatus.ROTATING
    new = successor_of(key)
    assert (new.name, new.scopes, new.rotation_days) == ("Server", ["read"], None)
    assert KeyRotation.objects.get().is_automatic
    advance(key, constants.AUTOMATIC_ROTATION_GRACE)
    assert key.status == KeyStatus.REVOKED
    assert len(told(owner, "keys.rotated")) == 1


def test_rotation_is_announced_a_week_and_a_day_before_and_told_after() -> None:
    owner, key = sandbox_key(rotation_days=30)

    for step in (22 * DAY, DAY + HOUR, DAY, 5 * DAY, DAY - 2 * HOUR):
        advance(key, step)
    dates = [row.context["date"] for row in told(owner, "keys.rotation_due")]
    assert len(dates) == 2
    assert dates[0] == dates[1]
    assert told(owner, "keys.rotated") == []

    advance(key, 2 * HOUR)
    assert [row.url for row in told(owner, "keys.rotated")] == [
        f"/console/keys/{successor_of(key).public_id}/"
    ]


def test_new_key_can_be_read_once_and_is_in_no_message() -> None:
    _owner, key = sandbox_key(rotation_days=1)
    advance(key, DAY + MINUTE)
    new = successor_of(key)

    secret = services.reveal_key(key=new, actor=SYSTEM)

    assert find_key_by_secret(secret) == new
    with pytest.raises(KeySecretGone):
        services.reveal_key(key=new, actor=SYSTEM)
    assert UnreadKey.objects.get().secret == ""
    sent = [message.body for message in mail.outbox]
    told_things = [*Notification.objects.values_list("context", flat=True)]
    outbox = [*OutboxMessage.objects.values_list("payload", flat=True)]
    audit = [*AuditEvent.objects.values_list("after", flat=True)]
    assert secret[13:-4] not in str([sent, told_things, outbox, audit])


def test_text_of_the_new_key_is_encrypted_at_rest() -> None:
    _owner, key = sandbox_key(rotation_days=1)
    advance(key, DAY + MINUTE)

    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM keys_unreadkey")
        stored = cursor.fetchone()[0]

    secret = services.reveal_key(key=successor_of(key), actor=SYSTEM)
    assert stored
    assert secret not in stored


def test_unread_key_is_forgotten_when_the_old_one_ends() -> None:
    _owner, key = sandbox_key(rotation_days=30)
    advance(key, 30 * DAY + MINUTE)
    new = successor_of(key)

    advance(key, 8 * DAY)

    assert UnreadKey.objects.get().secret == ""
    with pytest.raises(KeySecretGone):
        services.reveal_key(key=new, actor=SYSTEM)
    wiped = AuditEvent.objects.filter(target_id=new.pk, action="keys:key:wiped")
    assert wiped.count() == 1


def test_unread_key_that_is_revoked_cannot_be_read() -> None:
    _owner, key = sandbox_key(rotation_days=30)
    advance(key, 30 * DAY + MINUTE)
    new = successor_of(key)

    services.revoke_key(key=new, actor=SYSTEM)

    with pytest.raises(KeySecretGone):
        services.reveal_key(key=new, actor=SYSTEM)
    assert services.wipe_unread_keys(actor=SYSTEM) == 1


def test_reveal_over_rest_works_once_then_410(api_client: Connect) -> None:
    owner, key = sandbox_key(rotation_days=30)
    advance(key, 30 * DAY + MINUTE)
    new = successor_of(key)
    client, url = api_client(owner), f"/api/v1/keys/{new.public_id}/reveal/"
    assert client.get(f"/api/v1/keys/{new.public_id}/").data["readable_until"] is not None

    first, second = client.post(url), client.post(url)

    assert first.status_code == 200
    assert find_key_by_secret(first.data["secret"]) == new
    assert first.headers["Cache-Control"] == "no-store"
    assert (second.status_code, second.data["code"]) == (410, "key_secret_gone")
    assert client.get(f"/api/v1/keys/{new.public_id}/").data["readable_until"] is None
    row = AuditEvent.objects.get(target_id=new.pk, action="keys:key:revealed")
    assert (row.actor_user_id, row.ip) == (owner.user_id, "192.0.2.1")


def test_reveal_of_a_key_that_was_shown_is_410(api_client: Connect) -> None:
    owner, key = sandbox_key()

    answer = api_client(owner).post(f"/api/v1/keys/{key.public_id}/reveal/")

    assert (answer.status_code, answer.data["code"]) == (410, "key_secret_gone")


def test_nothing_rotates_while_the_subscription_is_paused() -> None:
    _owner, key = sandbox_key(rotation_days=30)
    pause_subscription(subscription=key.subscription, actor=SYSTEM, reason="")

    advance(key, 31 * DAY)
    assert key.status == KeyStatus.ACTIVE

    unpause_subscription(subscription=key.subscription, actor=SYSTEM)
    assert services.rotate_due_keys(actor=SYSTEM) == 1


def test_suspended_key_waits() -> None:
    _owner, key = sandbox_key(rotation_days=30)
    services.suspend_key(key=key, actor=SYSTEM)

    advance(key, 31 * DAY)

    key.refresh_from_db()
    assert key.status == KeyStatus.SUSPENDED


def test_rotation_at_the_limit_of_keys_works() -> None:
    _owner, subscription = sandbox(key_limit=1)
    key = make_key(subscription, rotation_days=30).key

    advance(key, 30 * DAY + MINUTE)

    assert successor_of(key).status == KeyStatus.PENDING


def test_successors_count_from_their_own_birth() -> None:
    _owner, key = sandbox_key(rotation_days=30)
    advance(key, 30 * DAY + MINUTE)
    new = successor_of(key)
    services.activate_key(key_id=new.pk, actor=SYSTEM)

    assert services.rotate_due_keys(actor=SYSTEM) == 0
    advance(new, 30 * DAY)

    assert new.status == KeyStatus.ROTATING


@pytest.mark.parametrize(
    ("plan", "chosen", "days"),
    [
        ({}, None, 90),
        ({}, 0, None),
        ({}, 200, 200),
        ({"key_rotation_days": 30}, None, 30),
        ({"key_rotation_days": None}, None, None),
        ({"key_rotation_days": None}, 10, 10),
        ({"key_rotation_days": 30, "key_rotation_optional": False}, 7, 7),
    ],
)
def test_plan_and_owner_decide_together(
    plan: dict[str, Any], chosen: int | None, days: int | None
) -> None:
    _owner, subscription = sandbox(**plan)
    key = make_key(subscription, rotation_days=chosen).key

    if days is None:
        assert key.rotates_at is None
    else:
        assert key.rotates_at is not None
        assert abs(key.rotates_at - clock.now() - days * DAY) < MINUTE


@pytest.mark.parametrize(
    ("plan", "chosen"),
    [
        ({}, 366),
        ({}, -1),
        ({"key_rotation_days": 30, "key_rotation_optional": False}, 0),
        ({"key_rotation_days": 30, "key_rotation_optional": False}, 31),
    ],
)
def test_interval_that_the_plan_forbids_is_refused(plan: dict[str, Any], chosen: int) -> None:
    _owner, subscription = sandbox(**plan)

    with pytest.raises(InvalidKeyTerms) as refusal:
        make_key(subscription, rotation_days=chosen)

    assert refusal.value.field == "rotation_days"
    assert not ApiKey.objects.exists()


def test_changed_interval_counts_from_now_but_puts_off_no_demanded_rotation() -> None:
    _owner, subscription = sandbox(key_rotation_days=30, key_rotation_optional=False)
    key = make_key(subscription).key
    due = key.rotates_at
    advance(key, 20 * DAY)

    life = KeyLife(rotation_days=29, auto_renew=False)
    key = services.change_key_life(key=key, life=life, actor=SYSTEM)
    assert key.rotates_at == due

    life = KeyLife(rotation_days=3, auto_renew=False)
    key = services.change_key_life(key=key, life=life, actor=SYSTEM)
    assert key.rotates_at is not None
    assert due is not None
    assert due - key.rotates_at > 6 * DAY


def test_key_for_a_day_leaves_no_week_of_old_ones() -> None:
    _owner, key = sandbox_key(rotation_days=1)
    advance(key, DAY + MINUTE)

    rotation = KeyRotation.objects.get()
    key.organization.refresh_from_db()
    left = rotation.grace_ends_at - clock.business_now(key.organization)
    assert timedelta(0) < left <= DAY


@pytest.mark.django_db(transaction=True)
def test_two_workers_replace_each_key_once() -> None:
    _owner, subscription = sandbox(key_limit=6)
    keys = [make_key(subscription, rotation_days=1).key for _ in range(6)]
    ApiKey.objects.update(rotates_at=clock.now() - MINUTE)

    def work(_number: int) -> int:
        try:
            return services.rotate_due_keys(actor=SYSTEM)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        done = sum(pool.map(work, range(4)))
    done += services.rotate_due_keys(actor=SYSTEM)  # what was passed over, because it was held

    assert done == len(keys)
    assert KeyRotation.objects.count() == len(keys)
    assert UnreadKey.objects.count() == len(keys)
