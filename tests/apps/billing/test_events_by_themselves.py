"""A month of prices that charge each event by itself: rated, invoiced and proven from stored and archived events."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from apps.billing.estimates import estimate_periods
from apps.billing.models import BillingPeriod, Invoice, InvoiceLine
from apps.billing.proofs import prove_line
from apps.billing.selectors import get_line, list_open_periods
from apps.billing.services.periods import open_first_period
from apps.pricing import services
from apps.pricing.drafts import ComponentDraft, PriceDraft
from apps.pricing.enums import PriceModel
from apps.pricing.exceptions import InvalidPrice
from apps.pricing.selectors import draft_of
from apps.subscriptions.models import Subscription
from apps.usage.enums import LateResolution
from apps.usage.models import LateEvent, UsageEvent
from tests.factories.accounts import OrganizationFactory, actor_of, make_member
from tests.factories.billing import MONTH_START, close_month, make_calls
from tests.factories.direct import make_subscription_row
from tests.factories.meters import make_meter
from tests.factories.pricing import SYSTEM

pytestmark = pytest.mark.django_db


def percentage(meter: str, **fields: object) -> ComponentDraft:
    given = {"meter": meter, "name": meter.title(), "model": PriceModel.PERCENTAGE, **fields}
    return ComponentDraft(rate_percent=Decimal("1.5"), **given)  # type: ignore[arg-type]  # fields by name


PRICE = PriceDraft(
    currency="USD",
    components=(
        percentage("cards", fixed_fee=Decimal("0.30")),
        percentage(
            "wires",
            name="Wires in Europe",
            dimensions=(("region", "eu"),),
            fixed_fee=Decimal("0.30"),
            free_events=1,
            min_per_event=Decimal("0.50"),
            max_per_event=Decimal(5),
        ),
        percentage("wires", free_amount=Decimal(100), fixed_fee=Decimal(1)),
    ),
)


@pytest.fixture
def subscription() -> Subscription:
    """A subscription whose plan charges payments one by one, with a month of them; the oldest comes last."""
    consumer = OrganizationFactory.create(is_sandbox=True)
    row = make_subscription_row(consumer=consumer, anchor=MONTH_START, started_at=MONTH_START)
    make_meter(row, "cards", source="header")
    make_meter(
        row,
        "wires",
        source="header",
        window_s=86400,
        group_by=[{"property": "region", "values": ["eu", "us"]}],
    )
    row.price_version = services.add_price_version(plan=row.plan, draft=PRICE, actor=SYSTEM)
    row.save()
    open_first_period(subscription=row, at=MONTH_START)
    wires = [
        (9, "1000", "eu"),
        (8, "100", "eu"),
        (7, "4", "eu"),
        (6, "90", "us"),
        (5, "30", "asia"),
        (1, "10", "eu"),
    ]
    for day, wire, region in wires:
        at = MONTH_START + timedelta(days=day)
        make_calls(row, at, properties={"wires": wire, "region": region})
    make_calls(row, MONTH_START + timedelta(days=2), properties={"cards": "12.34"})
    make_calls(row, MONTH_START + timedelta(days=3), properties={"cards": "100"})
    # The next period's.
    make_calls(row, MONTH_START + timedelta(days=31), properties={"wires": "7", "region": "eu"})
    return row


def line_of(invoice: Invoice, name: str) -> InvoiceLine:
    actor = actor_of(make_member(organization=invoice.organization))
    return get_line(actor, invoice.lines.get(charge__name=name).public_id)


def test_each_payment_is_charged_by_itself_and_proven(subscription: Subscription) -> None:
    actor = actor_of(make_member(organization=subscription.consumer_organization))
    period = BillingPeriod.objects.get(subscription=subscription, number=0)
    (estimate,) = [
        item for item in estimate_periods(list(list_open_periods(actor))) if item.period == period
    ]

    invoice = close_month(subscription)

    names = [component.name for component in PRICE.components]
    proofs = {name: prove_line(line_of(invoice, name)) for name in names}
    assert {name: proof.line.amount_minor for name, proof in proofs.items()} == {
        "Cards": 229,  # 112.34 at 1.5 percent, and two fees
        "Wires in Europe": 730,  # the oldest is free; 0.50, 1.80, 5.00
        "Wires": 130,  # 30 is free; 70 of the 90 after it too: 20 at 1.5 percent and a fee
    }
    assert all(proof.recomputed.is_proven for proof in proofs.values())
    assert draft_of(subscription.price_version).components == PRICE.components
    # As if all wires of Europe had the same amount: three of 278.50 are charged.
    assert {line.name: line.amount.amount_minor for line in estimate.lines} == {
        "Cards": 229,
        "Wires in Europe": 1343,
        "Wires": 130,
    }


def test_late_payment_changes_nothing_of_a_closed_period_and_an_altered_one_shows(
    subscription: Subscription,
) -> None:
    invoice = close_month(subscription)
    late = MONTH_START + timedelta(hours=1)

    make_calls(subscription, late, properties={"wires": "2000", "region": "eu", "cards": "5"})

    waiting = LateEvent.objects.exclude(resolution=LateResolution.REVISED)
    assert waiting.filter(meter="wires").count() == 1
    proof = prove_line(line_of(invoice, "Wires in Europe"))
    assert (proof.recomputed.from_usage, proof.recomputed.is_proven) == (Decimal("7.3"), True)
    event = UsageEvent.objects.get(properties__wires="1000")
    UsageEvent.objects.filter(pk=event.pk).update(properties={"wires": "999", "region": "eu"})
    altered = prove_line(line_of(invoice, "Wires in Europe"))
    assert (altered.recomputed.from_usage, altered.recomputed.is_proven) == (None, False)
    assert prove_line(line_of(invoice, "Cards")).recomputed.is_proven


def test_meter_that_rounds_has_no_single_amounts() -> None:
    row = make_subscription_row()
    make_meter(row, "cards", rounding="ceiling")
    draft = PriceDraft(currency="USD", components=PRICE.components[:1])

    with pytest.raises(InvalidPrice) as refusal:
        services.add_price_version(plan=row.plan, draft=draft, actor=SYSTEM)

    (error,) = refusal.value.extra["errors"]
    assert (error["pointer"], error["code"]) == ("/components/0/fixed_fee", "not_sellable")
