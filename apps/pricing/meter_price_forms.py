"""The prices of meters in the plan builder: a row for each. A row without a meter is no price."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from django import forms
from django.forms import BaseFormSet, formset_factory
from django.utils.translation import gettext_lazy as _

from apps.pricing.drafts import BASE_FEE_METER, ComponentDraft, PriceDraft
from apps.pricing.enums import PriceModel
from apps.pricing.models import CALLS_METER
from apps.pricing.price_fields import PriceField

MAX_ROWS: Final = 20
SHOWN: Final = frozenset({PriceModel.PER_UNIT, PriceModel.PACKAGE})
# Key and name of a meter.
Choice = tuple[str, str]


class MeterPriceForm(forms.Form):
    """What one meter costs: by the unit, or by the started package."""

    meter = forms.ChoiceField(label=_("Meter"), required=False)
    free_units = PriceField(label=_("Free units"), required=False)
    unit_price = PriceField(label=_("Price per unit or package"), required=False)
    package_size = PriceField(
        label=_("Units in a package"), required=False, help_text=_("Empty: by the unit.")
    )
    units = PriceField(
        label=_("Units in a period"), required=False, help_text=_("For the bill below.")
    )

    def __init__(self, *args: Any, meters: Sequence[Choice], **options: Any) -> None:
        """Offer the meters."""
        super().__init__(*args, **options)
        field = self.fields["meter"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 -- for the type checker
        field.choices = [("", _("None")), *meters]
        self._names = dict(meters)

    def clean(self) -> dict[str, Any]:
        """Ask for the price of a meter that was chosen."""
        values = super().clean() or {}
        if values.get("meter") and values.get("unit_price") is None:
            self.add_error("unit_price", _("Give the meter a price; 0 is one."))
        return values

    @property
    def component(self) -> ComponentDraft | None:
        """The price, or None for an empty row."""
        values = self.cleaned_data
        key = values.get("meter")
        if not key:
            return None
        size = values.get("package_size")
        return ComponentDraft(
            meter=key,
            name=self._names[key],
            model=PriceModel.PER_UNIT if size is None else PriceModel.PACKAGE,
            unit_price=values["unit_price"] if size is None else None,
            package_price=None if size is None else values["unit_price"],
            free_units=values.get("free_units") or Decimal(0),
            package_size=size,
        )


MeterPriceFormSet = formset_factory(
    MeterPriceForm, extra=1, max_num=MAX_ROWS, absolute_max=MAX_ROWS
)


def meter_components_of(rows: BaseFormSet[MeterPriceForm]) -> tuple[ComponentDraft, ...]:
    """Return the filled rows of a valid formset in order."""
    return tuple(price for row in rows.forms if (price := row.component) is not None)


def meter_units_of(rows: BaseFormSet[MeterPriceForm]) -> dict[str, Decimal]:
    """Return the units of each meter that the bill is asked for."""
    return {
        row.cleaned_data["meter"]: row.cleaned_data.get("units") or Decimal(0)
        for row in rows.forms
        if row.cleaned_data.get("meter")
    }


def meter_rows_of(draft: PriceDraft) -> list[dict[str, Any]]:
    """Return the beginnings of the rows from a price that exists."""
    return [
        {
            "meter": component.meter,
            "free_units": component.free_units or None,
            "unit_price": component.package_price
            if component.model == PriceModel.PACKAGE
            else component.unit_price,
            "package_size": component.package_size,
        }
        for component in draft.components
        if _has_row(component)
    ]


def components_without_row(draft: PriceDraft) -> tuple[ComponentDraft, ...]:
    """Return prices that were written over REST and that the builder cannot show: it keeps them as they are."""
    return tuple(
        component
        for component in draft.components
        if component.meter not in {BASE_FEE_METER, CALLS_METER} and not _has_row(component)
    )


def _has_row(component: ComponentDraft) -> bool:
    is_meter = component.meter not in {BASE_FEE_METER, CALLS_METER}
    return is_meter and component.model in SHOWN
