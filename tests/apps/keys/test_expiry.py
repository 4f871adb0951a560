"""The end of a key's term: announced three times, renewed if its owner wants, else expired."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core import mail
from django.db import connection
from rest_framework.test import APIClient

from apps.accounts.models import Organization
from apps.core import clock
from apps.core.models import AuditEvent
from apps.core.relay import drain_until_empty
from apps.gateway.entry_payloads import wanted_key
from apps.keys import services
from apps.keys.enums import KeyStatus
from apps.keys.exceptions import InvalidKeyTerms
from apps.keys.models import ApiKey, KeyNotice
from apps.keys.services import KeyLife
from apps.notifications.models import Notification, WebhookEvent
from apps.notifications.services.endpoints import EndpointTerms, create_endpoint
from apps.notifications.services.preferences import set_mail_choices
from apps.subscriptions.services import pause_subscription, unpause_subscription
from tests.apps.keys.clocks import DAY, HOUR, MINUTE, advance, sandbox, sandbox_key, told
from tests.factories.keys import SYSTEM, make_key

pytestmark = pytest.mark.django_db

Connect = Callable[..., APIClient]
EXPIRING = "keys.expiring"


def test_moved_clock_gives_exactly_three_messages() -> None:
    owner, key = sandbox_key(days=30, rotation_days=0)

    for _half_day in range(31 * 2):
        advance(key, 12 * HOUR)

    assert [row.days_before for row in KeyNotice.objects.order_by("created_at")] == [7, 3, 1]
    assert len(told(owner, EXPIRING)) == 3
    mails = [message for message in mail.outbox if owner.user.email in message.to]
    assert len([message for message in mails if "expires on" in message.subject]) == 3
    assert key.status == KeyStatus.EXPIRED


def test_each_notice_comes_on_its_day() -> None:
    owner, key = sandbox_key(days=30, rotation_days=0)
    counts = []
    for step in (22 * DAY, DAY + MINUTE, 4 * DAY, 2 * DAY, 23 * HOUR, HOUR):
        advance(key, step)
        counts.append(len(told(owner, EXPIRING)))

    assert counts == [0, 1, 2, 3, 3, 3]


def test_job_that_did_not_run_for_long_gives_the_most_urgent_only() -> None:
    owner, key = sandbox_key(days=30, rotation_days=0)

    Organization.objects.filter(pk=key.organization_id).update(clock_offset=29 * DAY + HOUR)
    services.send_due_notices(actor=SYSTEM)
    services.send_due_notices(actor=SYSTEM)

    assert [row.days_before for row in KeyNotice.objects.all()] == [1]
    assert len(told(owner, EXPIRING)) == 1


def test_jump_beyond_the_end_lives_through_each_notice() -> None:
    owner, key = sandbox_key(days=30, rotation_days=0)

    advance(key, 31 * DAY)

    assert key.status == KeyStatus.EXPIRED
    rows = KeyNotice.objects.order_by("created_at")
    assert [row.days_before for row in rows] == [7, 3, 1]
    assert len(told(owner, EXPIRING)) == 3


def test_key_for_two_days_is_announced_a_day_before_only() -> None:
    owner, key = sandbox_key(days=2, rotation_days=0)

    services.send_due_notices(actor=SYSTEM)
    assert told(owner, EXPIRING) == []
    advance(key, DAY + MINUTE)

    assert len(told(owner, EXPIRING)) == 1


def test_successor_is_not_announced_what_was_told_of_the_old_key() -> None:
    owner, key = sandbox_key(days=30, rotation_days=0)
    advance(key, 25 * DAY)
    assert len(told(owner, EXPIRING)) == 1

    services.rotate_key(key=key, grace=HOUR, actor=SYSTEM)
    new = ApiKey.objects.exclude(pk=key.pk).get()
    services.activate_key(key_id=new.pk, actor=SYSTEM)
    services.send_due_notices(actor=SYSTEM)

    assert len(told(owner, EXPIRING)) == 1


def test_who_wants_no_mail_is_told_on_the_page_only() -> None:
    owner, key = sandbox_key(days=30, rotation_days=0)
    set_mail_choices(user=owner.user, choices={"keys": False}, actor=SYSTEM)

    advance(key, 24 * DAY)

    assert len(told(owner, EXPIRING)) == 1
    assert not [message for message in mail.outbox if "expires on" in message.subject]


def test_webhook_tells_of_the_end() -> None:
    owner, key = sandbox_key(days=30, rotation_days=0)
    terms = EndpointTerms(url="https://hooks.example.com/", event_types=("key.expiring",))
    create_endpoint(organization=owner.organization, terms=terms, actor=SYSTEM)

    advance(key, 29 * DAY + HOUR)

    event = WebhookEvent.objects.filter(type="key.expiring").latest("created_at")
    assert event.data["days_before"] == 1
    assert key.expires_at is not None
    assert event.data["expires_at"] == key.expires_at.isoformat()


def test_renewed_key_goes_on_by_its_original_term() -> None:
    owner, key = sandbox_key(days=30, rotation_days=0, auto_renew=True)
    end = key.expires_at
    assert end is not None

    advance(key, 30 * DAY + MINUTE)

    assert key.status == KeyStatus.ACTIVE
    assert key.term is not None
    assert key.expires_at == end + key.term
    assert abs(key.term - 30 * DAY) < MINUTE
    assert told(owner, EXPIRING) == []
    assert len(told(owner, "keys.renewed")) == 1
    assert AuditEvent.objects.filter(action="keys:key:renewed").count() == 1


def test_renewal_comes_before_the_end_and_reaches_the_gateway() -> None:
    _owner, key = sandbox_key(days=30, rotation_days=0, auto_renew=True)
    end = key.expires_at
    assert end is not None

    advance(key, 30 * DAY - 30 * MINUTE)

    entry = wanted_key(ApiKey.objects.get(pk=key.pk)).entry
    assert entry is not None
    assert entry.expires_at > end.timestamp() * 1000  # type: ignore[operator]  # a key with an end


def test_jump_over_several_terms_renews_at_each() -> None:
    _owner, key = sandbox_key(days=10, rotation_days=0, auto_renew=True)

    advance(key, 35 * DAY)

    key.organization.refresh_from_db()
    assert key.expires_at is not None
    left = key.expires_at - clock.business_now(key.organization)
    assert 4 * DAY < left <= 5 * DAY
    assert AuditEvent.objects.filter(action="keys:key:renewed").count() == 3


def test_key_of_a_paused_subscription_expires_instead() -> None:
    owner, key = sandbox_key(days=30, rotation_days=0, auto_renew=True)
    pause_subscription(subscription=key.subscription, actor=SYSTEM, reason="")

    advance(key, 24 * DAY)
    assert len(told(owner, EXPIRING)) == 1
    advance(key, 7 * DAY)

    assert key.status == KeyStatus.EXPIRED
    unpause_subscription(subscription=key.subscription, actor=SYSTEM)
    assert services.renew_due_keys(actor=SYSTEM) == 0


def test_key_without_an_end_cannot_be_renewed() -> None:
    _owner, subscription = sandbox()

    with pytest.raises(InvalidKeyTerms) as refusal:
        make_key(subscription, auto_renew=True)

    assert refusal.value.field == "auto_renew"


def test_renewal_can_be_switched_on_later() -> None:
    _owner, key = sandbox_key(days=30, rotation_days=0)
    life = KeyLife(rotation_days=0, auto_renew=True)

    services.change_key_life(key=key, life=life, actor=SYSTEM)
    services.change_key_life(key=key, life=life, actor=SYSTEM)
    advance(key, 31 * DAY)

    assert key.status == KeyStatus.ACTIVE
    assert AuditEvent.objects.filter(action="keys:key:life_changed").count() == 1


def test_life_over_rest_is_all_or_nothing(api_client: Connect) -> None:
    owner, key = sandbox_key(name="Server")
    client, url = api_client(owner), f"/api/v1/keys/{key.public_id}/"

    changed = client.patch(url, {"name": "Shop", "rotation_days": 30})
    refused = client.patch(url, {"name": "Other", "auto_renew": True})
    unknown = client.patch(url, {"rotation_days": 366})

    assert (changed.data["name"], changed.data["rotation_days"]) == ("Shop", 30)
    assert changed.data["rotates_at"] is not None
    assert (refused.status_code, refused.data["code"]) == (422, "invalid_key_terms")
    assert unknown.status_code == 400
    key.refresh_from_db()
    assert (key.name, key.auto_renew) == ("Shop", False)


@pytest.mark.django_db(transaction=True)
def test_two_workers_give_each_notice_once() -> None:
    _owner, subscription = sandbox()
    for _number in range(3):
        make_key(subscription, expires_at=clock.now() + 30 * DAY, rotation_days=0)
    ApiKey.objects.update(expires_at=clock.now() + DAY)

    def work(_number: int) -> int:
        try:
            return services.send_due_notices(actor=SYSTEM)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(work, range(4))) == 3
    drain_until_empty()
    assert Notification.objects.filter(kind=EXPIRING).count() == 3


@pytest.mark.django_db(transaction=True)
def test_two_workers_renew_each_key_once() -> None:
    _owner, subscription = sandbox()
    for _number in range(3):
        make_key(subscription, expires_at=clock.now() + DAY, auto_renew=True, rotation_days=0)
    ApiKey.objects.update(expires_at=clock.now() - MINUTE)

    def work(number: int) -> int:
        move = services.renew_due_keys if number % 2 else services.expire_due_keys
        try:
            return move(actor=SYSTEM)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))

    assert AuditEvent.objects.filter(action="keys:key:renewed").count() == 3
    assert not ApiKey.objects.filter(status=KeyStatus.EXPIRED).exists()
