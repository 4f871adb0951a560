"""Holding one organization back for a time: services, registry, REST, the operator's page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings
from pytest_django.fixtures import DjangoAssertNumQueries
from rest_framework.test import APIClient

from apps.accounts.models import Organization
from apps.core import clock
from apps.core.exceptions import RuleViolated
from apps.core.models import AuditEvent
from apps.core.relay import drain_until_empty
from apps.gateway import entries, services
from apps.gateway.entries import RateLimit
from apps.gateway.exceptions import AlreadyThrottled, ThrottleOver
from apps.gateway.models import RegistryEntry, TenantThrottle
from apps.gateway.sync import refresh_due_entries
from apps.gateway.valkey import get_client
from apps.notifications.models import Notification
from tests.factories.accounts import OrganizationFactory, actor_of, make_member, make_staff
from tests.factories.keys import SYSTEM

pytestmark = pytest.mark.django_db

THROTTLES = "/api/v1/admin/gateway/throttles"
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def store(settings: Settings) -> Iterator[None]:
    settings.REQUIRE_STAFF_MFA = False
    get_client().flushdb()
    yield
    get_client().flushdb()


def throttle(organization: Organization | None = None, **fields: Any) -> TenantThrottle:
    return services.apply_throttle(
        organization=organization or OrganizationFactory(),
        actor=SYSTEM,
        **{
            "calls_per_second": 5,
            "calls_per_minute": None,
            "reason": "floods the gateway",
            "ends_at": clock.now() + HOUR,
            **fields,
        },
    )


def limits_of(organization: Organization) -> list[tuple[str, int, int]] | None:
    """Return what the registry wants of an organization; None: nothing of its own."""
    row = RegistryEntry.objects.filter(kind="tenant", key=organization.public_id).first()
    if row is None or row.payload is None:
        return None
    return [(item["name"], item["max"], item["window_s"]) for item in row.payload["limits"]]


def test_a_throttle_is_wanted_at_once_and_absent_when_it_is_lifted() -> None:
    found = throttle(calls_per_minute=100)

    assert limits_of(found.organization) == [("throttle", 5, 1), ("throttle-minute", 100, 60)]
    services.lift_throttle(throttle=found, actor=SYSTEM, reason="they mended it")
    assert limits_of(found.organization) is None
    with pytest.raises(ThrottleOver):
        services.lift_throttle(throttle=found, actor=SYSTEM)
    actions = AuditEvent.objects.filter(target_id=str(found.pk)).order_by("id")
    assert [(row.action, row.reason) for row in actions] == [
        ("gateway:throttle:applied", "floods the gateway"),
        ("gateway:throttle:lifted", "they mended it"),
    ]


def test_a_throttle_ends_by_itself() -> None:
    found = throttle()
    assert refresh_due_entries() == 0
    TenantThrottle.objects.update(ends_at=clock.now())
    RegistryEntry.objects.update(refresh_at=clock.now())

    assert refresh_due_entries() == 1
    assert limits_of(found.organization) is None
    assert refresh_due_entries() == 0
    throttle(found.organization)


def test_the_tighter_limit_of_each_window_counts(settings: Settings) -> None:
    settings.DEFAULT_TENANT_LIMITS = {"per_second": 1000, "per_minute": 20}

    assert limits_of(throttle(calls_per_minute=500).organization) == [
        ("throttle", 5, 1),
        ("tenant-minute", 20, 60),
    ]


def test_everybody_has_one_entry_that_reconciliation_keeps(settings: Settings) -> None:
    settings.DEFAULT_TENANT_LIMITS = {"per_second": 1000, "per_minute": None}
    OrganizationFactory.create_batch(3)

    assert services.want_every_entry() == 1
    row = RegistryEntry.objects.get(kind="tenant")
    assert row.key == entries.EVERY_TENANT
    assert services.entry_of(row) == entries.Tenant(limits=(RateLimit("tenant-second", 1000, 1),))
    assert services.want_every_entry() == 0

    settings.DEFAULT_TENANT_LIMITS = {"per_second": None, "per_minute": None}
    assert services.want_every_entry() == 1
    row.refresh_from_db()
    assert row.payload is None


def test_reconciliation_heals_a_throttle_that_was_lost() -> None:
    found = throttle()
    RegistryEntry.objects.all().delete()

    assert services.want_every_entry() == 1
    assert limits_of(found.organization) == [("throttle", 5, 1)]


def test_a_stopped_organization_stays_stopped() -> None:
    organization = OrganizationFactory(is_active=False)
    throttle(organization)

    row = RegistryEntry.objects.get(kind="tenant")
    assert services.entry_of(row) == entries.Tenant(state="suspended")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"calls_per_second": None}, "calls_per_second"),
        ({"calls_per_second": 0}, "calls_per_second"),
        ({"calls_per_minute": 0}, "calls_per_minute"),
        ({"reason": "  "}, "reason"),
        ({"ends_at": clock.now() - HOUR}, "ends_at"),
        ({"ends_at": clock.now() + timedelta(days=31)}, "ends_at"),
    ],
)
def test_a_throttle_without_sense_is_refused(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(RuleViolated) as refusal:
        throttle(**fields)

    assert refusal.value.field == field
    assert not TenantThrottle.objects.exists()
    assert not RegistryEntry.objects.exists()


def test_one_throttle_at_a_time() -> None:
    found = throttle()

    with pytest.raises(AlreadyThrottled):
        throttle(found.organization)


def test_owners_are_told_and_others_are_not() -> None:
    organization = OrganizationFactory()
    owner = make_member("owner", organization)
    make_member("developer", organization)
    found = throttle(organization)
    drain_until_empty()
    services.lift_throttle(throttle=found, actor=SYSTEM)
    drain_until_empty()

    rows = Notification.objects.filter(kind__startswith="gateway.throttle").order_by("id")
    assert [(row.user_id, row.kind) for row in rows] == [
        (owner.user_id, "gateway.throttled"),
        (owner.user_id, "gateway.throttle_lifted"),
    ]
    assert rows[0].context["reason"] == "floods the gateway"


# --- REST ------------------------------------------------------------------------------------


def test_rest_applies_lists_and_lifts(api_client: Callable[..., APIClient]) -> None:
    client, organization = api_client(make_staff("operator")), OrganizationFactory()
    body = {
        "organization": organization.public_id,
        "calls_per_minute": 60,
        "reason": "floods the gateway",
        "ends_at": (clock.now() + HOUR).isoformat(),
    }

    made = client.post(THROTTLES, body, headers={"Idempotency-Key": "one"})
    again = client.post(THROTTLES, body, headers={"Idempotency-Key": "one"})
    assert (made.status_code, again.status_code) == (201, 201)
    assert made.json() == again.json()
    assert made.json()["is_holding"] is True
    assert client.post(THROTTLES, body).status_code == 409

    listed = client.get(THROTTLES, {"organization": organization.public_id}).json()["data"]
    assert [row["id"] for row in listed] == [made.json()["id"]]
    address = f"{THROTTLES}/{made.json()['id']}"
    assert client.post(f"{address}/lift", {"reason": "mended"}).status_code == 200
    assert client.get(address).json()["is_holding"] is False
    assert client.post(f"{address}/lift", {}).status_code == 409
    assert client.get(f"{THROTTLES}/thr_unknown").status_code == 404


@pytest.mark.parametrize(
    ("change", "status", "pointer"),
    [
        ({"organization": "org_unknown"}, 422, "/organization"),
        ({"reason": ""}, 400, "/reason"),
        ({"calls_per_minute": 0}, 400, "/calls_per_minute"),
        ({"calls_per_minute": 10**12}, 400, "/calls_per_minute"),
        ({"ends_at": "2020-01-01T00:00:00Z"}, 422, "/ends_at"),
        ({"ends_at": "soon"}, 400, "/ends_at"),
    ],
)
def test_rest_names_the_wrong_field(
    api_client: Callable[..., APIClient], change: dict[str, Any], status: int, pointer: str
) -> None:
    body = {
        "organization": OrganizationFactory().public_id,
        "calls_per_minute": 60,
        "reason": "floods the gateway",
        "ends_at": (clock.now() + HOUR).isoformat(),
        **change,
    }

    answer = api_client(make_staff("operator")).post(THROTTLES, body)

    assert answer.status_code == status
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert not TenantThrottle.objects.exists()


@pytest.mark.parametrize("count", [1, 3])
def test_listing_costs_the_same_for_one_and_for_three(
    api_client: Callable[..., APIClient],
    django_assert_num_queries: DjangoAssertNumQueries,
    count: int,
) -> None:
    for _ in range(count):
        throttle()
    client = api_client(make_staff("operator"))

    with django_assert_num_queries(1):
        assert len(client.get(THROTTLES).json()["data"]) == count


# --- The page --------------------------------------------------------------------------------


def test_page_applies_and_lifts(client_for: Callable[..., Client]) -> None:
    client, organization = client_for(make_staff("operator")), OrganizationFactory(name="Noisy Ltd")
    page = reverse("admin:gateway_throttles")
    link = reverse("admin:accounts_organization_change", args=[organization.pk])
    assert f"{page}?organization={organization.public_id}" in client.get(link).content.decode()
    assert (
        organization.public_id
        in client.get(page, {"organization": organization.public_id}).content.decode()
    )
    fields = {
        "organization": organization.public_id,
        "calls_per_second": "5",
        "minutes": "30",
        "reason": "floods the gateway",
    }

    assert client.post(page, fields).status_code == 302
    text = client.get(page).content.decode()
    assert "Noisy Ltd" in text
    assert "floods the gateway" in text
    found = TenantThrottle.objects.get()
    assert found.created_by is not None
    assert found.ends_at - found.created_at < timedelta(minutes=31)
    assert "throttled already" in client.post(page, fields).content.decode()

    client.post(reverse("admin:gateway_throttle_lift", args=[found.public_id]))
    assert "Nobody is throttled." in client.get(page).content.decode()


def test_page_says_what_is_wrong(client_for: Callable[..., Client]) -> None:
    client = client_for(make_staff("operator"))
    fields = {"organization": "org_unknown", "minutes": "30", "reason": "floods"}

    answer = client.post(reverse("admin:gateway_throttles"), fields)

    assert answer.status_code == 422
    assert "There is no organization with this id." in answer.content.decode()


def test_page_is_for_operators(client_for: Callable[..., Client]) -> None:
    client = client_for(make_staff("approver"))

    assert client.get(reverse("admin:gateway_throttles")).status_code == 403


def test_members_cannot_throttle(api_client: Callable[..., APIClient]) -> None:
    assert api_client(make_member()).get(THROTTLES).status_code == 403
    assert actor_of(make_member()).staff_roles == frozenset()
