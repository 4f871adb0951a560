"""A period with calls beyond the spend cap: charged up to it, explained, and proven."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from apps.billing.documents.explanations import describe_step
from apps.billing.models import RatedCharge
from apps.billing.presentation import explain_line
from apps.billing.proofs import prove_line
from apps.subscriptions.models import SpendCap
from tests.factories.billing import MONTH_START, close_month, make_billed_subscription
from tests.factories.direct import add_window

pytestmark = pytest.mark.django_db


def test_overshoot_is_counted_and_not_charged() -> None:
    # 10.00 base fee, 1 000 calls free, then 0.01: 4 000 calls cost 40.00.
    subscription = make_billed_subscription()
    SpendCap.objects.create(
        subscription=subscription, amount_minor=4000, currency="USD", set_at=MONTH_START
    )
    add_window(subscription, at=MONTH_START + timedelta(days=3), calls=4012)

    invoice = close_month(subscription)

    assert invoice.subtotal_minor == 4000
    charge = RatedCharge.objects.get(meter="calls")
    assert (charge.quantity, charge.amount) == (Decimal(4012), Decimal(30))
    line = invoice.lines.get(charge=charge)
    words = [describe_step(step, "USD") for step in explain_line(line)]
    assert (words[0].label, words[0].working) == ("Beyond your spend cap: not charged", "12")
    proof = prove_line(line)
    assert proof.recomputed.is_proven
    assert proof.recomputed.windows_quantity == 4012
