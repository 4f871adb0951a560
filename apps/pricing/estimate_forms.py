"""The question “What would it cost?” on the pages of a plan: a field for everything that it charges for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.pricing.component_drafts import (
    MAX_FREE_EVENTS,
    PER_EVENT,
    PERCENTAGES,
    ComponentDraft,
    is_given,
)
from apps.pricing.drafts import PriceDraft
from apps.pricing.enums import PriceModel
from apps.pricing.meter_sources import MeterFacts
from apps.pricing.models import CALLS_METER, Promotion
from apps.pricing.price_fields import PriceField
from apps.pricing.promotion_words import what_it_does

USUAL_CALLS: Final = Decimal(10_000)
USUAL_UNITS: Final = Decimal(1_000)
USUAL_EVENTS: Final = 100
MOST_UNITS: Final = Decimal(10) ** 15
ZERO: Final = Decimal(0)


class EstimateForm(forms.Form):
    """A usage of each meter of a price, in one of its currencies, for some units of the plan, with a promotion or none.

    What a plan has no choice of is not asked.
    """

    currency = forms.ChoiceField(label=gettext_lazy("Currency"))
    quantity = forms.IntegerField(label=gettext_lazy("Units of the plan"), min_value=1)
    promotion_id = forms.ChoiceField(
        label=gettext_lazy("Promotion"),
        required=False,
        help_text=gettext_lazy("As for somebody who may have it."),
    )

    def __init__(
        self,
        typed: Mapping[str, Any],
        *,
        drafts: Mapping[str, PriceDraft],
        facts: Mapping[str, MeterFacts],
        max_quantity: int = 1,
        promotions: Sequence[Promotion] = (),
    ) -> None:
        """Ask for what the price of the chosen currency charges for.

        Args:
            typed: what was sent; a field that was not sent has a usual number.
            drafts: the price in each currency, the one that is shown first.
            facts: names and units of meters, by key.
        """
        first = next(iter(drafts))
        self.draft = drafts.get(typed.get("currency", ""), drafts[first])
        self.priced = {
            f"{component.meter}-{index}" if component.dimensions else component.meter: component
            for index, component in enumerate(self.draft.components)
            if component.model != PriceModel.FLAT
        }
        usual = {"currency": first, "quantity": "1"}
        usual |= {f"e-{name}": str(USUAL_EVENTS) for name in self.priced}
        usual |= {
            f"u-{name}": str(USUAL_CALLS if component.meter == CALLS_METER else USUAL_UNITS)
            for name, component in self.priced.items()
        }
        # Links of before name the calls alone.
        old = {"u-calls": typed["calls"]} if "calls" in typed else {}
        super().__init__({**usual, **old, **typed})
        self.names = {
            item.meter: _name_of(item, facts.get(item.meter)) for item in self.priced.values()
        }
        self._promotions = {str(row.public_id): row for row in promotions}
        self._offer(drafts, max_quantity, promotions)
        for name, component in self.priced.items():
            label = _label_of(component, facts.get(component.meter), self.draft.currency)
            self.fields[f"u-{name}"] = PriceField(label=label, required=False, max_value=MOST_UNITS)
            if any(is_given(component, per_event) for per_event in PER_EVENT):
                self.fields[f"e-{name}"] = forms.IntegerField(
                    label=_("Events in a period: %(name)s") % {"name": self.names[component.meter]},
                    min_value=1,
                    max_value=MAX_FREE_EVENTS,
                    help_text=_("As if each had the same amount."),
                )

    def clean(self) -> dict[str, Any]:
        """A promotion of an amount of money holds in its own currency."""
        chosen = self.promotion
        if chosen is not None and chosen.currency not in {"", self.draft.currency}:
            self.add_error("promotion_id", _("The promotion is in another currency."))
        return self.cleaned_data

    @property
    def promotion(self) -> Promotion | None:
        """The promotion that is tried."""
        return self._promotions.get(self.cleaned_data.get("promotion_id", ""))

    @property
    def quantity_wanted(self) -> int:
        """Units of the plan."""
        return int(self.cleaned_data.get("quantity", 1))

    @property
    def usage(self) -> dict[str, dict[str, Any]]:
        """What was typed, by meter, as quotes take it."""
        return usage_by_meter(
            (
                component,
                self.cleaned_data[f"u-{name}"] or ZERO,
                self.cleaned_data.get(f"e-{name}"),
            )
            for name, component in self.priced.items()
        )

    def _offer(
        self, drafts: Mapping[str, PriceDraft], max_quantity: int, promotions: Sequence[Promotion]
    ) -> None:
        choices = {
            "currency": [(code, code) for code in drafts] if len(drafts) > 1 else [],
            "promotion_id": [("", _("none")), *map(_choice_of, promotions)] if promotions else [],
        }
        for name, offered in choices.items():
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)  # noqa: S101 -- for the type checker
            field.choices = offered
            if not offered:
                del self.fields[name]
        if max_quantity == 1:
            del self.fields["quantity"]
        else:
            self.fields["quantity"] = forms.IntegerField(
                label=_("Units of the plan"), min_value=1, max_value=max_quantity
            )


def usage_by_meter(
    typed: Iterable[tuple[ComponentDraft, Decimal, int | None]],
) -> dict[str, dict[str, Any]]:
    """Return quantities of components by meter, as quotes take them; of prices by dimension, in their parts.

    Args:
        typed: a component, its quantity, and of how many events that is, where this was said.
    """
    parts: dict[str, list[dict[str, Any]]] = {}
    for component, units, event_count in typed:
        part = {"dimensions": dict(component.dimensions), "quantity": units}
        if event_count:
            part["event_count"] = event_count
        parts.setdefault(component.meter, []).append(part)
    return {
        meter: {"parts": found}
        if any(part["dimensions"] for part in found)
        else {name: value for name, value in found[0].items() if name != "dimensions"}
        for meter, found in parts.items()
    }


def _choice_of(promotion: Promotion) -> tuple[str, str]:
    called = promotion.code or promotion.name
    return str(promotion.public_id), f"{called}: {what_it_does(promotion)}"


def _name_of(component: ComponentDraft, facts: MeterFacts | None) -> str:
    if component.meter == CALLS_METER:
        return _("Calls")
    return facts.name if facts else component.name or component.meter


def _label_of(component: ComponentDraft, facts: MeterFacts | None, currency: str) -> str:
    if component.meter == CALLS_METER:
        return _("Calls in a period")
    name = _name_of(component, facts)
    if component.dimensions:
        values = ", ".join(f"{key} = {value}" for key, value in component.dimensions)
        name = f"{name}, {values}"
    unit = facts.unit if facts else ""
    if component.model in PERCENTAGES:
        unit = currency
    if not unit:
        return _("%(name)s in a period") % {"name": name}
    return _("%(name)s in a period (%(unit)s)") % {"name": name, "unit": unit}
