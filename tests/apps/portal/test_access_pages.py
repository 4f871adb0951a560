"""Pages about access: plans, subscribing, subscriptions, keys. Without scripts, as a browser posts them."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import Membership
from apps.keys import constants
from apps.keys.models import ApiKey
from apps.pricing.models import Plan, PriceVersion
from apps.subscriptions.models import Subscription
from tests.factories.accounts import make_member
from tests.factories.apis import make_api
from tests.factories.keys import make_key
from tests.factories.pricing import make_plan
from tests.factories.subscriptions import make_subscription

pytestmark = pytest.mark.django_db

Connect = Callable[[Membership], Client]

PRICE = {
    "currency": "usd",
    "interval": "month",
    "interval_count": "1",
    "quota_calls": "10000",
    "quota_kind": "hard",
    "components": "2",
    "c0-model": "flat",
    "c0-flat_fee": "9",
    "c1-model": "graduated",
    "c1-meter": "calls",
    "c1-free_units": "1000",
    "c1-units": "12000",
    "c1-tiers": "3",
    "c1-t0-up_to": "10000",
    "c1-t0-unit_price": "0.002",
    "c1-t1-unit_price": "0.001",
}


@pytest.fixture(autouse=True)
def no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "REVOCATION_PROOF_WAIT_S", 0.05)


def provider() -> tuple[Membership, Any]:
    member = make_member("developer")
    return member, make_api(organization=member.organization)


def consumer() -> tuple[Membership, Subscription]:
    member = make_member("developer")
    return member, make_subscription(consumer=member.organization)


def text_of(response: Any) -> str:
    """Return what the page says, without its markup."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


# --- the provider's plans -------------------------------------------------------------------------


def build(member: Membership, client_for: Connect, **changes: str) -> Any:
    api = make_api(organization=member.organization)
    data = {**PRICE, "api": str(api.pk), "name": "Basic", "key_limit": "5", **changes}
    return client_for(member).post(reverse("portal:provider_plan_create"), data)


def test_plan_builder_shows_the_bill_before_anything_is_saved(client_for: Connect) -> None:
    answer = build(make_member("developer"), client_for, show_bill="1")

    assert "$30.00" in text_of(answer)
    assert not Plan.objects.exists()


def test_plan_builder_offers_more_tiers_and_keeps_what_was_typed(client_for: Connect) -> None:
    answer = build(make_member("developer"), client_for, add_tier="1")

    assert 'name="c1-t3-unit_price"' in answer.content.decode()
    assert 'value="0.002"' in answer.content.decode()
    assert not Plan.objects.exists()


def test_plan_builder_saves_and_publishes(client_for: Connect) -> None:
    answer = build(make_member("developer"), client_for, publish="1")

    plan = Plan.objects.get()
    assert answer.url == reverse("portal:provider_plan", args=[plan.public_id])
    version = PriceVersion.objects.get()
    assert (plan.status, version.currency, version.is_current) == ("published", "USD", True)
    tiers = version.components.get(meter="calls").tiers
    assert [(tier.up_to, str(tier.unit_price.normalize())) for tier in tiers.all()] == [
        (10000, "0.002"),
        (None, "0.001"),
    ]


def test_plan_builder_puts_a_defect_where_it_was_typed(client_for: Connect) -> None:
    answer = build(make_member("developer"), client_for, save="1", **{"c1-t1-up_to": "5"})

    assert answer.status_code == 200
    assert 'id="id_c1-t1-up_to_error"' in answer.content.decode()
    assert not Plan.objects.exists()


def test_plan_page_answers_what_it_costs(client_for: Connect) -> None:
    member, api = provider()
    plan = make_plan(api)
    client = client_for(member)

    page = client.get(reverse("portal:provider_plan", args=[plan.public_id]), {"calls": "12000"})
    bill = client.get(
        reverse("portal:provider_plan", args=[plan.public_id]),
        {"calls": "12000"},
        headers={"HX-Request": "true", "HX-Target": "bill"},
    )

    assert "$30.00" in text_of(page)
    assert "<html" not in bill.content.decode()
    assert "$30.00" in text_of(bill)


def test_new_price_begins_with_the_old_one(client_for: Connect) -> None:
    member, api = provider()
    plan = make_plan(api)
    url = reverse("portal:provider_plan_price", args=[plan.public_id])

    shown = client_for(member).get(url).content.decode()
    client_for(member).post(url, {**PRICE, "c0-flat_fee": "12", "publish": "1"})

    assert 'value="0.002"' in shown
    current = plan.versions.get(is_current=True)
    assert (current.number, current.components.get(meter="base_fee").flat_fee) == (2, Decimal(12))


@pytest.mark.parametrize(("move", "status"), [("deprecate", "deprecated"), ("close", "closed")])
def test_plan_moves(move: str, status: str, client_for: Connect) -> None:
    member, api = provider()
    plan = make_plan(api)

    client_for(member).post(reverse(f"portal:provider_plan_{move}", args=[plan.public_id]))

    plan.refresh_from_db()
    assert plan.status == status


def test_plan_of_another_organization_is_not_found(client_for: Connect) -> None:
    plan, client = make_plan(), client_for(make_member("owner"))

    for name in (
        "provider_plan",
        "provider_plan_edit",
        "provider_plan_price",
        "provider_plan_close",
    ):
        assert client.get(reverse(f"portal:{name}", args=[plan.public_id])).status_code == 404


# --- subscribing ----------------------------------------------------------------------------------


def test_api_page_compares_plans_and_leads_to_subscribing(client_for: Connect) -> None:
    plan = make_plan()
    client = client_for(make_member("developer"))
    subscribe_url = reverse("portal:subscribe", args=[plan.public_id])

    page = client.get(reverse("portal:api", args=[plan.api.slug]))
    assert subscribe_url in page.content.decode()
    assert "$9.00" in text_of(page)

    confirm = client.get(subscribe_url)
    assert "0.002" in text_of(confirm)
    made = client.post(subscribe_url)
    subscription = Subscription.objects.get()
    assert made["Location"] == reverse("portal:subscription", args=[subscription.public_id])
    assert client.post(subscribe_url)["Location"] == made["Location"]
    assert Subscription.objects.count() == 1


def test_api_page_is_open_to_strangers(client: Client) -> None:
    plan = make_plan()

    page = client.get(reverse("portal:api", args=[plan.api.slug]))

    assert (page.status_code, "Subscribe" in text_of(page)) == (200, True)


def test_subscription_page_opens_with_used_and_limit(client_for: Connect) -> None:
    member, subscription = consumer()
    make_key(subscription, name="Web shop")

    page = client_for(member).get(reverse("portal:subscription", args=[subscription.public_id]))

    text = text_of(page)
    assert "0 of 10,000 calls" in text
    assert "Web shop" in text
    assert f"/{subscription.api.slug}/" in text


def test_consumer_cancels_and_takes_it_back(client_for: Connect) -> None:
    member, subscription = consumer()
    client, args = client_for(member), [subscription.public_id]

    assert client.get(reverse("portal:subscription_cancel", args=args)).status_code == 200
    client.post(reverse("portal:subscription_cancel", args=args), {"at": "period_end"})
    subscription.refresh_from_db()
    assert subscription.cancel_at_period_end

    client.post(reverse("portal:subscription_keep", args=args))
    subscription.refresh_from_db()
    assert subscription.ends_at is None

    client.post(reverse("portal:subscription_pause", args=args))
    client.post(reverse("portal:subscription_resume", args=args))
    client.post(reverse("portal:subscription_cancel", args=args), {"at": "now"})
    subscription.refresh_from_db()
    assert subscription.status == "cancelled"
    assert client.get(reverse("portal:subscription", args=args)).status_code == 200


def test_provider_decides_on_subscribers(client_for: Connect) -> None:
    member, api = provider()
    plan = make_plan(api, requires_approval=True)
    first, second = make_subscription(plan=plan), make_subscription(plan=plan)
    client = client_for(member)

    page = text_of(client.get(reverse("portal:provider_subscribers")))
    assert first.consumer_organization.name in page
    client.post(reverse("portal:provider_subscriber_accept", args=[first.public_id]))
    decline = reverse("portal:provider_subscriber_decline", args=[second.public_id])
    assert client.get(decline).status_code == 200
    client.post(decline, {"reason": "Not yet"})
    client.post(
        reverse("portal:provider_subscriber_suspend", args=[first.public_id]), {"reason": "abuse"}
    )

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, first.status_reason) == ("suspended", "abuse")
    assert (second.status, second.status_reason) == ("cancelled", "Not yet")
    client.post(reverse("portal:provider_subscriber_resume", args=[first.public_id]))
    first.refresh_from_db()
    assert first.status == "active"


# --- keys -----------------------------------------------------------------------------------------


def test_key_is_shown_once_with_a_command(client_for: Connect) -> None:
    member, subscription = consumer()
    client = client_for(member)
    data = {"name": "Web shop", "scopes": ["read"], "ip_allow": "192.0.2.0/24\n2001:db8::1"}

    answer = client.post(reverse("portal:key_create", args=[subscription.public_id]), data)

    html = answer.content.decode()
    secret = re.search(r"tgk_live_\w{32}_\w{6}", html)
    assert secret
    assert f"X-Api-Key: {secret[0]}" in html.replace("&quot;", '"')
    # The key itself, and a call of it in each language.
    assert html.count(secret[0]) == 5
    assert html.count('class="snippets__panel"') == 4
    assert "no-store" in answer.headers["Cache-Control"]
    key = ApiKey.objects.get()
    assert (key.scopes, key.ip_allow) == (["read"], ["192.0.2.0/24", "2001:db8::1"])
    for url in (
        reverse("portal:keys"),
        reverse("portal:key", args=[key.public_id]),
        reverse("portal:subscription", args=[subscription.public_id]),
    ):
        assert secret[0] not in client.get(url).content.decode()


def test_impossible_address_is_an_error_of_its_field(client_for: Connect) -> None:
    member, subscription = consumer()

    answer = client_for(member).post(
        reverse("portal:key_create", args=[subscription.public_id]),
        {"name": "x", "scopes": ["read"], "ip_allow": "somewhere"},
    )

    assert 'id="id_ip_allow_error"' in answer.content.decode()
    assert not ApiKey.objects.exists()


def test_key_page_tells_its_trail_and_renames(client_for: Connect) -> None:
    member, subscription = consumer()
    key = make_key(subscription).key
    client, url = client_for(member), reverse("portal:key", args=[key.public_id])

    client.post(url, {"name": "Backend"})

    text = text_of(client.get(url))
    assert "Backend" in text
    assert "Renamed" in text
    assert member.user.name in text


def test_rotate_and_revoke_ask_first(client_for: Connect) -> None:
    member, subscription = consumer()
    key = make_key(subscription).key
    client, args = client_for(member), [key.public_id]

    assert client.get(reverse("portal:key_rotate", args=args)).status_code == 200
    rotated = client.post(reverse("portal:key_rotate", args=args), {"grace_hours": "24"})
    assert re.search(r"tgk_live_\w{32}_\w{6}", rotated.content.decode())
    assert client.get(reverse("portal:key_revoke", args=args)).status_code == 200
    client.post(reverse("portal:key_revoke", args=args), {"reason": "leaked"})

    key.refresh_from_db()
    assert (key.status, key.status_reason) == ("revoked", "leaked")


def test_pending_key_asks_for_its_state_by_itself(client_for: Connect) -> None:
    member, subscription = consumer()
    pending = make_key(subscription, is_active=False).key
    client = client_for(member)
    url = reverse("portal:key_state", args=[pending.public_id])

    assert f'hx-get="{url}"' in client.get(url).content.decode()
    active = make_key(subscription).key
    shown = client.get(reverse("portal:key_state", args=[active.public_id])).content.decode()
    assert "hx-get" not in shown


def test_key_of_another_organization_is_not_found(client_for: Connect) -> None:
    key, client = make_key().key, client_for(make_member("owner"))

    for name in ("key", "key_rotate", "key_revoke", "key_state"):
        assert client.get(reverse(f"portal:{name}", args=[key.public_id])).status_code == 404


def test_viewer_sees_keys_but_may_not_make_one(client_for: Connect) -> None:
    member = make_member("viewer")
    subscription = make_subscription(consumer=member.organization)
    make_key(subscription)
    client = client_for(member)

    assert client.get(reverse("portal:keys")).status_code == 200
    create = reverse("portal:key_create", args=[subscription.public_id])
    assert client.get(create).status_code == 403


@pytest.mark.parametrize(
    "route",
    [
        "portal:subscriptions",
        "portal:keys",
        "portal:provider_plans",
        "portal:provider_subscribers",
    ],
)
def test_lists_take_the_same_queries_for_one_and_three(
    route: str, client_for: Connect, django_assert_num_queries: Any
) -> None:
    member = make_member("owner")
    api = make_api(organization=member.organization)
    client = client_for(member)

    def add_row(number: int) -> None:
        make_subscription(plan=make_plan(api, name=f"Plan {number}"))
        make_key(make_subscription(consumer=member.organization))

    add_row(1)
    client.get(reverse(route))
    with CaptureQueriesContext(connection) as one:
        client.get(reverse(route))
    add_row(2)
    add_row(3)

    # The frame around the page asks too, and is counted in its own tests.
    with django_assert_num_queries(len(one)):
        client.get(reverse(route))
