"""The plan builder's forms of what things cost: one for each priced thing, with its tiers.

Every kind of price has its own fields; the others are not asked for. A tier without a price is no tier.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.pricing.calculator import (
    Conversion,
    Dimensions,
    PackageRounding,
    QuantityRounding,
    QuantityRule,
)
from apps.pricing.component_drafts import (
    COMMON,
    FIELDS,
    MAX_FREE_EVENTS,
    PERCENTAGES,
    REQUIRED,
    TIERED,
    ComponentDraft,
    TierDraft,
)
from apps.pricing.enums import PackageRoundings, PriceModel
from apps.pricing.models import CALLS_METER
from apps.pricing.price_fields import PriceField

ZERO: Final = Decimal(0)
KINDS: Final = (
    (PriceModel.FLAT, _("A fee of each period, whatever is used")),
    (PriceModel.PER_UNIT, _("Per unit: each unit costs the same")),
    (PriceModel.GRADUATED, _("Graduated: each tier's price for the units in it")),
    (PriceModel.VOLUME, _("Volume: the reached tier's price for all units")),
    (PriceModel.PACKAGE, _("Packages: so much for each package of units")),
    (PriceModel.PERCENTAGE, _("A percentage of an amount of money")),
    (PriceModel.GRADUATED_PERCENTAGE, _("A percentage in tiers of an amount of money")),
)
# Shown at once; the rest of a kind's fields is folded away.
PLAIN: Final = (
    "flat_fee",
    "unit_price",
    "package_price",
    "package_size",
    "rate_percent",
    "fixed_fee",
    "free_units",
)
FOLDED: Final = (
    "free_events",
    "free_amount",
    "min_per_event",
    "max_per_event",
    "package_rounding",
    "min_spend",
    "max_spend",
)
CONVERTING: Final = ("conversion_operation", "conversion_factor", "conversion_rounding")
ROUNDINGS: Final = (
    (QuantityRounding.NONE.value, _("as it is")),
    (QuantityRounding.CEILING.value, _("up to a whole unit")),
    (QuantityRounding.HALF_UP.value, _("to the nearest whole unit")),
    (QuantityRounding.FLOOR.value, _("down to a whole unit")),
)
PAIR: Final = re.compile(r"\s*([\w.-]{1,60})\s*=\s*(.{1,200}?)\s*")
# Key and name of a meter.
Choice = tuple[str, str]


class ComponentForm(forms.Form):
    """One priced thing. Its kind decides which of the fields count."""

    key = forms.CharField(max_length=60, required=False, widget=forms.HiddenInput)
    model = forms.ChoiceField(label=_("Kind of price"), choices=KINDS)
    meter = forms.ChoiceField(label=_("Charged for"), required=False)
    name = forms.CharField(label=_("Name on the invoice"), max_length=80, required=False)
    flat_fee = PriceField(label=_("Fee"), required=False)
    billed_in_advance = forms.BooleanField(
        label=_("Charged at the start of each period"),
        required=False,
        help_text=_("Otherwise at its end."),
    )
    unit_price = PriceField(label=_("Price per unit"), required=False)
    package_price = PriceField(label=_("Price per package"), required=False)
    package_size = PriceField(label=_("Units in a package"), required=False)
    package_rounding = forms.ChoiceField(
        label=_("A package that is not used up"), choices=PackageRoundings.choices, required=False
    )
    rate_percent = PriceField(label=_("Percent"), required=False)
    free_units = PriceField(label=_("Free units"), required=False)
    fixed_fee = PriceField(label=_("Fee per event"), required=False)
    free_events = forms.IntegerField(
        label=_("Free events"), min_value=0, max_value=MAX_FREE_EVENTS, required=False
    )
    free_amount = PriceField(label=_("Free amount"), required=False)
    min_per_event = PriceField(label=_("At least, per event"), required=False)
    max_per_event = PriceField(label=_("At most, per event"), required=False)
    min_spend = PriceField(label=_("At least, per period"), required=False)
    max_spend = PriceField(label=_("At most, per period"), required=False)
    dimensions = forms.CharField(
        label=_("Only where"),
        max_length=300,
        required=False,
        help_text=_("Values of the meter's dimensions, such as region=eu, tier=gold."),
    )
    conversion_operation = forms.ChoiceField(
        label=_("Convert the quantity"),
        choices=[
            ("", _("no")),
            (Conversion.DIVIDE.value, _("divide by")),
            (Conversion.MULTIPLY.value, _("multiply by")),
        ],
        required=False,
    )
    conversion_factor = PriceField(label=_("Number"), required=False)
    conversion_rounding = forms.ChoiceField(
        label=_("Then take it"), choices=ROUNDINGS, required=False
    )
    units = PriceField(
        label=_("Usage in a period"), required=False, help_text=_("For the bill below.")
    )
    event_count = forms.IntegerField(
        label=_("Events in a period"),
        min_value=1,
        max_value=MAX_FREE_EVENTS,
        required=False,
        help_text=_("As if each had the same amount. For the bill below."),
    )

    def __init__(self, *args: Any, meters: Sequence[Choice], **options: Any) -> None:
        """Offer calls and the meters."""
        super().__init__(*args, **options)
        self._names = {CALLS_METER: str(_("Calls")), **dict(meters)}
        field = self.fields["meter"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 -- for the type checker
        field.choices = list(self._names.items())

    @property
    def kind(self) -> PriceModel:
        """The kind of price that was chosen, valid or not."""
        raw = str(self["model"].value() or "")
        return PriceModel(raw) if raw in PriceModel.values else PriceModel.PER_UNIT

    @property
    def has_tiers(self) -> bool:
        """Whether this kind of price has tiers."""
        return self.kind in TIERED

    def shown(self, names: Sequence[str]) -> list[forms.BoundField]:
        """Return those of the fields that this kind of price has."""
        return [self[name] for name in names if name in COMMON | FIELDS[self.kind]]

    @property
    def plain_fields(self) -> list[forms.BoundField]:
        """The fields that are shown at once."""
        return self.shown(PLAIN)

    @property
    def folded_fields(self) -> list[forms.BoundField]:
        """The fields of less common wishes."""
        return self.shown(FOLDED)

    @property
    def is_unfolded(self) -> bool:
        """Whether one of the folded fields says something, or is wrong."""
        names = (*FOLDED, *CONVERTING, "dimensions")
        quiet = {"", None, PackageRounding.UP.value, QuantityRounding.NONE.value}
        return any(self[name].value() not in quiet for name in names) or (
            self.is_bound and any(self[name].errors for name in names)
        )

    def clean_dimensions(self) -> Dimensions:
        """Read `region=eu, tier=gold`."""
        pairs = {}
        for text in filter(str.strip, re.split(r"[,\n]", self.cleaned_data["dimensions"])):
            found = PAIR.fullmatch(text)
            if found is None:
                raise forms.ValidationError(_("Write each as name=value, with commas between."))
            pairs[found[1]] = found[2]
        return tuple(sorted(pairs.items()))

    def clean(self) -> dict[str, Any]:
        """Ask for what the chosen kind needs."""
        values = super().clean() or {}
        for name in REQUIRED[self.kind]:
            if name != "tiers" and name not in self.errors and values.get(name) is None:
                self.add_error(name, _("This kind of price needs it; 0 is a price."))
        if values.get("conversion_operation") and not values.get("conversion_factor"):
            self.add_error("conversion_factor", _("Choose a number above zero."))
        return values

    def to_draft(self, *, key: str, tiers: tuple[TierDraft, ...]) -> ComponentDraft:
        """Return what the services take; `key` is that of a fee."""
        values = self.cleaned_data
        is_flat = self.kind == PriceModel.FLAT
        meter = key if is_flat else values.get("meter") or CALLS_METER
        fallback = str(_("Base fee")) if is_flat else self._names.get(meter, meter)
        numbers = {
            name: values[name]
            for name in FIELDS[self.kind] | {"min_spend", "max_spend"}
            if name in {*PLAIN, *FOLDED} - {"package_rounding"} and values.get(name) is not None
        }
        return ComponentDraft(
            meter=meter,
            model=self.kind,
            name=values["name"] or fallback[:80],
            billed_in_advance=is_flat and values["billed_in_advance"],
            package_rounding=self._rounding(),
            dimensions=() if is_flat else values["dimensions"],
            conversion=None if is_flat else self._conversion(),
            tiers=tiers if self.has_tiers else (),
            **numbers,
        )

    def _rounding(self) -> PackageRounding:
        chosen = self.cleaned_data["package_rounding"] if self.kind == PriceModel.PACKAGE else ""
        return PackageRounding(chosen or PackageRounding.UP)

    def _conversion(self) -> QuantityRule | None:
        values = self.cleaned_data
        if not values["conversion_operation"]:
            return None
        return QuantityRule(
            Conversion(values["conversion_operation"]),
            values["conversion_factor"],
            QuantityRounding(values["conversion_rounding"] or QuantityRounding.NONE),
        )


class ComponentTierForm(forms.Form):
    """One step of a ladder; a row without a price is no step."""

    up_to = PriceField(label=_("Up to"), required=False)
    unit_price = PriceField(label=_("Price per unit"), required=False)
    rate_percent = PriceField(label=_("Percent"), required=False)
    flat_fee = PriceField(label=_("Fee of the tier"), required=False)
    package_size = PriceField(
        label=_("In packages of"), required=False, help_text=_("Empty: by the unit.")
    )

    def __init__(self, *args: Any, kind: PriceModel, **options: Any) -> None:
        """Know whether the ladder is one of units or of percentages."""
        super().__init__(*args, **options)
        self._price = "rate_percent" if kind in PERCENTAGES else "unit_price"

    @property
    def shown_fields(self) -> list[forms.BoundField]:
        """The fields that tiers of this kind have."""
        names = ["up_to", self._price, "flat_fee"]
        return [self[name] for name in (*names, *self._own)]

    @property
    def _own(self) -> tuple[str, ...]:
        return () if self._price == "rate_percent" else ("package_size",)

    def clean(self) -> dict[str, Any]:
        """Ask for the price of a row that has anything else."""
        values = super().clean() or {}
        is_empty = values.get(self._price) is None and self._price not in self.errors
        if is_empty and any(values.get(name) for name in ("up_to", "flat_fee", *self._own)):
            self.add_error(self._price, _("Give the tier a price; 0 is one."))
        return values

    @property
    def tier(self) -> TierDraft | None:
        """The step, or None for an empty row."""
        values = self.cleaned_data
        price = values.get(self._price)
        if price is None:
            return None
        is_percent = self._price == "rate_percent"
        return TierDraft(
            up_to=values.get("up_to"),
            unit_price=ZERO if is_percent else price,
            rate_percent=price if is_percent else ZERO,
            flat_fee=values.get("flat_fee") or ZERO,
            package_size=None if is_percent else values.get("package_size"),
        )
