"""The plan builder's form of the terms of a price: period, quota, limits, features."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from apps.pricing.drafts import MAX_INTERVAL_COUNT, RATE_FIELDS, FeatureDraft, PriceDraft
from apps.pricing.enums import Alignment, BillableStatuses, BillingInterval, QuotaKind


class TermsForm(forms.Form):
    """The terms of a price version: all but what things cost."""

    currency = forms.CharField(label=_("Currency"), min_length=3, max_length=3, initial="USD")
    interval = forms.ChoiceField(
        label=_("Period"), choices=BillingInterval.choices, initial=BillingInterval.MONTH
    )
    interval_count = forms.IntegerField(
        label=_("Number of them"), min_value=1, max_value=MAX_INTERVAL_COUNT, initial=1
    )
    alignment = forms.ChoiceField(
        label=_("Periods begin"),
        choices=Alignment.choices,
        initial=Alignment.ANNIVERSARY,
        required=False,
        help_text=_(
            "With the calendar: on the first day of the month, quarter or year, or on Monday."
        ),
    )
    quota_calls = forms.IntegerField(
        label=_("Quota (calls per period)"),
        min_value=1,
        required=False,
        help_text=_("Empty: no limit."),
    )
    quota_kind = forms.ChoiceField(
        label=_("When it is used up"),
        choices=[
            (QuotaKind.HARD, _("Refuse more calls")),
            (QuotaKind.SOFT, _("Let more calls pass, at the tiers' price")),
        ],
        initial=QuotaKind.HARD,
    )
    billable_statuses = forms.ChoiceField(
        label=_("Billed answers"),
        choices=BillableStatuses.choices,
        initial=BillableStatuses.SUCCESS,
        required=False,
        help_text=_("Other calls are free, and give their part of the quota back."),
    )
    rate_per_second = forms.IntegerField(label=_("Calls per second"), min_value=1, required=False)
    rate_per_minute = forms.IntegerField(label=_("Calls per minute"), min_value=1, required=False)
    rate_per_hour = forms.IntegerField(label=_("Calls per hour"), min_value=1, required=False)
    rate_per_day = forms.IntegerField(label=_("Calls per day"), min_value=1, required=False)
    features = forms.CharField(
        label=_("Features"),
        required=False,
        max_length=5000,
        widget=forms.Textarea(
            attrs={"rows": 3, "placeholder": "priority_support: Priority support"}
        ),
        help_text=_("One a line: a short key, a colon, and words that people read."),
    )

    def clean_currency(self) -> str:
        """Write the code in capitals."""
        return str(self.cleaned_data["currency"]).upper()

    def clean_features(self) -> tuple[FeatureDraft, ...]:
        """Read a feature from each line; words alone make their own key."""
        lines = str(self.cleaned_data["features"]).splitlines()
        return tuple(_feature_of(line) for line in lines if line.strip())

    @property
    def terms(self) -> dict[str, Any]:
        """The valid terms as the fields of a `PriceDraft`."""
        values = self.cleaned_data
        return {
            "currency": values["currency"],
            "interval": BillingInterval(values["interval"]),
            "interval_count": values["interval_count"],
            "alignment": Alignment(values["alignment"] or Alignment.ANNIVERSARY),
            "features": values["features"],
            "quota_calls": values["quota_calls"],
            "quota_kind": QuotaKind(values["quota_kind"]),
            "billable_statuses": BillableStatuses(
                values["billable_statuses"] or BillableStatuses.SUCCESS
            ),
            **{name: values[name] for name in RATE_FIELDS},
        }


def terms_of(draft: PriceDraft) -> dict[str, Any]:
    """Return the beginning of a form of terms from a price that exists."""
    names = ("currency", "interval", "interval_count", "alignment", "quota_calls", "quota_kind")
    return {
        **{name: getattr(draft, name) for name in (*names, "billable_statuses", *RATE_FIELDS)},
        "features": "\n".join(f"{key}: {label}" for key, label in draft.features),
    }


def _feature_of(line: str) -> FeatureDraft:
    key, colon, label = line.partition(":")
    if not colon:
        return FeatureDraft(slugify(line).replace("-", "_")[:60], line.strip())
    return FeatureDraft(key.strip(), label.strip())
