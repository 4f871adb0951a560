"""The plan builder's forms. They work without scripts: empty tier rows are ignored, a button asks for more."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from django import forms
from django.forms import BaseFormSet, formset_factory
from django.utils.translation import gettext_lazy as _

from apps.pricing.drafts import BASE_FEE_METER, ComponentDraft, PriceDraft, TierDraft
from apps.pricing.enums import PriceModel
from apps.pricing.exceptions import InvalidPrice
from apps.pricing.models import CALLS_METER
from apps.pricing.price_fields import PriceField
from apps.pricing.term_forms import TermsForm, terms_of

TIER_ROWS: Final = 3
MAX_TIER_ROWS: Final = 20
ZERO: Final = Decimal(0)


class PriceForm(TermsForm):
    """What a period costs and allows."""

    base_fee = PriceField(
        label=_("Base fee"), required=False, help_text=_("For each period, whatever is used.")
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

    def to_draft(self, tiers: tuple[TierDraft, ...]) -> PriceDraft:
        """Return what the services take; without tiers calls cost nothing."""
        return PriceDraft(**self.terms, components=tuple(self._components(tiers)))

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
        **terms_of(draft),
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
        if parts[0] == "prices":
            parts = parts[2:] if parts[1] == "0" else ["prices"]
        if "tiers" in parts and len(parts) == 5:  # components/0/tiers/2/up_to
            filled[int(parts[3])].add_error(parts[4], defect["detail"])
        else:
            form.add_error(parts[0] if parts[0] in form.fields else None, defect["detail"])


class CallsForm(forms.Form):
    """A usage to be priced."""

    calls = forms.IntegerField(
        label=_("Calls in a period"), min_value=0, max_value=10**12, initial=10_000
    )
