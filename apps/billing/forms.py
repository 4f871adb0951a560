"""Forms of the billing pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from apps.billing.constants import REFUND_REASON_MAX_LENGTH_CHARS
from apps.core.formatting import format_money
from apps.core.money import Money, currency_exponent


class TaxDetailsForm(forms.Form):
    """What invoices say about the buyer."""

    legal_name = forms.CharField(label=_("Legal name"), max_length=150)
    address = forms.CharField(
        label=_("Address"),
        max_length=1000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "autocomplete": "street-address"}),
    )
    tax_id = forms.CharField(
        label=_("Tax id"),
        max_length=40,
        required=False,
        help_text=_("Printed on invoices from now on; issued ones stay as they are."),
    )


class RefundForm(forms.Form):
    """How much is asked back, and why."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=REFUND_REASON_MAX_LENGTH_CHARS,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("Who decides reads this. Name the calls or days that it is about."),
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, left: Money) -> None:
        """Offer all that is left, in the currency's decimal places."""
        super().__init__(data, initial={"amount": left.amount})
        places = currency_exponent(left.currency)
        self.fields["amount"] = forms.DecimalField(
            label=_("Amount in %(currency)s") % {"currency": left.currency},
            decimal_places=places,
            max_digits=15,
            help_text=gettext("At most %(left)s, tax included.") % {"left": format_money(left)},
        )
        self.order_fields(["amount", "reason"])
