"""Keys: shown once, limited, rotated with a grace, revoked for good."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from pytest_django import Settings

from apps.core import clock
from apps.core.exceptions import InvalidTransition
from apps.core.models import AuditEvent
from apps.keys import services
from apps.keys.enums import KeyStatus
from apps.keys.exceptions import InvalidKeyTerms, KeyLimitReached, SubscriptionNotCallable
from apps.keys.models import ApiKey, KeyRotation
from apps.keys.selectors import find_key_by_secret
from apps.keys.services import KeyTerms
from apps.subscriptions.services import suspend_subscription
from tests.factories.accounts import OrganizationFactory
from tests.factories.keys import SYSTEM, make_key
from tests.factories.pricing import make_plan
from tests.factories.subscriptions import make_subscription

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def advance(key: ApiKey, by: timedelta) -> None:
    type(key.organization).objects.filter(pk=key.organization_id).update(
        is_sandbox=True, clock_offset=F("clock_offset") + by
    )


def test_created_key_is_stored_as_a_digest_only() -> None:
    issued = make_key(is_active=False)

    stored = ApiKey.objects.values().get(pk=issued.key.pk)
    assert stored["status"] == KeyStatus.PENDING
    assert all(issued.secret not in str(value) for value in stored.values())
    assert issued.key.masked == f"{issued.secret[:13]}…{issued.secret[-4:]}"
    assert find_key_by_secret(issued.secret) == issued.key
    assert find_key_by_secret(issued.secret[:-1] + "!") is None


def test_audit_of_a_key_never_holds_the_secret() -> None:
    issued = make_key()

    rows = AuditEvent.objects.filter(target_id=issued.key.pk)
    assert [row.action for row in rows.order_by("occurred_at")] == [
        "keys:key:created",
        "keys:key:activated",
    ]
    assert all(issued.secret[13:-4] not in str(row.after) for row in rows)


def test_key_of_a_sandbox_account_is_a_test_key() -> None:
    sandbox = make_key(make_subscription(consumer=OrganizationFactory(is_sandbox=True)))

    assert sandbox.secret.startswith("tgk_test_")
    assert make_key().secret.startswith("tgk_live_")


def test_old_pepper_still_finds_old_keys(settings: Settings) -> None:
    issued = make_key()

    settings.KEY_PEPPERS = {**settings.KEY_PEPPERS, 9: "n" * 40}

    assert find_key_by_secret(issued.secret) == issued.key
    assert make_key().key.pepper_number == 9


def test_plan_limits_the_number_of_keys() -> None:
    subscription = make_subscription(plan=make_plan(key_limit=2))
    first = make_key(subscription)
    make_key(subscription)

    with pytest.raises(KeyLimitReached):
        make_key(subscription)

    services.revoke_key(key=first.key, actor=SYSTEM)
    make_key(subscription)


def test_suspended_subscription_gets_no_keys() -> None:
    subscription = make_subscription()
    suspend_subscription(subscription=subscription, actor=SYSTEM, reason="abuse")

    with pytest.raises(SubscriptionNotCallable):
        make_key(subscription)


@pytest.mark.parametrize(
    "terms",
    [
        {"scopes": ()},
        {"scopes": ("all",)},
        {"ip_allow": ("10.0.0.1/8",)},
        {"ip_allow": ("anywhere",)},
        {"rate_per_minute": 0},
        {"expires_at": clock.now() - HOUR},
    ],
)
def test_impossible_terms_are_refused(terms: dict[str, Any]) -> None:
    with pytest.raises(InvalidKeyTerms):
        services.create_key(
            subscription=make_subscription(), terms=KeyTerms(name="x", **terms), actor=SYSTEM
        )

    assert not ApiKey.objects.exists()


def test_proof_makes_a_key_active_once() -> None:
    key = make_key(is_active=False).key

    services.activate_key(key_id=key.pk, actor=SYSTEM)
    services.activate_key(key_id=key.pk, actor=SYSTEM)

    key.refresh_from_db()
    assert key.status == KeyStatus.ACTIVE
    assert AuditEvent.objects.filter(action="keys:key:activated").count() == 1


def test_late_proof_does_not_bring_a_revoked_key_back() -> None:
    key = make_key(is_active=False).key
    services.revoke_key(key=key, actor=SYSTEM)

    services.activate_key(key_id=key.pk, actor=SYSTEM)

    key.refresh_from_db()
    assert key.status == KeyStatus.REVOKED


def test_failed_sync_is_healed_by_a_later_proof() -> None:
    key = make_key(is_active=False).key

    services.mark_key_sync_failed(key_id=key.pk, reason="no proof", actor=SYSTEM)
    key.refresh_from_db()
    assert (key.status, key.status_reason) == (KeyStatus.FAILED_SYNC, "no proof")

    services.activate_key(key_id=key.pk, actor=SYSTEM)
    key.refresh_from_db()
    assert key.status == KeyStatus.ACTIVE


def test_revoke_is_final_and_repeatable() -> None:
    key = make_key().key

    services.revoke_key(key=key, actor=SYSTEM, reason="leaked")
    services.revoke_key(key=key, actor=SYSTEM)

    assert AuditEvent.objects.filter(action="keys:key:revoked").count() == 1
    with pytest.raises(InvalidTransition):
        services.resume_key(key=key, actor=SYSTEM)


def test_resume_is_only_for_suspended_keys() -> None:
    pending = make_key(is_active=False).key
    with pytest.raises(InvalidTransition):
        services.resume_key(key=pending, actor=SYSTEM)

    active = make_key().key
    services.suspend_key(key=active, actor=SYSTEM)
    assert services.resume_key(key=active, actor=SYSTEM).status == KeyStatus.ACTIVE


def test_rotation_keeps_both_keys_until_the_grace_ends() -> None:
    old = make_key(name="Server", scopes=("read",), rate_per_minute=5).key

    successor = services.rotate_key(key=old, grace=2 * HOUR, actor=SYSTEM).key

    old.refresh_from_db()
    assert old.status == KeyStatus.ROTATING
    assert (successor.name, successor.scopes, successor.rate_per_minute) == ("Server", ["read"], 5)
    assert services.complete_due_rotations(actor=SYSTEM) == 0

    advance(old, 3 * HOUR)
    assert services.complete_due_rotations(actor=SYSTEM) == 1
    assert services.complete_due_rotations(actor=SYSTEM) == 0
    old.refresh_from_db()
    assert old.status == KeyStatus.REVOKED
    assert KeyRotation.objects.get().completed_at is not None


def test_rotation_without_grace_revokes_at_once() -> None:
    old = make_key().key

    services.rotate_key(key=old, grace=timedelta(0), actor=SYSTEM)

    old.refresh_from_db()
    assert old.status == KeyStatus.REVOKED


def test_grace_never_outlives_the_old_key() -> None:
    expires_at = clock.now() + HOUR
    old = make_key(expires_at=expires_at).key

    services.rotate_key(key=old, grace=24 * HOUR, actor=SYSTEM)

    assert KeyRotation.objects.get().grace_ends_at == expires_at


@pytest.mark.parametrize("grace", [-HOUR, timedelta(days=31)])
def test_grace_outside_its_range_changes_nothing(grace: timedelta) -> None:
    old = make_key().key

    with pytest.raises(InvalidKeyTerms):
        services.rotate_key(key=old, grace=grace, actor=SYSTEM)

    assert ApiKey.objects.count() == 1


def test_keys_expire_by_the_accounts_own_clock() -> None:
    key = make_key(expires_at=clock.now() + HOUR).key
    assert services.expire_due_keys(actor=SYSTEM) == 0

    advance(key, 2 * HOUR)

    assert services.expire_due_keys(actor=SYSTEM) == 1
    key.refresh_from_db()
    assert key.status == KeyStatus.EXPIRED
