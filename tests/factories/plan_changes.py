"""Subscriptions that change their plan, lived through on a sandbox account's clock in April 2030 (30 days)."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from apps.accounts.models import Organization
from apps.billing.models import InvoiceLine
from apps.billing.services.periods import open_first_period
from apps.core import clock
from apps.core.actors import Actor
from apps.pricing.enums import PlanStatus, PriceModel
from apps.pricing.models import Plan, PriceVersion
from apps.subscriptions.models import Subscription
from apps.subscriptions.services import redeem_promotion
from tests.factories.accounts import OrganizationFactory
from tests.factories.direct import make_subscription_row
from tests.factories.pricing import make_promotion

SYSTEM: Final = Actor.system("test")
APRIL: Final = datetime(2030, 4, 1, tzinfo=UTC)


def set_clock(organization: Organization, instant: datetime) -> None:
    """Let the account live at an instant."""
    organization.clock_offset = instant - clock.now()
    Organization.objects.filter(pk=organization.pk).update(clock_offset=organization.clock_offset)


def make_paying(
    fee: str = "100", *, in_advance: bool = True, start: datetime = APRIL, **fields: Any
) -> Subscription:
    """Make a subscription with a monthly fee, its period open, whose account lives on its first day."""
    consumer = fields.pop("consumer", None) or OrganizationFactory(is_sandbox=True)
    set_clock(consumer, start)
    subscription = make_subscription_row(
        consumer=consumer, anchor=start, started_at=start, **fields
    )
    add_fee(subscription.price_version, fee, in_advance=in_advance)
    open_first_period(subscription=subscription, at=start)
    return Subscription.objects.get(pk=subscription.pk)


def make_lowered(fee: str = "100", *, calls_at: str = "", **promotion: Any) -> Subscription:
    """Make a subscription that had a code before its fee in advance was charged on the first of April."""
    consumer = promotion.pop("consumer", None) or OrganizationFactory(is_sandbox=True, country="ZW")
    set_clock(consumer, APRIL)
    row = make_subscription_row(consumer=consumer, anchor=APRIL, started_at=APRIL)
    add_fee(row.price_version, fee)
    if calls_at:
        row.price_version.components.create(
            meter="calls", name="Calls", model=PriceModel.PER_UNIT, unit_price=Decimal(calls_at)
        )
    owner = None if promotion.pop("is_operators", False) else row.provider_organization
    made = make_promotion(owner, **promotion)
    if not made.is_automatic:
        redeem_promotion(subscription=row, code="WELCOME20", actor=SYSTEM)
    open_first_period(subscription=row, at=APRIL)
    return Subscription.objects.get(pk=row.pk)


def make_offer(
    subscription: Subscription,
    fee: str = "150",
    *,
    name: str = "Pro",
    in_advance: bool = True,
    plan: dict[str, Any] | None = None,
    **version: Any,
) -> Plan:
    """Make another published plan of the subscription's API."""
    row = Plan.objects.create(
        organization=subscription.provider_organization,
        api=subscription.api,
        name=name,
        slug=f"{name.lower()}-{fee.replace('.', '-')}",
        status=PlanStatus.PUBLISHED,
        **(plan or {}),
    )
    terms = {"currency": "USD", **version}
    price = PriceVersion.objects.create(
        organization=row.organization, plan=row, number=1, is_current=True, **terms
    )
    add_fee(price, fee, in_advance=in_advance)
    return row


def add_fee(version: PriceVersion, fee: str, *, in_advance: bool = True) -> None:
    """Price a version by a fee of the period."""
    version.components.create(
        meter="base_fee",
        name="Base fee",
        model=PriceModel.FLAT,
        flat_fee=Decimal(fee),
        billed_in_advance=in_advance,
    )


def charged(subscription: Subscription) -> list[int]:
    """Return the amounts of every line of the subscription, in the order in which they were booked."""
    rows = InvoiceLine.objects.filter(period__subscription=subscription).order_by("id")
    return list(rows.values_list("amount_minor", flat=True))
