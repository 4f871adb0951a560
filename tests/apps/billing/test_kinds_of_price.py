"""A month of prices by dimension, converted, limited and by percentage: sold, rated, invoiced and proven."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from apps.billing.estimates import estimate_periods
from apps.billing.models import BillingPeriod, Invoice
from apps.billing.proofs import LineProof, prove_line
from apps.billing.selectors import get_line, list_open_periods
from apps.billing.services.periods import open_first_period
from apps.pricing import services
from apps.pricing.calculator import Conversion, QuantityRounding, QuantityRule
from apps.pricing.drafts import ComponentDraft, PriceDraft, TierDraft
from apps.pricing.enums import PriceModel
from apps.subscriptions.models import Subscription
from apps.usage.models import UsageWindow
from tests.factories.accounts import OrganizationFactory, actor_of, make_member
from tests.factories.billing import MONTH_START, close_month, make_calls
from tests.factories.direct import make_subscription_row
from tests.factories.meters import make_meter
from tests.factories.pricing import SYSTEM

pytestmark = pytest.mark.django_db

THOUSANDS = QuantityRule(Conversion.DIVIDE, Decimal(1000), QuantityRounding.CEILING)
REGIONS = [{"property": "region", "values": ["eu", "us"]}]


def tokens(**fields: object) -> ComponentDraft:
    given = {"meter": "tokens", "name": "Tokens", "model": PriceModel.PER_UNIT, **fields}
    return ComponentDraft(**given)  # type: ignore[arg-type]  # fields by name


KINDS = PriceDraft(
    currency="USD",
    components=(
        tokens(
            name="Tokens in Europe",
            unit_price=Decimal("0.30"),
            dimensions=(("region", "eu"),),
            conversion=THOUSANDS,
        ),
        tokens(unit_price=Decimal("0.20"), conversion=THOUSANDS),
        tokens(meter="rows", name="Rows", unit_price=Decimal("0.001"), min_spend=Decimal(5)),
        tokens(
            meter="images",
            name="Images",
            model=PriceModel.PACKAGE,
            package_size=Decimal(10),
            package_price=Decimal(4),
            max_spend=Decimal(6),
        ),
        tokens(
            meter="sales",
            name="Sales",
            model=PriceModel.PERCENTAGE,
            rate_percent=Decimal("1.5"),
            free_amount=Decimal(100),
        ),
        tokens(
            meter="payouts",
            name="Payouts",
            model=PriceModel.GRADUATED_PERCENTAGE,
            tiers=(
                TierDraft(up_to=Decimal(200), rate_percent=Decimal(2)),
                TierDraft(up_to=None, rate_percent=Decimal(1)),
            ),
        ),
    ),
)


@pytest.fixture
def subscription() -> Subscription:
    """A subscription to the plan of all these kinds, with a month of usage."""
    consumer = OrganizationFactory.create(is_sandbox=True)
    row = make_subscription_row(consumer=consumer, anchor=MONTH_START, started_at=MONTH_START)
    make_meter(row, source="header", group_by=REGIONS)
    for key in ("rows", "images", "sales", "payouts"):
        make_meter(row, key, source="header")
    version = services.add_price_version(plan=row.plan, draft=KINDS, actor=SYSTEM)
    row.price_version = version
    row.save()
    open_first_period(subscription=row, at=MONTH_START)
    used = [
        {"tokens": "1500", "region": "eu", "rows": "300", "images": "21", "sales": "250"},
        {"tokens": "700", "region": "eu", "sales": "50.50", "payouts": "300"},
        {"tokens": "2001", "region": "us"},
        {"tokens": "500", "region": "asia"},
    ]
    for day, properties in enumerate(used, start=1):
        make_calls(row, MONTH_START + timedelta(days=day), properties=properties)
    return row


def proofs_of(invoice: Invoice) -> dict[str, LineProof]:
    actor = actor_of(make_member(organization=invoice.organization))
    return {
        line.charge.name: prove_line(get_line(actor, line.public_id))
        for line in invoice.lines.select_related("charge")
        if line.charge is not None
    }


def test_every_kind_of_price_comes_to_a_proven_line(subscription: Subscription) -> None:
    actor = actor_of(make_member(organization=subscription.consumer_organization))
    period = BillingPeriod.objects.get(subscription=subscription, number=0)
    (estimate,) = [
        item for item in estimate_periods(list(list_open_periods(actor))) if item.period == period
    ]

    invoice = close_month(subscription)

    proofs = proofs_of(invoice)
    assert {name: proof.line.amount_minor for name, proof in proofs.items()} == {
        "Tokens in Europe": 90,  # 2 200 are 3 thousands at 0.30
        "Tokens": 60,  # 2 501 of other regions are 3 thousands at 0.20
        "Rows": 500,  # 0.30, lifted to the least of 5.00
        "Images": 600,  # 3 packages at 4.00, cut to the most of 6.00
        "Sales": 301,  # 1.5 percent of 300.50 less 100 is 3.0075
        "Payouts": 500,  # 2 percent of 200 and 1 percent of 100
    }
    assert all(proof.recomputed.is_proven for proof in proofs.values())
    assert estimate.so_far.amount_minor == invoice.subtotal_minor
    europe = proofs["Tokens in Europe"]
    assert europe.steps[0].formula == "2200 ÷ 1000 → 3"
    rest = proofs["Tokens"]
    assert [europe.recomputed.windows_quantity, rest.recomputed.windows_quantity] == [2200, 2501]
    assert [len(europe.windows), len(rest.windows)] == [2, 2]


def test_proof_finds_a_window_or_a_conversion_that_was_altered(subscription: Subscription) -> None:
    invoice = close_month(subscription)
    window = UsageWindow.objects.filter(meter="tokens", dimensions__contains="eu").first()
    assert window is not None
    UsageWindow.objects.filter(pk=window.pk).update(quantity=9000)
    (line,) = invoice.lines.filter(charge__name="Tokens").select_related("charge")
    assert line.charge is not None
    steps = line.charge.calculation["steps"]
    line.charge.calculation["steps"] = [{**steps[0], "units": "4"}, *steps[1:]]
    line.charge.save()

    proofs = proofs_of(invoice)

    assert proofs["Tokens in Europe"].recomputed.from_usage == Decimal("3.00")
    assert not proofs["Tokens in Europe"].recomputed.is_proven
    assert (
        proofs["Tokens"].recomputed.from_steps,
        proofs["Tokens"].recomputed.is_proven,
    ) == (None, False)
