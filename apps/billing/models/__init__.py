"""Periods, rating, invoices, payments, refunds and what providers earn. Issued documents never change."""

from apps.billing.models.accounts import BillingAccount, PaymentMethod
from apps.billing.models.carried import CarriedCredit
from apps.billing.models.common import TwoSidedQuerySet
from apps.billing.models.earnings import Earning
from apps.billing.models.invoices import Invoice, InvoiceLine, NumberSeries
from apps.billing.models.payments import Payment
from apps.billing.models.periods import BillingPeriod, RatedCharge, RatingRun
from apps.billing.models.refunds import CreditNote, CreditNoteLine, Refund

__all__ = (
    "BillingAccount",
    "BillingPeriod",
    "CarriedCredit",
    "CreditNote",
    "CreditNoteLine",
    "Earning",
    "Invoice",
    "InvoiceLine",
    "NumberSeries",
    "Payment",
    "PaymentMethod",
    "RatedCharge",
    "RatingRun",
    "Refund",
    "TwoSidedQuerySet",
)
