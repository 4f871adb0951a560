"""A subscription with everything below it, as rows: for tests of the apps above that do not care how it came to be."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from apps.accounts.models import Organization, Workspace
from apps.apis.enums import ApiStatus
from apps.apis.models import Api, Category
from apps.core import clock
from apps.core.ids import uuid7
from apps.pricing.enums import PlanStatus, PriceModel
from apps.pricing.models import Plan, PriceVersion
from apps.subscriptions.enums import SubscriptionStatus
from apps.subscriptions.models import Subscription
from apps.usage.models import UsageWindow
from tests.factories.accounts import OrganizationFactory


def make_subscription_row(
    *, consumer: Organization | None = None, provider: Organization | None = None, **fields: Any
) -> Subscription:
    """Insert an active subscription to an active API on a published plan."""
    consumer = consumer or OrganizationFactory()
    provider = provider or OrganizationFactory()
    mark = uuid7().hex[-10:]
    category, _is_new = Category.objects.get_or_create(slug="data", defaults={"name": "Data"})
    api = Api.objects.create(
        organization=provider,
        category=category,
        name=f"API {mark}",
        slug=f"api-{mark}",
        upstream_url="https://upstream.example.com",
        status=ApiStatus.ACTIVE,
    )
    plan = Plan.objects.create(
        organization=provider, api=api, name="Basic", slug="basic", status=PlanStatus.PUBLISHED
    )
    version = PriceVersion.objects.create(
        organization=provider, plan=plan, number=1, currency="USD", is_current=True
    )
    now = clock.now()
    return Subscription.objects.create(
        consumer_organization=consumer,
        provider_organization=provider,
        workspace=Workspace.objects.get(organization=consumer, is_default=True),
        api=api,
        plan=plan,
        price_version=version,
        **{
            "timezone": "UTC",
            "status": SubscriptionStatus.ACTIVE,
            "anchor": now,
            "started_at": now,
            **fields,
        },
    )


def add_graduated_price(subscription: Subscription, *, base_fee: str = "10") -> None:
    """Price the subscription's plan: a base fee, 1 000 calls free, the next 9 000 at 0.01, then 0.005."""
    version = subscription.price_version
    version.components.create(
        meter="base", name="Base fee", model=PriceModel.FLAT, flat_fee=Decimal(base_fee), position=1
    )
    calls = version.components.create(
        meter="calls", name="Calls", model=PriceModel.GRADUATED, position=2
    )
    steps = (
        (Decimal(1000), Decimal(0)),
        (Decimal(10_000), Decimal("0.01")),
        (None, Decimal("0.005")),
    )
    for position, (up_to, price) in enumerate(steps):
        calls.tiers.create(position=position, up_to=up_to, unit_price=price)


def add_window(subscription: Subscription, *, at: datetime, calls: int) -> UsageWindow:
    """Insert an hour of usage that starts at `at`."""
    return UsageWindow.objects.create(
        consumer_organization_id=subscription.consumer_organization_id,
        provider_organization_id=subscription.provider_organization_id,
        subscription=subscription,
        api_id=subscription.api_id,
        meter="calls",
        window_start=at,
        window_end=at + timedelta(hours=1),
        quantity=calls,
        event_count=calls,
    )
