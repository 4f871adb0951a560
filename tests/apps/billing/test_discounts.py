from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from apps.billing.enums import LineKind
from apps.billing.estimates import estimate_periods
from apps.billing.models import Invoice, InvoiceLine
from apps.billing.presentation import invoice_document
from apps.billing.proofs import prove_line
from apps.billing.selectors import list_open_periods
from apps.billing.services.credit_notes import left_of_lines, split_refund
from apps.billing.services.invoices import mark_invoice_paid
from apps.core.money import Money
from apps.pricing.enums import PromotionDuration, PromotionKind
from apps.pricing.models import Promotion, TaxRate
from apps.subscriptions import services
from apps.subscriptions.models import PromotionRedemption, Subscription
from tests.factories.accounts import OrganizationFactory, actor_of, make_member
from tests.factories.billing import (
    MONTH_START,
    SYSTEM,
    close_month,
    make_billed_subscription,
)
from tests.factories.direct import add_window
from tests.factories.pricing import make_promotion

DAY = MONTH_START.replace(day=4)


def _subscription(calls: int = 5000, **fields: Any) -> Subscription:
    """January: a fee of 10.00, and 5 000 calls are 40.00."""
    subscription = make_billed_subscription(**fields)
    if calls:
        add_window(subscription, at=DAY, calls=calls)
    return subscription


def _discounts(invoice: Invoice) -> list[tuple[str, int, int]]:
    rows = invoice.lines.filter(kind=LineKind.DISCOUNT).order_by("position")
    return [(row.description.split(" · ")[-1], row.amount_minor, row.tax_minor) for row in rows]


def _net(invoice: Invoice) -> int:
    """What the providers of a paid invoice get."""
    rows = [earning for line in invoice.lines.all() for earning in line.earnings.all()]
    return sum(row.net_minor for row in rows)


@pytest.mark.django_db
def test_a_providers_promotion_is_a_line_with_its_working_and_lowers_its_earnings() -> None:
    consumer = OrganizationFactory(country="ZW")
    TaxRate.objects.create(country="ZW", percent=Decimal(10), valid_from=MONTH_START.date())
    subscription = _subscription(consumer=consumer)
    make_promotion(subscription.provider_organization)
    services.redeem_promotion(subscription=subscription, code="WELCOME20", actor=SYSTEM)
    invoice = close_month(subscription)
    assert _discounts(invoice) == [("Welcome", -1000, -100)]
    assert (invoice.subtotal_minor, invoice.tax_minor, invoice.total_minor) == (4000, 400, 4400)
    line = invoice.lines.get(kind=LineKind.DISCOUNT)
    assert line.discount is not None
    assert [share["amount_minor"] for share in line.discount["lines"]] == [200, 800]
    proof = prove_line(line)
    assert (proof.recomputed.amount, proof.recomputed.is_proven) == (Money(-1000, "USD"), True)
    shown = invoice_document(invoice).lines[-1]
    assert shown.steps[0].label == "20 percent off"
    assert (shown.steps[0].working, len(shown.steps)) == ("20 % × $50.00", 3)
    redemption = PromotionRedemption.objects.get()
    assert (redemption.periods_left, redemption.amount_given_minor) == (0, 1000)
    mark_invoice_paid(invoice=invoice, actor=SYSTEM)
    assert _net(invoice) == 3200
    line.discount["base_minor"] = 4000
    assert not prove_line(line).recomputed.is_proven


@pytest.mark.django_db
def test_the_operators_promotion_costs_the_provider_nothing() -> None:
    subscription = _subscription()
    make_promotion(None, percent_off=Decimal(100))
    services.redeem_promotion(subscription=subscription, code="WELCOME20", actor=SYSTEM)
    invoice = close_month(subscription)
    assert (invoice.total_minor, invoice.status) == (0, "paid")
    assert invoice.lines.get(kind=LineKind.DISCOUNT).provider_organization_id is None
    assert _net(invoice) == 4000


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "minor"),
    [
        ({"kind": PromotionKind.FIXED_AMOUNT, "amount_off_minor": 700, "currency": "USD"}, 700),
        ({"kind": PromotionKind.FIXED_AMOUNT, "amount_off_minor": 9999, "currency": "USD"}, 5000),
        (
            {
                "kind": PromotionKind.FREE_PERIODS,
                "duration": PromotionDuration.PERIODS,
                "duration_periods": 3,
            },
            1000,
        ),
        ({"kind": PromotionKind.FREE_UNITS, "free_units": Decimal(1500), "meter": "calls"}, 1500),
        # 1 000 at 0.01 in place of free, and 4 000 at 0.005: 30.00 in place of 40.00.
        ({"kind": PromotionKind.TIER_UPGRADE, "tiers_up": 1, "meter": "calls"}, 1000),
    ],
)
def test_every_kind_reaches_the_invoice(fields: dict[str, Any], minor: int) -> None:
    subscription = _subscription()
    make_promotion(subscription.provider_organization, **fields)
    services.redeem_promotion(subscription=subscription, code="WELCOME20", actor=SYSTEM)
    invoice = close_month(subscription)
    assert _discounts(invoice) == [("Welcome", -minor, 0)]
    assert invoice.subtotal_minor == 5000 - minor
    assert prove_line(invoice.lines.get(kind=LineKind.DISCOUNT)).recomputed.is_proven


@pytest.mark.django_db
def test_automatic_ones_apply_by_priority_within_their_window_and_limits() -> None:
    subscription = _subscription()
    provider = subscription.provider_organization
    auto = {"is_automatic": True, "duration": PromotionDuration.FOREVER}
    make_promotion(provider, name="Low", priority=1, percent_off=Decimal(50), **auto)
    make_promotion(provider, name="High", priority=9, percent_off=Decimal(10), **auto)
    make_promotion(
        provider,
        name="Five off",
        kind=PromotionKind.FIXED_AMOUNT,
        amount_off_minor=500,
        currency="USD",
        min_calls=5000,
        max_redemptions=1,
        **auto,
    )
    make_promotion(
        provider, name="Heavy", kind=PromotionKind.FREE_PERIODS, min_calls=5001, is_automatic=True
    )
    later = MONTH_START.replace(day=2)
    make_promotion(provider, name="Later", priority=99, starts_at=later, **auto)
    invoice = close_month(subscription)
    assert _discounts(invoice) == [("Five off", -500, 0), ("High", -450, 0)]
    used = dict(Promotion.objects.values_list("name", "redemption_count"))
    assert used == {"Low": 0, "High": 1, "Five off": 1, "Heavy": 0, "Later": 0}
    other = _subscription(provider=provider)
    assert [name for name, *_rest in _discounts(close_month(other))] == ["High"]


@pytest.mark.django_db
def test_a_bill_of_nothing_uses_no_period() -> None:
    subscription = _subscription(calls=0)
    promotion = make_promotion(subscription.provider_organization, meter="calls")
    services.redeem_promotion(subscription=subscription, code="WELCOME20", actor=SYSTEM)
    assert _discounts(close_month(subscription)) == []
    assert promotion.redemptions.get().periods_left == 1


@pytest.mark.parametrize("amount", [1, 333, 1000, 2200, 4399, 4400])
@pytest.mark.django_db
def test_refunds_take_discounts_back_in_proportion(amount: int) -> None:
    invoice = Invoice(currency="USD")
    cells = [(1000, 100, "fee"), (4000, 400, "usage"), (-1000, -100, "discount")]
    lines = [
        InvoiceLine(invoice=invoice, amount_minor=net, tax_minor=tax, kind=kind, currency="USD")
        for net, tax, kind in cells
    ]
    shares = split_refund(amount=Money(amount, "USD"), left=left_of_lines(lines))
    assert sum(share.amount_minor + share.tax_minor for share in shares) == amount
    for share in shares:
        exact = Decimal(share.line.amount_minor * amount) / 4400
        assert abs(share.amount_minor - exact) < 1
        assert abs(share.amount_minor) <= abs(share.line.amount_minor)


@pytest.mark.django_db
def test_what_a_period_costs_so_far_is_what_its_invoice_will_say() -> None:
    subscription = _subscription()
    make_promotion(subscription.provider_organization, percent_off=Decimal(33))
    make_promotion(None, name="All", kind=PromotionKind.FREE_PERIODS, is_automatic=True)
    services.redeem_promotion(subscription=subscription, code="WELCOME20", actor=SYSTEM)
    payer = make_member("owner", organization=subscription.consumer_organization)
    (estimate,) = estimate_periods(list(list_open_periods(actor_of(payer))))
    assert [item.name for item in estimate.discounts] == ["Welcome", "All"]
    invoice = close_month(subscription)
    assert estimate.so_far == invoice.subtotal
    assert invoice.subtotal_minor == 5000 - 1650 - 670
