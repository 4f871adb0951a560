"""Refusals of this app."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from apps.core.exceptions import Conflict, RuleViolated, Unavailable


class NothingToPay(Conflict):
    """The invoice is not open, or nothing of it is left to pay."""

    code = "nothing_to_pay"
    title = _("There is nothing to pay on this invoice")


class InvoiceNotIssued(Conflict):
    """A draft has no number and no document yet."""

    code = "invoice_not_issued"
    title = _("This invoice has not been issued yet")


class PaymentUnderWay(Conflict):
    """Another payment of the invoice has not ended yet."""

    code = "payment_under_way"
    title = _("A payment of this invoice is under way")


class NoPaymentMethod(Conflict):
    """No saved method to charge."""

    code = "no_payment_method"
    title = _("Add a payment method first")


class PaymentMethodRefused(RuleViolated):
    """The payment provider refused the method."""

    code = "payment_method_refused"
    title = _("The payment provider refused this method")


class PaymentProviderUnavailable(Unavailable):
    """The payment provider could not be reached."""

    code = "payment_provider_unavailable"
    title = _("The payment provider cannot be reached right now")


class NothingToRefund(Conflict):
    """The invoice was not paid by card, is disputed, or everything was given back."""

    code = "nothing_to_refund"
    title = _("There is nothing to give back on this invoice")


class RefundUnderWay(Conflict):
    """Another refund of the invoice has not ended yet."""

    code = "refund_under_way"
    title = _("A refund of this invoice is under way")


class RefundTooHigh(RuleViolated):
    """More than what is left of the payment."""

    code = "refund_too_high"
    title = _("This is more than what can be given back")
