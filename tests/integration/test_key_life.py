"""A key's life on the test clock, with real processes: replaced by itself, renewed, revoked because it leaked.

The account's clock is moved; a relay process carries what happens to Valkey, an authorizer process decides.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.accounts.services import advance_clock
from apps.core import clock
from apps.keys import services
from apps.keys.enums import KeyStatus
from apps.keys.models import ApiKey, KeyRotation
from apps.keys.services import IssuedKey
from tests.apps.gateway.dataplane.harness import AuthorizerProcess, ask_headers, wait_for
from tests.factories.accounts import OrganizationFactory
from tests.factories.keys import SYSTEM, make_key
from tests.factories.subscriptions import make_subscription

pytestmark = pytest.mark.django_db(transaction=True)

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def sandbox_key(**terms: object) -> IssuedKey:
    """Issue a key of a sandbox account, and wait until every authorizer knows it."""
    consumer = OrganizationFactory(is_sandbox=True)
    issued = make_key(make_subscription(consumer=consumer), is_active=False, **terms)
    wait_for(lambda: status_of(issued.key) == KeyStatus.ACTIVE, what="active key")
    return issued


def status_of(key: ApiKey) -> str:
    return ApiKey.objects.values_list("status", flat=True).get(pk=key.pk)


def move(key: ApiKey, by: timedelta) -> None:
    key.organization.refresh_from_db()
    advance_clock(organization=key.organization, actor=SYSTEM, by=by)


def answer(authorizer: AuthorizerProcess, key: ApiKey, secret: str) -> int:
    slug = key.subscription.api.slug
    headers = ask_headers(None, x_tollgate_slug=slug, x_api_key=secret)
    return authorizer.client.get("/authz/caddy", headers=headers).status_code


def test_key_is_replaced_by_itself_and_both_pass_until_the_grace_ends(
    authorizer: AuthorizerProcess,
) -> None:
    old = sandbox_key(rotation_days=5)

    move(old.key, 5 * DAY + HOUR)
    wait_for(KeyRotation.objects.exists, timeout_s=20, what="rotation by itself")
    new = KeyRotation.objects.get().new_key
    wait_for(lambda: status_of(new) == KeyStatus.ACTIVE, timeout_s=20, what="active successor")
    secret = services.reveal_key(key=new, actor=SYSTEM)
    wait_for(lambda: answer(authorizer, new, secret) == 200, what="the new key passes")
    assert answer(authorizer, old.key, old.secret) == 200

    move(old.key, 5 * DAY)

    wait_for(lambda: answer(authorizer, old.key, old.secret) == 401, timeout_s=20)
    wait_for(lambda: answer(authorizer, new, secret) == 200, timeout_s=20)


def test_renewed_key_passes_beyond_its_first_end_and_another_does_not(
    authorizer: AuthorizerProcess,
) -> None:
    expires_at = clock.now() + 3 * DAY
    renewed = sandbox_key(expires_at=expires_at, auto_renew=True, rotation_days=0)
    ending = sandbox_key(expires_at=expires_at, rotation_days=0)

    move(renewed.key, 3 * DAY + HOUR)
    move(ending.key, 3 * DAY + HOUR)

    wait_for(lambda: status_of(ending.key) == KeyStatus.EXPIRED, timeout_s=20, what="expired key")
    wait_for(lambda: answer(authorizer, ending.key, ending.secret) == 401, what="it is refused")
    wait_for(lambda: answer(authorizer, renewed.key, renewed.secret) == 200, timeout_s=20)


def test_key_that_leaked_is_refused(authorizer: AuthorizerProcess) -> None:
    issued = sandbox_key()
    wait_for(lambda: answer(authorizer, issued.key, issued.secret) == 200, what="key passes")

    services.report_leak(key=issued.key, url="https://example.com/", source="", actor=SYSTEM)

    wait_for(lambda: answer(authorizer, issued.key, issued.secret) == 401, what="key is refused")
