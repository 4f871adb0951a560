"""A subscription with everything below it, as rows: for tests of the apps above that do not care how it came to be."""

from __future__ import annotations

from typing import Any

from apps.accounts.models import Organization, Workspace
from apps.apis.enums import ApiStatus
from apps.apis.models import Api, Category
from apps.core import clock
from apps.core.ids import uuid7
from apps.pricing.enums import PlanStatus
from apps.pricing.models import Plan, PriceVersion
from apps.subscriptions.enums import SubscriptionStatus
from apps.subscriptions.models import Subscription
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
        timezone="UTC",
        **{"status": SubscriptionStatus.ACTIVE, "anchor": now, "started_at": now, **fields},
    )
