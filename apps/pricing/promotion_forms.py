"""The form of a promotion, in the console and in the back office. It works without scripts: fields that the kind does not need stay empty."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.apis.models import Category
from apps.core.money import Money
from apps.pricing.enums import PromotionDuration, PromotionKind
from apps.pricing.exceptions import InvalidPromotion
from apps.pricing.models import Plan, Promotion
from apps.pricing.promotion_drafts import PROMOTION_FIELDS, PromotionDraft, draft_of_promotion

FORM_NAMES: Final = {"amount_off_minor": "amount_off"}


def _when(label: Any) -> forms.DateTimeField:
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    return forms.DateTimeField(label=label, required=False, widget=widget)


def _number(label: Any, help_text: Any = "") -> forms.IntegerField:
    return forms.IntegerField(label=label, required=False, min_value=0, help_text=help_text)


class PlanChoices(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]  # not generic at run time
    """Plans by their API's name and their own."""

    def label_from_instance(self, plan: Any) -> str:
        """Name both."""
        return f"{plan.api.name} · {plan.name}"


class PromotionForm(forms.Form):
    """A promotion as its owner writes it down."""

    name = forms.CharField(label=_("Name"), max_length=80, help_text=_("It stands on invoices."))
    code = forms.CharField(
        label=_("Code"),
        max_length=40,
        required=False,
        help_text=_("What subscribers enter. Empty if it applies by itself."),
    )
    is_automatic = forms.BooleanField(
        label=_("It applies by itself, without a code"), required=False
    )
    kind = forms.ChoiceField(label=_("What it does"), choices=PromotionKind.choices)
    percent_off = forms.DecimalField(
        label=_("Percent off"), required=False, max_digits=12, decimal_places=6
    )
    amount_off = forms.DecimalField(
        label=_("Amount off"), required=False, max_digits=18, decimal_places=3
    )
    currency = forms.CharField(
        label=_("Currency"),
        required=False,
        max_length=3,
        help_text=_("Of the amount, such as USD."),
    )
    free_units = forms.DecimalField(
        label=_("Free units"), required=False, max_digits=30, decimal_places=12
    )
    tiers_up = _number(_("Tiers up"), _("Units cost what they cost so many tiers higher."))
    meter = forms.CharField(
        label=_("Meter"),
        required=False,
        max_length=60,
        help_text=_("Such as calls. Free units and tiers need one; otherwise empty is everything."),
    )
    duration = forms.ChoiceField(label=_("It lowers"), choices=PromotionDuration.choices)
    duration_periods = _number(_("Number of periods"), _("Only for several periods."))
    plans = PlanChoices(
        label=_("Plans"),
        queryset=Plan.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None chosen: every plan."),
    )
    categories = forms.ModelMultipleChoiceField(
        label=_("Categories"),
        queryset=Category.objects.all(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None chosen: every category."),
    )
    starts_at = _when(_("From"))
    ends_at = _when(_("Until"))
    max_redemptions = _number(_("At most, in all"), _("Empty: without limit."))
    max_per_customer = forms.IntegerField(
        label=_("At most, per customer"), required=False, min_value=0, initial=1
    )
    needs_first_subscription = forms.BooleanField(
        label=_("Only for a first subscription"), required=False
    )
    min_account_age_days = _number(_("Organization is here for at least (days)"))
    max_account_age_days = _number(_("Organization is here for at most (days)"))
    min_calls = _number(_("Calls in the period, at least"))
    countries = forms.CharField(
        label=_("Countries"),
        required=False,
        max_length=1000,
        help_text=_("Two-letter codes with commas, such as ZW, KE. Empty: everywhere."),
    )
    priority = forms.IntegerField(
        label=_("Priority"), min_value=0, initial=50, help_text=_("The higher comes first.")
    )
    is_exclusive = forms.BooleanField(
        label=_("It stands alone"),
        required=False,
        help_text=_("No other promotion lowers the same bill."),
    )

    def __init__(self, *args: Any, plans: Any, **options: Any) -> None:
        """Offer the plans that the owner's promotions may reach; none are shown where there are none to choose."""
        super().__init__(*args, **options)
        field = self.fields["plans"]
        if isinstance(field, forms.ModelMultipleChoiceField):
            field.queryset = plans.select_related("api").order_by("api__name", "position")

    @classmethod
    def initial_of(cls, promotion: Promotion) -> dict[str, Any]:
        """Return a promotion's fields as the form's beginning."""
        draft = draft_of_promotion(promotion)
        values = {name: getattr(draft, name) for name in PROMOTION_FIELDS}
        minor = values.pop("amount_off_minor")
        return {
            **values,
            "amount_off": None if minor is None else Money(minor, draft.currency).amount,
            "free_units": _plain(draft.free_units),
            "percent_off": _plain(draft.percent_off),
            "countries": ", ".join(draft.countries),
            "plans": promotion.plans.all(),
            "categories": promotion.categories.all(),
        }

    def clean_currency(self) -> str:
        """Write it in capitals."""
        return str(self.cleaned_data["currency"]).strip().upper()

    def plan_ids(self) -> tuple[str, ...]:
        """Return the public ids of the plans that were chosen."""
        return tuple(plan.public_id for plan in self.cleaned_data["plans"])

    def to_draft(self) -> PromotionDraft:
        """Return what the services take."""
        values = dict(self.cleaned_data)
        amount, currency = values.pop("amount_off"), values["currency"]
        minor = amount
        if amount is not None and currency:
            minor = Money.from_decimal(amount, currency).amount_minor
        return PromotionDraft(
            **{
                **values,
                "kind": PromotionKind(values["kind"]),
                "duration": PromotionDuration(values["duration"]),
                "amount_off_minor": minor,
                "countries": tuple(
                    country.strip().upper()
                    for country in values["countries"].split(",")
                    if country.strip()
                ),
                "plans": self.plan_ids(),
                "categories": tuple(category.slug for category in values["categories"]),
            }
        )


@contextmanager
def defects_on(form: PromotionForm) -> Iterator[None]:
    """Show every defect of a promotion beside its field. Return from inside the block on success."""
    try:
        yield
    except InvalidPromotion as refusal:
        for error in refusal.extra["errors"]:
            name = error["pointer"].split("/")[1]
            name = FORM_NAMES.get(name, name)
            form.add_error(name if name in form.fields else None, error["detail"])


def _plain(value: Decimal | None) -> str | None:
    """Write `20`, not `20.000000`."""
    return None if value is None else f"{value.normalize():f}"
