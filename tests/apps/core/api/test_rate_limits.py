"""The platform's own limits: who is counted, what is answered, and what holds while Valkey is away."""

from __future__ import annotations

import copy
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from django.core.exceptions import ImproperlyConfigured
from django.test import Client, override_settings
from prometheus_client import REGISTRY
from pytest_django.fixtures import Settings

from apps.accounts.models import Membership, Organization
from apps.accounts.services import create_service_token
from apps.core.actors import Actor
from apps.core.checks import check_api_rate_limits
from apps.core.limiter.memory import MemoryCounter
from apps.core.limiter.policies import check_table, policy_for
from apps.core.limiter.turns import network_of
from apps.core.limiter.windows import Window
from apps.subscriptions.api_tiers import earned_tier, refresh_api_tier, refresh_api_tiers
from apps.subscriptions.services import suspend_subscription
from marketplace.settings.rest import API_RATE_LIMITS
from tests.apps.gateway.dataplane.harness import ValkeyServer, running, wait_for
from tests.clients import api_client, client_for
from tests.factories.accounts import OrganizationFactory, actor_of, make_member, make_staff
from tests.factories.apis import make_api
from tests.factories.pricing import make_plan
from tests.factories.subscriptions import make_subscription

pytestmark = pytest.mark.django_db

PUBLIC = "/api/v1/marketplace/apis"
OWN = "/api/v1/me"
SYSTEM = Actor.system("tests")


def fresh_address() -> str:
    """Return an address that nobody counted yet, of the networks for documentation."""
    return f"2001:db8:{uuid.uuid4().hex[:4]}:{uuid.uuid4().hex[:4]}::1"


@pytest.fixture(autouse=True)
def real_limits(settings: Settings) -> None:
    """Use the product's own numbers; bursts last longer than a slow test."""
    settings.API_RATE_LIMITS = table()


def table(**routes: Any) -> dict[str, Any]:
    found: dict[str, Any] = copy.deepcopy(API_RATE_LIMITS)
    for allowance in found["tiers"].values():
        if allowance:
            allowance["burst_s"] = 50
    found["routes"].update(routes)
    return found


def codes(client: Any, path: str, times: int, **meta: Any) -> list[int]:
    return [client.get(path, **meta).status_code for _ in range(times)]


def test_strangers_have_ten_calls_in_a_burst_and_then_read_why() -> None:
    client = Client()
    meta: dict[str, Any] = {"REMOTE_ADDR": fresh_address()}
    first = client.get(PUBLIC, **meta)

    assert first.status_code == 200
    assert first["X-RateLimit-Limit"] == "10"
    assert first["X-RateLimit-Remaining"] == "9"
    assert first["RateLimit-Policy"] == '"burst";q=10;w=50, "minute";q=30;w=60'
    assert first["RateLimit"].startswith('"burst";r=9;t=')
    assert codes(client, PUBLIC, 9, **meta) == [200] * 9

    refused = client.get(PUBLIC, **meta)
    assert refused.status_code == 429
    assert refused["Content-Type"] == "application/problem+json"
    body = refused.json()
    assert (body["code"], body["policy"]) == ("rate_limit_exceeded", "burst")
    assert refused["Retry-After"] == refused["X-RateLimit-Reset"] == str(body["retry_after_s"])
    assert refused["X-RateLimit-Remaining"] == "0"
    assert int(refused["Retry-After"]) >= 1
    assert codes(client, PUBLIC, 1, REMOTE_ADDR=fresh_address()) == [200]


def test_strangers_have_thirty_calls_a_minute(settings: Settings) -> None:
    settings.API_RATE_LIMITS["tiers"]["anonymous"]["burst"] = 30
    meta: dict[str, Any] = {"REMOTE_ADDR": fresh_address()}

    assert codes(Client(), PUBLIC, 31, **meta) == [200] * 30 + [429]


@pytest.mark.parametrize(
    ("tier", "per_minute", "burst"),
    [
        ("anonymous", 30, 10),
        ("free", 60, 20),
        ("paid-1", 300, 100),
        ("paid-2", 600, 200),
        ("paid-3", 1200, 400),
    ],
)
def test_tiers_have_the_promised_numbers(tier: str, per_minute: int, burst: int) -> None:
    policy = policy_for(tier, "accounts:me")

    assert policy is not None
    assert [(item.name, item.max) for item in policy.windows] == [
        ("burst", burst),
        ("minute", per_minute),
    ]


def test_members_count_by_themselves_and_wherever_they_are(settings: Settings) -> None:
    settings.API_RATE_LIMITS["tiers"]["free"] |= {"per_minute": 3, "burst": 3}
    organization = OrganizationFactory()
    one, other = make_member(organization=organization), make_member(organization=organization)

    assert codes(api_client(one), OWN, 3, REMOTE_ADDR=fresh_address()) == [200] * 3
    assert codes(api_client(one), OWN, 1, REMOTE_ADDR=fresh_address()) == [429]
    assert codes(client_for(one), OWN, 1) == [429]
    assert codes(api_client(other), OWN, 1) == [200]


def test_a_paying_organization_counts_as_a_whole(settings: Settings) -> None:
    settings.API_RATE_LIMITS["tiers"]["paid-1"] |= {"per_minute": 4, "burst": 4}
    organization = OrganizationFactory(api_tier="paid-1")
    one, other = make_member(organization=organization), make_member(organization=organization)

    assert codes(api_client(one), OWN, 2) == [200] * 2
    assert codes(api_client(other), OWN, 3) == [200, 200, 429]


def test_service_tokens_count_for_their_organization(settings: Settings) -> None:
    settings.API_RATE_LIMITS["tiers"]["free"] |= {"per_minute": 2, "burst": 2}
    owner = make_member()
    path = "/api/v1/keys"
    secrets = [
        create_service_token(
            organization=owner.organization,
            name=name,
            permissions=frozenset({"keys.read"}),
            actor=actor_of(owner),
        ).secret
        for name in ("one", "two")
    ]
    answers = [
        Client().get(path, headers={"Authorization": f"Bearer {secret}"}).status_code
        for secret in (*secrets, secrets[0])
    ]

    assert answers == [200, 200, 429]


def test_refused_credentials_count_by_address() -> None:
    meta: dict[str, Any] = {
        "REMOTE_ADDR": fresh_address(),
        "HTTP_AUTHORIZATION": "Bearer tgt_guess",
    }

    assert codes(Client(), OWN, 11, **meta) == [401] * 10 + [429]


def test_unknown_addresses_of_the_api_count_too() -> None:
    meta: dict[str, Any] = {"REMOTE_ADDR": fresh_address()}

    assert codes(Client(), "/api/v1/nothing-here", 11, **meta) == [404] * 10 + [429]


def test_a_forged_forwarded_address_does_not_help(settings: Settings) -> None:
    meta: dict[str, Any] = {"REMOTE_ADDR": fresh_address()}
    forged = [
        Client().get(PUBLIC, headers={"X-Forwarded-For": f"198.51.100.{n}"}, **meta).status_code
        for n in range(11)
    ]
    assert forged == [200] * 10 + [429]

    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    real = fresh_address()
    behind_proxy = [
        Client().get(PUBLIC, headers={"X-Forwarded-For": f"198.51.100.{n}, {real}"}).status_code
        for n in range(11)
    ]
    assert behind_proxy == [200] * 10 + [429]


def test_neighbours_of_one_ipv6_network_are_one() -> None:
    assert network_of("2001:db8:1:2::a") == network_of("2001:db8:1:2:ffff::b") == "2001:db8:1:2::"
    assert network_of("::ffff:192.0.2.1") == network_of("192.0.2.1") == "192.0.2.1"
    assert network_of("none") == "unreadable"


def test_a_route_may_have_numbers_of_its_own(settings: Settings) -> None:
    settings.API_RATE_LIMITS = table(me={"*": {"per_minute": 2, "burst": 2, "burst_s": 50}})
    member = make_member()

    assert codes(api_client(member), OWN, 3) == [200, 200, 429]
    assert codes(api_client(member), "/api/v1/keys", 1) == [200]


def test_supervisors_and_the_platforms_machines_are_not_limited() -> None:
    meta: dict[str, Any] = {"REMOTE_ADDR": fresh_address()}
    live = "/api/health/live"

    assert codes(Client(), live, 40, **meta) == [200] * 40
    assert "X-RateLimit-Limit" not in Client().get(live, **meta)
    assert policy_for("platform", "usage-events") is None


def test_staff_have_the_numbers_of_staff() -> None:
    answer = api_client(make_staff("operator")).get("/api/v1/admin/gateway/nodes")

    assert answer.status_code == 200
    assert answer["X-RateLimit-Limit"] == "400"


# --- Tiers by plan ---------------------------------------------------------------------------


def test_the_best_paid_plan_gives_the_tier() -> None:
    api = make_api()
    plans = [make_plan(api, name=f"Plan {n}", position=n) for n in range(4)]
    consumers = [make_subscription(plan=plan).consumer_organization for plan in plans]

    assert [earned_tier(item.pk) for item in consumers] == ["paid-1", "paid-2", "paid-3", "paid-3"]
    assert refresh_api_tier(consumers[1].pk)
    assert not refresh_api_tier(consumers[1].pk)
    assert Organization.objects.get(pk=consumers[1].pk).api_tier == "paid-2"


def test_a_subscription_that_stops_takes_its_tier_along() -> None:
    subscription = make_subscription()
    assert refresh_api_tiers() == 1
    suspend_subscription(subscription=subscription, actor=SYSTEM, reason="not paid")

    assert refresh_api_tiers() == 1
    assert earned_tier(subscription.consumer_organization_id) == ""


# --- The table -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"free": {"per_minute": "many", "burst": 1}}, "per_minute"),
        ({"free": {"per_minute": 10, "burst": 11}}, "tiers.free needs 1 <= burst"),
        ({"free": {"per_minute": 10, "burst": 1, "burst_s": 60}}, "tiers.free needs a burst_s"),
        ({"golden": {"per_minute": 10, "burst": 1}}, "tiers names 'golden'"),
    ],
)
def test_a_table_that_cannot_be_used_says_where(change: dict[str, Any], words: str) -> None:
    wrong = copy.deepcopy(API_RATE_LIMITS)
    wrong["tiers"].update(change)

    with pytest.raises(ImproperlyConfigured, match=words):
        check_table(wrong)
    with override_settings(API_RATE_LIMITS=wrong):
        assert [error.id for error in check_api_rate_limits()] == ["core.E003"]


def test_a_route_that_does_not_exist_stops_the_start() -> None:
    with override_settings(API_RATE_LIMITS=API_RATE_LIMITS):
        assert check_api_rate_limits() == []
    with override_settings(API_RATE_LIMITS={**API_RATE_LIMITS, "exempt": ["nowhere"]}):
        assert "nowhere" in check_api_rate_limits()[0].msg


# --- Without Valkey --------------------------------------------------------------------------


@pytest.fixture
def own_valkey(tmp_path: Path, settings: Settings) -> Iterator[ValkeyServer]:
    """A Valkey for limits, sessions and cache that a test may stop."""
    server = ValkeyServer(tmp_path / "valkey")
    settings.REDIS_URL = server.url
    settings.CACHES = {
        name: {**cache, "LOCATION": server.url} for name, cache in settings.CACHES.items()
    }
    with running(server):
        yield server


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"{name}_total", labels) or 0.0


def has_counted(server: ValkeyServer) -> bool:
    Client().get(PUBLIC, REMOTE_ADDR=fresh_address())
    return bool(server.client.keys("api:*"))


def test_memory_counts_while_valkey_is_stopped_and_valkey_again_when_it_is_back(
    own_valkey: ValkeyServer, settings: Settings
) -> None:
    settings.API_RATE_LIMIT_FALLBACK = "memory"
    settings.API_RATE_LIMITS["tiers"]["anonymous"] |= {"per_minute": 3, "burst": 3}
    member = make_member()
    browser = client_for(member)
    meta: dict[str, Any] = {"REMOTE_ADDR": fresh_address()}
    before = counted("tollgate_api_rate_limited", tier="anonymous", subject="address")
    assert codes(Client(), PUBLIC, 1, **meta) == [200]
    own_valkey.kill()

    with structlog.testing.capture_logs() as logs:
        assert codes(Client(), "/api/v1/nothing", 4, **meta) == [404, 404, 404, 429]
        # A session is read from the database.
        assert browser.get(OWN).status_code == 200
    assert [row["event"] for row in logs if row["event"].startswith("rate_limit.store")] == [
        "rate_limit.store_away"
    ]
    breach = next(row for row in logs if row["event"] == "rate_limit.breached")
    assert breach["subject"] == "address"
    assert breach["route"] == "unknown"
    assert meta["REMOTE_ADDR"] not in str(breach)
    after = counted("tollgate_api_rate_limited", tier="anonymous", subject="address")
    assert after == before + 1

    own_valkey.start()
    # The process asks again within a second, and from then on counts in Valkey.
    wait_for(lambda: has_counted(own_valkey))
    assert codes(Client(), PUBLIC, 4, **meta) == [200, 200, 200, 429]


def test_production_lets_calls_pass_while_valkey_is_stopped(
    own_valkey: ValkeyServer, settings: Settings
) -> None:
    settings.API_RATE_LIMIT_FALLBACK = "open"
    own_valkey.kill()
    before = counted("tollgate_api_rate_limit_fallback", fallback="open")

    with structlog.testing.capture_logs() as logs:
        assert codes(Client(), "/api/v1/nothing", 40, REMOTE_ADDR=fresh_address()) == [404] * 40
    away = [row for row in logs if row["event"] == "rate_limit.store_away"]
    assert [row["fallback"] for row in away] == ["open"]
    assert counted("tollgate_api_rate_limit_fallback", fallback="open") == before + 40


def test_memory_counts_as_valkey_does() -> None:
    now = 1_000_000
    counter = MemoryCounter(now_ms=lambda: now)
    windows = (Window("burst", 2, 1), Window("minute", 3, 60))

    assert [counter.take("a", windows).is_taken for _ in range(3)] == [True, True, False]
    now += 2_000
    third = counter.take("a", windows)
    assert (third.is_taken, third.left) == (True, 0)
    refused = counter.take("a", windows)
    assert (refused.is_taken, refused.tightest) == (False, 1)
    now += refused.wait_ms
    assert counter.take("a", windows).is_taken
    assert counter.take("b", windows).is_taken


def test_a_person_without_an_organization_counts_by_themselves() -> None:
    member = make_member()
    Membership.objects.filter(pk=member.pk).delete()

    assert api_client(member.user).get(OWN)["X-RateLimit-Limit"] == "20"
