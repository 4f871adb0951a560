"""A key's pages: what it may do and changing that, trying again, how much it is used, its trail."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from apps.accounts.models import Membership
from apps.core import clock
from apps.keys import services
from apps.keys.models import ApiKey
from apps.usage.ingestion import accept_batch
from apps.usage.processing import process_next_batch
from apps.usage.services import roll_up
from tests.factories.accounts import make_member
from tests.factories.apis import ApiVersionFactory, EndpointFactory
from tests.factories.keys import SYSTEM, make_key
from tests.factories.pricing import make_plan, make_price
from tests.factories.subscriptions import make_subscription
from tests.factories.usage import PLATFORM, make_event

pytestmark = pytest.mark.django_db

Connect = Callable[[Membership], Client]
DAY = timedelta(days=1)


@pytest.fixture
def owner() -> Membership:
    return make_member("owner")


@pytest.fixture
def key(owner: Membership) -> ApiKey:
    plan = make_plan(price=make_price(rate_per_minute=60))
    version = ApiVersionFactory(api=plan.api)
    EndpointFactory(version=version, method="GET", path="/days/{day}", tag="Days")
    EndpointFactory(version=version, method="GET", path="/nights", tag="Nights")
    return make_key(make_subscription(plan=plan, consumer=owner.organization)).key


def url(name: str, key: ApiKey) -> str:
    return reverse(f"portal:{name}", args=[key.public_id])


def test_terms_are_changed_on_their_page(
    client_for: Connect, owner: Membership, key: ApiKey
) -> None:
    client = client_for(owner)
    shown = client.get(url("key_terms", key)).content.decode()
    assert "GET /days/{day}" in shown
    assert "The plan allows 60." in shown

    answer = client.post(
        url("key_terms", key),
        {
            "scopes": ["read"],
            "tags": ["Nights"],
            "endpoints": ["GET /days/{day}"],
            "ip_allow": "192.0.2.0/24\n2001:db8::/32",
            "rate_per_minute": "30",
            "expires_on": (clock.now() + 9 * DAY).date().isoformat(),
        },
    )

    assert answer.status_code == 302
    key.refresh_from_db()
    assert (key.scopes, key.tags, key.rate_per_minute) == (["read"], ["Nights"], 30)
    assert key.endpoints == ["GET /days/{day}"]
    assert key.ip_allow == ["192.0.2.0/24", "2001:db8::/32"]
    assert key.expires_at is not None
    page = client.get(url("key", key)).content.decode()
    assert "Nights" in page
    assert "30 a minute" in page
    assert "Scopes, limits or expiry changed" in page


def test_saving_the_form_unchanged_changes_nothing(
    client_for: Connect, owner: Membership, key: ApiKey
) -> None:
    """The last day stands for the end of a key that was given to the second."""
    key = services.change_key_terms(
        key=key, changes={"expires_at": clock.now() + 9 * DAY}, actor=SYSTEM
    )
    before = ApiKey.objects.values().get(pk=key.pk)
    form = client_for(owner).get(url("key_terms", key)).context["form"]

    client_for(owner).post(
        url("key_terms", key),
        {
            "scopes": ["read", "write"],
            "ip_allow": "",
            "expires_on": form.initial["expires_on"].isoformat(),
        },
    )

    assert ApiKey.objects.values().get(pk=key.pk) == before


def test_refusal_stands_at_its_field(client_for: Connect, owner: Membership, key: ApiKey) -> None:
    answer = client_for(owner).post(
        url("key_terms", key), {"scopes": ["read"], "rate_per_minute": "61"}
    )

    assert answer.status_code == 200
    assert answer.context["form"].errors == {"rate_per_minute": ["The plan allows 60."]}
    key.refresh_from_db()
    assert key.scopes == ["read", "write"]


def test_failed_key_says_why_and_is_tried_again(client_for: Connect, owner: Membership) -> None:
    key = make_key(make_subscription(consumer=owner.organization), is_active=False).key
    services.mark_key_sync_failed(key_id=key.pk, reason="No proof in time.", actor=SYSTEM)
    client = client_for(owner)

    assert "No proof in time." in client.get(url("key", key)).content.decode()
    answer = client.post(url("key_retry", key), follow=True)

    assert "The gateways are being told again." in answer.content.decode()
    assert "Brought to the gateway again" in answer.content.decode()


def test_viewer_reads_and_stranger_finds_nothing(client_for: Connect, key: ApiKey) -> None:
    viewer, stranger = make_member("viewer"), make_member("owner")
    type(viewer).objects.filter(pk=viewer.pk).update(organization=key.organization_id)
    viewer.refresh_from_db()

    assert "Change scopes" not in client_for(viewer).get(url("key", key)).content.decode()
    assert client_for(viewer).get(url("key_terms", key)).status_code == 403
    for name in ("key", "key_terms"):
        assert client_for(stranger).get(url(name, key)).status_code == 404
    assert client_for(stranger).post(url("key_retry", key)).status_code == 404


def test_page_draws_the_calls_of_this_key_only(
    client_for: Connect,
    owner: Membership,
    key: ApiKey,
) -> None:
    other = make_key(key.subscription).key
    yesterday = clock.now() - DAY
    events = [
        make_event(key.subscription, occurred_at=yesterday, key_id=used.public_id)
        for used in (key, key, key, other)
    ]
    accept_batch(body=json.dumps({"events": events}).encode(), batch_key="", actor=PLATFORM)
    assert process_next_batch()

    roll_up()

    trend = client_for(owner).get(url("key", key)).context["trend"]
    assert trend.calls == 3
    assert trend.line.line.count("L") == 30


@pytest.mark.parametrize("renamings", [1, 3])
def test_page_takes_as_many_queries_however_long_the_trail(
    client_for: Connect,
    owner: Membership,
    key: ApiKey,
    renamings: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(renamings):
        services.rename_key(key=key, name=f"Name {number}", actor=SYSTEM)
    client = client_for(owner)
    client.get(url("key", key))

    with django_assert_num_queries(19):
        client.get(url("key", key))


def test_long_trail_has_pages(client_for: Connect, owner: Membership, key: ApiKey) -> None:
    for number in range(25):
        services.rename_key(key=key, name=f"Name {number}", actor=SYSTEM)
    client = client_for(owner)

    assert len(client.get(url("key", key)).context["trail"]) == 20
    assert len(client.get(url("key", key) + "?page=2").context["trail"]) == 7


def test_new_key_with_endpoints_and_a_curl_line(
    client_for: Connect, owner: Membership, key: ApiKey
) -> None:
    page = reverse("portal:key_create", args=[key.subscription.public_id])

    answer = client_for(owner).post(
        page, {"name": "Narrow", "scopes": ["admin"], "tags": ["Days"], "rate_per_hour": "9"}
    )

    made = ApiKey.objects.get(name="Narrow")
    assert (made.scopes, made.tags, made.rate_per_hour) == (["admin"], ["Days"], 9)
    assert "curl" in answer.content.decode()
