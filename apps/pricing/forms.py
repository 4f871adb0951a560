"""The plan builder's forms. They work without scripts: empty tier rows are ignored, a button asks for more."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from django import forms
from django.forms import BaseFormSet, formset_factory
from django.utils.translation import gettext_lazy as _

from apps.apis.models import Api
from apps.pricing.drafts import (
    BASE_FEE_METER,
    MAX_INTERVAL_COUNT,
    ComponentDraft,
    PlanDraft,
    PriceDraft,
    TierDraft,
)
from apps.pricing.enums import BillableStatuses, BillingInterval, PriceModel, QuotaKind
from apps.pricing.exceptions import InvalidPrice
from apps.pricing.models import (
    CALLS_METER,
    DEFAULT_KEY_ROTATION_DAYS,
    MAX_KEY_ROTATION_DAYS,
    Plan,
)
from apps.pricing.price_fields import PriceField

TIER_ROWS: Final = 3
MAX_TIER_ROWS: Final = 20
ZERO: Final = Decimal(0)


class PlanForm(forms.Form):
    """What a plan is called and whom it is for."""

    name = forms.CharField(label=_("Name"), max_length=80)
    description = forms.CharField(
        label=_("Description"), max_length=300, required=False, help_text=_("One sentence.")
    )
    trial_days = forms.IntegerField(
        label=_("Trial (days)"), min_value=0, max_value=730, required=False
    )
    key_limit = forms.IntegerField(label=_("Active keys"), min_value=1, max_value=1000, initial=5)
    key_rotation_days = forms.IntegerField(
        label=_("Keys are rotated every (days)"),
        min_value=1,
        max_value=MAX_KEY_ROTATION_DAYS,
        initial=DEFAULT_KEY_ROTATION_DAYS,
        required=False,
        help_text=_("Empty: only if a subscriber asks for it. Holds for keys made from now on."),
    )
    key_rotation_optional = forms.BooleanField(
        label=_("Subscribers may switch rotation off"), required=False, initial=True
    )
    key_max_days = forms.IntegerField(
        label=_("A key lives at most (days)"),
        min_value=1,
        max_value=3650,
        required=False,
        help_text=_("Empty: as long as its owner wants."),
    )
    requires_approval = forms.BooleanField(label=_("I decide on each subscription"), required=False)
    is_private = forms.BooleanField(
        label=_("Private"), required=False, help_text=_("Only your organization sees it.")
    )

    @classmethod
    def initial_of(cls, plan: Plan) -> dict[str, Any]:
        """Return a plan's fields as the form's beginning."""
        return {name: getattr(plan, name) for name in cls.base_fields if hasattr(plan, name)}

    def to_draft(self, *, position: int = 0) -> PlanDraft:
        """Return what the services take."""
        values = self.cleaned_data
        return PlanDraft(
            name=values["name"],
            description=values["description"],
            trial_days=values["trial_days"] or 0,
            key_limit=values["key_limit"],
            key_rotation_days=values["key_rotation_days"],
            key_rotation_optional=values["key_rotation_optional"],
            key_max_days=values["key_max_days"],
            requires_approval=values["requires_approval"],
            is_private=values["is_private"],
            position=position,
        )


class NewPlanForm(PlanForm):
    """A plan's fields and the API that it is for."""

    api = forms.ModelChoiceField(label=_("API"), queryset=Api.objects.none())
    field_order = ("api", "name")

    def __init__(self, *args: Any, apis: Any, **options: Any) -> None:
        """Offer the organization's own APIs."""
        super().__init__(*args, **options)
        field = self.fields["api"]
        assert isinstance(field, forms.ModelChoiceField)  # noqa: S101 -- for the type checker
        field.queryset = apis


class PriceForm(forms.Form):
    """What a period costs and allows."""

    currency = forms.CharField(label=_("Currency"), min_length=3, max_length=3, initial="USD")
    base_fee = PriceField(
        label=_("Base fee"), required=False, help_text=_("For each period, whatever is used.")
    )
    interval = forms.ChoiceField(
        label=_("Period"), choices=BillingInterval.choices, initial=BillingInterval.MONTH
    )
    interval_count = forms.IntegerField(
        label=_("Number of them"), min_value=1, max_value=MAX_INTERVAL_COUNT, initial=1
    )
    free_units = forms.IntegerField(
        label=_("Free calls"), min_value=0, required=False, help_text=_("In each period.")
    )
    model = forms.ChoiceField(
        label=_("Price of calls"),
        choices=[
            (PriceModel.GRADUATED, _("Graduated: each tier's price for the calls in it")),
            (PriceModel.VOLUME, _("Volume: the reached tier's price for all calls")),
        ],
        initial=PriceModel.GRADUATED,
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

    def clean_currency(self) -> str:
        """Write the code in capitals."""
        return str(self.cleaned_data["currency"]).upper()

    def to_draft(self, tiers: tuple[TierDraft, ...]) -> PriceDraft:
        """Return what the services take; without tiers calls cost nothing."""
        values = self.cleaned_data
        return PriceDraft(
            currency=values["currency"],
            interval=BillingInterval(values["interval"]),
            interval_count=values["interval_count"],
            quota_calls=values["quota_calls"],
            quota_kind=QuotaKind(values["quota_kind"]),
            billable_statuses=BillableStatuses(
                values["billable_statuses"] or BillableStatuses.SUCCESS
            ),
            rate_per_second=values["rate_per_second"],
            rate_per_minute=values["rate_per_minute"],
            rate_per_hour=values["rate_per_hour"],
            rate_per_day=values["rate_per_day"],
            components=tuple(self._components(tiers)),
        )

    def _components(self, tiers: tuple[TierDraft, ...]) -> list[ComponentDraft]:
        values, components = self.cleaned_data, []
        if values["base_fee"]:
            components.append(
                ComponentDraft(
                    meter=BASE_FEE_METER,
                    name=str(_("Base fee")),
                    model=PriceModel.FLAT,
                    flat_fee=values["base_fee"],
                )
            )
        if tiers:
            components.append(
                ComponentDraft(
                    meter=CALLS_METER,
                    name=str(_("Calls")),
                    model=PriceModel(values["model"]),
                    free_units=Decimal(values["free_units"] or 0),
                    tiers=tiers,
                )
            )
        return components


class TierForm(forms.Form):
    """One step of the ladder; a row without a price is no step."""

    up_to = forms.IntegerField(label=_("Up to (calls)"), min_value=1, required=False)
    unit_price = PriceField(label=_("Price per call"), required=False)
    flat_fee = PriceField(label=_("Fee of the tier"), required=False)

    def clean(self) -> dict[str, Any]:
        """Ask for the price of a row that has anything else."""
        values = super().clean() or {}
        if values.get("unit_price") is None and (values.get("up_to") or values.get("flat_fee")):
            self.add_error("unit_price", _("Give the tier a price; 0 is one."))
        return values

    @property
    def tier(self) -> TierDraft | None:
        """The step, or None for an empty row."""
        values = self.cleaned_data
        if values.get("unit_price") is None:
            return None
        up_to = values.get("up_to")
        return TierDraft(
            up_to=None if up_to is None else Decimal(up_to),
            unit_price=values["unit_price"],
            flat_fee=values.get("flat_fee") or ZERO,
        )


TierFormSet = formset_factory(
    TierForm, extra=TIER_ROWS, max_num=MAX_TIER_ROWS, absolute_max=MAX_TIER_ROWS
)


def tiers_of(rows: BaseFormSet[TierForm]) -> tuple[TierDraft, ...]:
    """Return the filled rows of a valid formset in order."""
    return tuple(tier for row in rows.forms if (tier := row.tier) is not None)


def initial_of(draft: PriceDraft) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the beginnings of price form and tier rows from a price that exists."""
    by_meter = {component.meter: component for component in draft.components}
    base, calls = by_meter.get(BASE_FEE_METER), by_meter.get(CALLS_METER)
    tiered = calls if calls is not None and calls.tiers else None
    price = {
        "currency": draft.currency,
        "interval": draft.interval,
        "interval_count": draft.interval_count,
        "quota_calls": draft.quota_calls,
        "quota_kind": draft.quota_kind,
        "billable_statuses": draft.billable_statuses,
        "rate_per_second": draft.rate_per_second,
        "rate_per_minute": draft.rate_per_minute,
        "rate_per_hour": draft.rate_per_hour,
        "rate_per_day": draft.rate_per_day,
        "base_fee": base.flat_fee if base else None,
        "free_units": int(calls.free_units) if calls else None,
        "model": tiered.model if tiered else PriceModel.GRADUATED,
    }
    rows = [
        {
            "up_to": tier.up_to and int(tier.up_to),
            "unit_price": tier.unit_price,
            "flat_fee": tier.flat_fee,
        }
        for tier in (tiered.tiers if tiered else ())
    ]
    return price, rows


def show_defects(form: PriceForm, rows: BaseFormSet[TierForm], refusal: InvalidPrice) -> None:
    """Put each defect of a refused price where it was typed: at its tier, its field, or the form."""
    filled = [row for row in rows.forms if row.tier is not None]
    for defect in refusal.extra["errors"]:
        parts = defect["pointer"].strip("/").split("/")
        if "tiers" in parts and len(parts) == 5:  # components/0/tiers/2/up_to
            filled[int(parts[3])].add_error(parts[4], defect["detail"])
        else:
            form.add_error(parts[0] if parts[0] in form.fields else None, defect["detail"])


class CallsForm(forms.Form):
    """A usage to be priced."""

    calls = forms.IntegerField(
        label=_("Calls in a period"), min_value=0, max_value=10**12, initial=10_000
    )
