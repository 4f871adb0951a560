"""What a key may do, changed after it was made: checked, audited, told to the gateway."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from apps.apis.models import Api
from apps.core import clock
from apps.core.models import AuditEvent
from apps.gateway.models import RegistryEntry
from apps.keys import services
from apps.keys.exceptions import InvalidKeyTerms, KeyEnded, KeyLimitReached
from apps.keys.models import ApiKey
from apps.subscriptions.models import Subscription
from tests.factories.accounts import OrganizationFactory
from tests.factories.apis import ApiVersionFactory, EndpointFactory
from tests.factories.keys import SYSTEM, make_key
from tests.factories.pricing import make_plan, make_price
from tests.factories.subscriptions import make_subscription

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def describe(api: Api, *operations: tuple[str, str, str]) -> None:
    version = ApiVersionFactory(api=api)
    for position, (method, path, tag) in enumerate(operations):
        EndpointFactory(version=version, method=method, path=path, tag=tag, position=position)


@pytest.fixture
def subscription() -> Subscription:
    plan = make_plan(price=make_price(rate_per_second=10, rate_per_minute=60))
    subscription = make_subscription(plan=plan)
    describe(plan.api, ("GET", "/days/{day}", "Days"), ("POST", "/days", "Days"))
    return subscription


def payload_of(key: ApiKey) -> dict[str, Any]:
    payload = RegistryEntry.objects.get(subject_id=key.pk, key=key.digest).payload
    assert payload is not None
    return dict(payload)


def test_changed_terms_reach_gateway_and_trail(subscription: Subscription) -> None:
    key = make_key(subscription).key

    changed = services.change_key_terms(
        key=key,
        changes={
            "scopes": ("read",),
            "endpoints": ("GET /days/{day}",),
            "ip_allow": ("192.0.2.0/24",),
            "rate_per_second": 2,
            "rate_per_day": 500,
        },
        actor=SYSTEM,
    )

    payload = payload_of(changed)
    assert payload["scopes"] == ["read"]
    assert payload["endpoints"] == [["GET", "/days/{day}"]]
    assert payload["ip_allow"] == ["192.0.2.0/24"]
    assert payload["limits"] == [
        {"name": "key-second", "max": 2, "window_s": 1},
        {"name": "key-day", "max": 500, "window_s": 86_400},
    ]
    row = AuditEvent.objects.get(target_id=key.pk, action="keys:key:terms_changed")
    assert row.before["scopes"] == ["read", "write"]
    assert row.after["rate_per_day"] == 500
    assert "expires_at" not in row.after


def test_nothing_new_leaves_no_trace(subscription: Subscription) -> None:
    key = make_key(subscription).key

    services.change_key_terms(key=key, changes={"scopes": ("read", "write")}, actor=SYSTEM)

    assert not AuditEvent.objects.filter(action="keys:key:terms_changed").exists()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"scopes": ()}, "scopes"),
        ({"scopes": ("everything",)}, "scopes"),
        ({"ip_allow": ("192.0.2.1/24",)}, "ip_allow"),
        ({"ip_allow": ("here",)}, "ip_allow"),
        ({"ip_allow": tuple(f"192.0.2.{n}" for n in range(51))}, "ip_allow"),
        ({"endpoints": ("GET /nights",)}, "endpoints"),
        ({"endpoints": ("get /days/{day}",)}, "endpoints"),
        ({"tags": ("Nights",)}, "tags"),
        ({"rate_per_second": 11}, "rate_per_second"),
        ({"rate_per_minute": 61}, "rate_per_minute"),
        ({"rate_per_minute": 0}, "rate_per_minute"),
        ({"rate_per_hour": -1}, "rate_per_hour"),
        ({"rate_per_day": 10**10}, "rate_per_day"),
        ({"expires_at": clock.now() - DAY}, "expires_at"),
        ({"expires_at": clock.now() + 4000 * DAY}, "expires_at"),
    ],
)
def test_impossible_terms_change_nothing(
    subscription: Subscription, changes: Any, field: str
) -> None:
    key = make_key(subscription).key
    before = ApiKey.objects.values().get(pk=key.pk)

    wanted: Any = {"tags": ("Days",), **changes}
    with pytest.raises(InvalidKeyTerms) as refused:
        services.change_key_terms(key=key, changes=wanted, actor=SYSTEM)

    assert refused.value.field == field
    assert ApiKey.objects.values().get(pk=key.pk) == before
    assert "tags" not in str(AuditEvent.objects.filter(action="keys:key:terms_changed"))


def test_new_key_is_checked_by_the_same_rules(subscription: Subscription) -> None:
    with pytest.raises(InvalidKeyTerms) as refused:
        make_key(subscription, rate_per_minute=61)

    assert (refused.value.field, refused.value.extra["limit"]) == ("rate_per_minute", 60)
    assert make_key(subscription, rate_per_minute=60, tags=("Days",)).key.tags == ["Days"]


def test_ended_key_is_left_alone(subscription: Subscription) -> None:
    key = make_key(subscription).key
    services.revoke_key(key=key, actor=SYSTEM)

    with pytest.raises(KeyEnded):
        services.change_key_terms(key=key, changes={"scopes": ("read",)}, actor=SYSTEM)


def test_what_a_key_has_may_stay_when_the_plan_has_changed(subscription: Subscription) -> None:
    key = make_key(subscription, rate_per_minute=60, endpoints=("POST /days",)).key
    type(subscription.price_version).objects.update(rate_per_minute=30)
    subscription.api.versions.all().delete()

    kept = services.change_key_terms(
        key=key,
        changes={"rate_per_minute": 60, "endpoints": ("POST /days",), "scopes": ("read",)},
        actor=SYSTEM,
    )

    assert (kept.rate_per_minute, kept.scopes) == (60, ["read"])
    with pytest.raises(InvalidKeyTerms):
        services.change_key_terms(key=key, changes={"rate_per_minute": 31}, actor=SYSTEM)


def test_expiry_is_bound_by_the_plan() -> None:
    subscription = make_subscription(plan=make_plan(key_max_days=30))
    key = make_key(subscription).key

    assert key.expires_at is not None
    assert abs(key.expires_at - clock.now() - 30 * DAY) < timedelta(minutes=1)
    for impossible in (None, clock.now() + 31 * DAY):
        with pytest.raises(InvalidKeyTerms) as refused:
            services.change_key_terms(key=key, changes={"expires_at": impossible}, actor=SYSTEM)
        assert refused.value.field == "expires_at"
    sooner = clock.now() + 3 * DAY
    changed = services.change_key_terms(key=key, changes={"expires_at": sooner}, actor=SYSTEM)
    assert changed.expires_at == sooner


def test_new_expiry_is_a_new_term(subscription: Subscription) -> None:
    key = make_key(subscription, expires_at=clock.now() + 30 * DAY, auto_renew=True).key

    changed = services.change_key_terms(
        key=key, changes={"expires_at": clock.now() + 7 * DAY}, actor=SYSTEM
    )
    assert changed.term is not None
    assert abs(changed.term - 7 * DAY) < timedelta(minutes=1)
    endless = services.change_key_terms(key=key, changes={"expires_at": None}, actor=SYSTEM)
    assert (endless.term, endless.auto_renew) == (None, False)


def test_expiry_is_the_accounts_time() -> None:
    sandbox = OrganizationFactory(is_sandbox=True, clock_offset=100 * DAY)
    key = make_key(make_subscription(consumer=sandbox)).key

    with pytest.raises(InvalidKeyTerms):
        services.change_key_terms(
            key=key, changes={"expires_at": clock.now() + 99 * DAY}, actor=SYSTEM
        )


def test_replaced_key_ends_with_its_grace(subscription: Subscription) -> None:
    key = make_key(subscription).key
    services.rotate_key(key=key, grace=DAY, actor=SYSTEM)

    with pytest.raises(InvalidKeyTerms):
        services.change_key_terms(
            key=key, changes={"expires_at": clock.now() + 2 * DAY}, actor=SYSTEM
        )
    tightened = services.change_key_terms(key=key, changes={"scopes": ("read",)}, actor=SYSTEM)
    assert payload_of(tightened)["scopes"] == ["read"]


def test_successor_has_the_terms_of_the_old_key(subscription: Subscription) -> None:
    key = make_key(
        subscription, tags=("Days",), rate_per_hour=5, scopes=("read",), ip_allow=("192.0.2.1",)
    ).key

    successor = services.rotate_key(key=key, grace=DAY, actor=SYSTEM).key

    assert payload_of(successor)["endpoints"] == [["GET", "/days/{day}"], ["POST", "/days"]]
    assert (successor.rate_per_hour, successor.scopes) == (5, ["read"])


def test_sixth_key_needs_a_plan_that_allows_it() -> None:
    plan = make_plan()
    subscription = make_subscription(plan=plan)
    for _ in range(5):
        make_key(subscription)

    with pytest.raises(KeyLimitReached) as refused:
        make_key(subscription)

    assert (refused.value.status, refused.value.extra["limit"]) == (409, 5)
    type(plan).objects.update(key_limit=6)
    assert make_key(subscription).key.status == "active"
