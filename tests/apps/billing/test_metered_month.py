"""A month of a plan that charges for calls and for tokens: both are counted, rated, invoiced and proven."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from apps.billing.estimates import estimate_periods
from apps.billing.models import BillingPeriod
from apps.billing.proofs import prove_line
from apps.billing.selectors import get_line, list_open_periods
from apps.billing.services.periods import open_first_period
from apps.core.clock import Period
from apps.pricing.enums import PriceModel
from apps.usage.selectors import quantities_in
from tests.factories.accounts import OrganizationFactory, actor_of, make_member
from tests.factories.billing import MONTH_START, close_month, make_calls
from tests.factories.direct import add_graduated_price, make_subscription_row
from tests.factories.meters import make_meter

pytestmark = pytest.mark.django_db


def test_calls_and_tokens_stand_on_one_invoice_and_are_proven() -> None:
    consumer = OrganizationFactory.create(is_sandbox=True)
    subscription = make_subscription_row(
        consumer=consumer, anchor=MONTH_START, started_at=MONTH_START
    )
    add_graduated_price(subscription)
    make_meter(
        subscription, source="header", conversion="divide", conversion_factor=Decimal(1000),
        rounding="ceiling",
    )  # fmt: skip
    make_meter(subscription, "peak", aggregation="max", source="header", property_name="tokens")
    for meter, price in (("tokens", "0.25"), ("peak", "0.001")):
        subscription.price_version.components.create(
            meter=meter, name=meter.title(), model=PriceModel.PER_UNIT,
            unit_price=Decimal(price), position=3,
        )  # fmt: skip
    open_first_period(subscription=subscription, at=MONTH_START)
    days = [MONTH_START + timedelta(days=day) for day in (1, 5, 30)]
    for at, tokens in zip(days, ("1500", "400", "2200.5"), strict=True):
        make_calls(subscription, at, properties={"tokens": tokens})
    make_calls(subscription, MONTH_START + timedelta(days=31), properties={"tokens": "9000"})

    period = BillingPeriod.objects.get(subscription=subscription, number=0)
    span = Period(period.period_start, period.period_end)
    assert quantities_in(subscription.pk, span) == {
        "calls": 3,
        "tokens": 5,
        "#tokens": 3,
        "peak": Decimal("2200.5"),
    }
    member = make_member(organization=consumer)
    open_periods = list(list_open_periods(actor_of(member)))
    (estimate,) = [item for item in estimate_periods(open_periods) if item.period == period]
    invoice = close_month(subscription)

    lines = {line.charge.meter: line for line in invoice.lines.select_related("charge")}
    assert {meter: line.quantity for meter, line in lines.items()}.items() >= {
        "calls": Decimal(3),
        "tokens": Decimal(5),
        "peak": Decimal("2200.5"),
    }.items()
    assert [lines["tokens"].amount_minor, lines["peak"].amount_minor] == [125, 220]
    assert estimate.so_far.amount_minor == invoice.subtotal_minor
    for line in lines.values():
        assert prove_line(get_line(actor_of(member), line.public_id)).recomputed.is_proven
