"""Everything that is done with a key leaves exactly one row in the trail, which nobody can change."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import pytest
from django.db import DatabaseError, connection, transaction

from apps.core import clock
from apps.core.actors import Actor
from apps.core.exceptions import InvalidTransition
from apps.core.models import AuditEvent
from apps.keys import services
from apps.keys.enums import AlertKind, LeakPolicy
from apps.keys.models import ApiKey, KeyAlert, KeyRotation, UnreadKey
from apps.keys.services import KeyLife, KeyTerms
from apps.subscriptions.models import Subscription
from tests.apps.keys.clocks import DAY, HOUR, sandbox
from tests.factories.keys import SYSTEM, make_key

pytestmark = pytest.mark.django_db

ACTOR: Final = Actor(
    kind=SYSTEM.kind, label="somebody", ip="192.0.2.7", user_agent="Mozilla/5.0 (test)"
)
# Metering tells it millions of times a day, and changes nothing that anybody decided.
NOT_AUDITED: Final = {"note_key_uses"}

Scenario = Callable[[Subscription], object]


def key_of(subscription: Subscription, **terms: Any) -> ApiKey:
    return make_key(subscription, **terms).key


def due(subscription: Subscription, **columns: Any) -> ApiKey:
    """Make a key for which something is due by now."""
    key = key_of(subscription, rotation_days=0, expires_at=clock.now() + 30 * DAY)
    ApiKey.objects.filter(pk=key.pk).update(**columns)
    return key


def rotated(subscription: Subscription, *, ended: bool = False) -> KeyRotation:
    """Make a key that the job has replaced."""
    key = due(subscription, rotates_at=clock.now() - HOUR)
    services.rotate_due_keys(actor=SYSTEM)
    rotation = KeyRotation.objects.get(old_key=key)
    if ended:
        over = clock.now() - HOUR
        KeyRotation.objects.filter(pk=rotation.pk).update(grace_ends_at=over)
        UnreadKey.objects.update(readable_until=over)
    return rotation


def alert(subscription: Subscription) -> KeyAlert:
    return KeyAlert.objects.create(
        organization=subscription.consumer_organization,
        kind=AlertKind.CREATED,
        count=11,
        threshold=10,
    )


def outdated(subscription: Subscription) -> ApiKey:
    key = key_of(subscription)
    ApiKey.objects.filter(pk=key.pk).update(pepper_number=0)
    return key


def failed(subscription: Subscription) -> ApiKey:
    key = make_key(subscription, is_active=False).key
    return services.mark_key_sync_failed(key_id=key.pk, reason="no proof", actor=SYSTEM)


def two_keys(subscription: Subscription) -> ApiKey:
    key_of(subscription)
    return key_of(subscription)


def suspended(subscription: Subscription) -> ApiKey:
    return services.suspend_key(key=key_of(subscription), actor=SYSTEM)


# For each service: what has to be there before, and the call of it.
SCENARIOS: Final[dict[str, tuple[Callable[[Subscription], Any], Callable[[Any], object]]]] = {
    "create_key": (
        lambda subscription: subscription,
        lambda subscription: services.create_key(
            subscription=subscription, terms=KeyTerms(name="Server"), actor=ACTOR
        ),
    ),
    "rename_key": (key_of, lambda key: services.rename_key(key=key, name="New", actor=ACTOR)),
    "activate_key": (
        lambda subscription: make_key(subscription, is_active=False).key,
        lambda key: services.activate_key(key_id=key.pk, actor=ACTOR),
    ),
    "mark_key_sync_failed": (
        lambda subscription: make_key(subscription, is_active=False).key,
        lambda key: services.mark_key_sync_failed(key_id=key.pk, reason="late", actor=ACTOR),
    ),
    "rehash_key": (
        outdated,
        lambda key: services.rehash_key(
            key_id=key.pk, digest="a" * 64, pepper_number=1, actor=ACTOR
        ),
    ),
    "retry_key_sync": (failed, lambda key: services.retry_key_sync(key=key, actor=ACTOR)),
    "suspend_key": (key_of, lambda key: services.suspend_key(key=key, actor=ACTOR)),
    "resume_key": (suspended, lambda key: services.resume_key(key=key, actor=ACTOR)),
    "revoke_key": (key_of, lambda key: services.revoke_key(key=key, actor=ACTOR)),
    "revoke_keys_of_subscription": (
        key_of,
        lambda key: services.revoke_keys_of_subscription(
            subscription_id=key.subscription_id, actor=ACTOR, reason="over"
        ),
    ),
    "change_key_terms": (
        key_of,
        lambda key: services.change_key_terms(key=key, changes={"scopes": ("read",)}, actor=ACTOR),
    ),
    "change_key_life": (
        key_of,
        lambda key: services.change_key_life(
            key=key, life=KeyLife(rotation_days=5, auto_renew=False), actor=ACTOR
        ),
    ),
    "rotate_key": (key_of, lambda key: services.rotate_key(key=key, grace=HOUR, actor=ACTOR)),
    "rotate_due_keys": (
        lambda subscription: due(subscription, rotates_at=clock.now() - HOUR),
        lambda _key: services.rotate_due_keys(actor=ACTOR),
    ),
    "complete_due_rotations": (
        lambda subscription: rotated(subscription, ended=True),
        lambda _rotation: services.complete_due_rotations(actor=ACTOR),
    ),
    "reveal_key": (
        rotated,
        lambda rotation: services.reveal_key(key=rotation.new_key, actor=ACTOR),
    ),
    "wipe_unread_keys": (
        lambda subscription: rotated(subscription, ended=True),
        lambda _rotation: services.wipe_unread_keys(actor=ACTOR),
    ),
    "expire_due_keys": (
        lambda subscription: due(subscription, expires_at=clock.now() - HOUR),
        lambda _key: services.expire_due_keys(actor=ACTOR),
    ),
    "renew_due_keys": (
        lambda subscription: due(subscription, expires_at=clock.now(), auto_renew=True),
        lambda _key: services.renew_due_keys(actor=ACTOR),
    ),
    "send_due_notices": (
        lambda subscription: due(subscription, expires_at=clock.now() + DAY),
        lambda _key: services.send_due_notices(actor=ACTOR),
    ),
    "report_leak": (
        key_of,
        lambda key: services.report_leak(key=key, url="", source="content", actor=ACTOR),
    ),
    "change_leak_policy": (
        lambda subscription: subscription.consumer_organization,
        lambda organization: services.change_leak_policy(
            organization=organization, on_leak=LeakPolicy.NOTIFY, actor=ACTOR
        ),
    ),
    "look_for_suspicion": (
        two_keys,
        lambda key: services.look_for_suspicion(
            organization_id=key.organization_id, kind=AlertKind.CREATED, actor=ACTOR
        ),
    ),
    "resolve_alert": (alert, lambda row: services.resolve_alert(alert=row, actor=ACTOR)),
}
# A rotation is one thing done to each of two keys: the old one is rotated, the new one created.
ROWS: Final = {"rotate_key": 2, "rotate_due_keys": 2}


def test_every_service_has_a_scenario() -> None:
    names = {
        name
        for name in services.__all__
        if inspect.isfunction(inspect.unwrap(getattr(services, name)))
    }

    assert names - NOT_AUDITED == set(SCENARIOS)


@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_service_leaves_exactly_one_row_per_key(name: str, settings: Any) -> None:
    settings.KEY_ALERT_CREATED = 1
    _owner, subscription = sandbox()
    prepare, call = SCENARIOS[name]
    prepared = prepare(subscription)
    before = set(AuditEvent.objects.values_list("pk", flat=True))

    call(prepared)

    rows = list(AuditEvent.objects.exclude(pk__in=before))
    assert len(rows) == ROWS.get(name, 1), [row.action for row in rows]
    assert len({row.target_id for row in rows}) == len(rows)
    for row in rows:
        assert (row.actor_label, row.ip, row.user_agent) == (
            ACTOR.label,
            ACTOR.ip,
            ACTOR.user_agent,
        )
        assert row.organization_id == subscription.consumer_organization_id


@pytest.mark.parametrize("name", ["suspend_key", "revoke_key", "rotate_key", "change_key_life"])
def test_service_that_is_refused_leaves_none(name: str) -> None:
    _owner, subscription = sandbox()
    key = due(subscription, expires_at=clock.now() - HOUR)
    services.expire_due_keys(actor=SYSTEM)
    before = AuditEvent.objects.count()

    with pytest.raises(InvalidTransition):
        SCENARIOS[name][1](key)

    assert AuditEvent.objects.count() == before


@pytest.mark.parametrize(
    "statement", ["UPDATE core_auditevent SET reason = 'x'", "DELETE FROM core_auditevent"]
)
def test_trail_cannot_be_changed(statement: str) -> None:
    _owner, subscription = sandbox()
    key_of(subscription)

    with pytest.raises(DatabaseError), transaction.atomic():
        connection.cursor().execute(statement)

    assert AuditEvent.objects.filter(action="keys:key:created").exists()


def test_grace_of_none_leaves_the_end_beside_the_rotation() -> None:
    _owner, subscription = sandbox()
    key = key_of(subscription)

    services.rotate_key(key=key, grace=timedelta(0), actor=ACTOR)

    rows = AuditEvent.objects.filter(target_id=key.pk, actor_label=ACTOR.label)
    assert sorted(row.action for row in rows) == ["keys:key:revoked", "keys:key:rotated"]
