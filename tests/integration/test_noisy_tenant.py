"""A noisy tenant is held back by an operator, its neighbour is not: through relay, Valkey and authorizer as they are."""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta

import pytest

from apps.core import clock
from apps.gateway.enums import EntryKind
from apps.gateway.models import RegistryEntry, TenantThrottle
from apps.gateway.selectors import wait_until_proven
from apps.gateway.services import apply_throttle, lift_throttle
from apps.keys.services import IssuedKey
from tests.apps.gateway.dataplane.harness import AuthorizerProcess, wait_for
from tests.factories.keys import SYSTEM, make_key
from tests.factories.subscriptions import make_subscription
from tests.integration.test_key_to_call import call, is_active

pytestmark = pytest.mark.django_db(transaction=True)

MAX = 3


def throttle(issued: IssuedKey) -> TenantThrottle:
    return apply_throttle(
        organization=issued.key.organization,
        calls_per_second=None,
        calls_per_minute=MAX,
        reason="floods the gateway",
        ends_at=clock.now() + timedelta(hours=1),
        actor=SYSTEM,
    )


def make_caller() -> IssuedKey:
    issued = make_key(make_subscription(), is_active=False)
    wait_for(lambda: is_active(issued))
    return issued


def counts(authorizer: AuthorizerProcess, name: str) -> dict[str, int]:
    text = authorizer.client.get("/metrics").text
    found = re.findall(rf'^{name}{{tenant="([^"]+)"}} (\d+)$', text, re.MULTILINE)
    return {tenant: int(count) for tenant, count in found}


def test_one_tenant_is_throttled_and_the_other_is_not(authorizer: AuthorizerProcess) -> None:
    noisy, quiet = make_caller(), make_caller()
    a, b = noisy.key.organization.public_id, quiet.key.organization.public_id
    found = throttle(noisy)
    assert wait_until_proven(EntryKind.TENANT, found.organization_id, timeout_s=5)

    first = [call(authorizer, noisy) for _ in range(MAX + 2)]
    second = [call(authorizer, quiet) for _ in range(MAX + 2)]

    assert Counter(answer.status_code for answer in first) == {200: MAX, 429: 2}
    assert {answer.status_code for answer in second} == {200}
    refused = first[-1]
    assert refused.json()["code"] == "rate_limit_exceeded"
    assert refused.json()["policy"] == "throttle-minute"
    assert f'"throttle-minute";q={MAX};w=60' in refused.headers["ratelimit-policy"]
    assert refused.headers["ratelimit"].startswith('"throttle-minute";r=0;t=')
    assert int(refused.headers["retry-after"]) >= 1
    throttled = counts(authorizer, "tollgate_tenant_throttled_total")
    assert (throttled[a], throttled[b]) == (2, 0)
    passed = counts(authorizer, "tollgate_tenant_passed_total")
    assert (passed[a], passed[b]) == (MAX, MAX + 2)

    lift_throttle(throttle=found, actor=SYSTEM)
    assert wait_until_proven(EntryKind.TENANT, found.organization_id, timeout_s=5)
    assert call(authorizer, noisy).status_code == 200


def test_a_throttle_ends_by_itself(authorizer: AuthorizerProcess) -> None:
    noisy = make_caller()
    found = throttle(noisy)
    assert wait_until_proven(EntryKind.TENANT, found.organization_id, timeout_s=5)
    assert [call(authorizer, noisy).status_code for _ in range(MAX + 1)] == [*[200] * MAX, 429]

    # The relay computes the entry again when its time has come.
    now = clock.now()
    TenantThrottle.objects.update(ends_at=now)
    RegistryEntry.objects.filter(kind=EntryKind.TENANT).update(refresh_at=now)
    wait_for(lambda: call(authorizer, noisy).status_code == 200, timeout_s=10)
    row = RegistryEntry.objects.get(kind=EntryKind.TENANT)
    assert row.payload is None
