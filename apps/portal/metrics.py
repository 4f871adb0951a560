"""Business metrics of the domains, beside those of the ground floor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import Count, QuerySet

from apps.apis.models import Api
from apps.billing.models import Invoice
from apps.core import clock
from apps.core.metrics import Gauge, business_gauges
from apps.gateway.models import AuthorizerNode
from apps.keys.models import ApiKey
from apps.subscriptions.models import Subscription


def _by_status(name: str, description: str, rows: QuerySet[Any]) -> Iterator[Gauge]:
    for row in rows.values("status").annotate(count=Count("pk")).order_by("status"):
        yield Gauge(name, description, row["count"], {"status": row["status"]})


@business_gauges
def domain_gauges() -> Iterator[Gauge]:
    """How many APIs, subscriptions, keys and invoices stand in which state."""
    yield from _by_status("tollgate_apis", "APIs by state", Api.objects.all())
    yield from _by_status(
        "tollgate_subscriptions", "Subscriptions by state", Subscription.objects.all()
    )
    yield from _by_status("tollgate_api_keys", "API keys by state", ApiKey.objects.all())
    yield from _by_status("tollgate_invoices", "Invoices by state", Invoice.objects.all())


@business_gauges
def gateway_gauges() -> Iterator[Gauge]:
    """How many authorizers hold a lease."""
    serving = AuthorizerNode.objects.filter(lease_expires_at__gt=clock.now()).count()
    yield Gauge("tollgate_authorizers_serving", "Authorizers whose lease runs", serving)
