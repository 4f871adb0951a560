"""The form of a meter. Filters and dimensions are lines of text, so that it works without scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.usage.constants import DEFAULT_WATERMARK_DELAY_S, MAX_WATERMARK_DELAY_S
from apps.usage.enums import Aggregation, MeterSource, UnitConversion, UnitRounding, WindowSize
from apps.usage.meter_drafts import FIXED_FIELDS, FREE_FIELDS, MeterDraft
from apps.usage.meter_filters import ENDPOINT, LISTS, OPERATORS, WITHOUT_VALUE, Operator
from apps.usage.models import Meter

LINES: Final = {"rows": 3, "spellcheck": "false"}


class MeterForm(forms.Form):
    """What is counted, and how it becomes a quantity."""

    name = forms.CharField(
        label=_("Name"), max_length=80, help_text=_("Such as Tokens. It stands on invoices.")
    )
    key = forms.CharField(
        label=_("Key"),
        max_length=60,
        help_text=_("Small letters, digits and underscores. It never changes."),
    )
    unit = forms.CharField(
        label=_("Unit"), max_length=40, required=False, help_text=_("Such as tokens.")
    )
    source = forms.ChoiceField(
        label=_("What is counted"), choices=MeterSource.choices, initial=MeterSource.PROPERTY
    )
    property_name = forms.CharField(
        label=_("Name of the value"),
        max_length=40,
        required=False,
        help_text=_(
            "The property of your events, or the name in the header: tokens for X-Meter: tokens=381."
        ),
    )
    aggregation = forms.ChoiceField(
        label=_("Aggregation"), choices=Aggregation.choices, initial=Aggregation.SUM
    )
    filters = forms.CharField(
        label=_("Filters"),
        required=False,
        widget=forms.Textarea(LINES),
        help_text=_(
            "One on a line, all must hold: method in POST, PUT or path starts_with /v1/ or tokens exists."
        ),
    )
    endpoints = forms.MultipleChoiceField(
        label=_("Only calls to these endpoints"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Of the versions that are served. Choose none to count calls to all of them."),
    )
    group_by = forms.CharField(
        label=_("Dimensions"),
        required=False,
        widget=forms.Textarea(LINES),
        help_text=_("One on a line, with the values to tell apart: model: small, large."),
    )
    conversion = forms.ChoiceField(
        label=_("Conversion before pricing"), choices=UnitConversion.choices, required=False
    )
    conversion_factor = forms.DecimalField(
        label=_("By"), max_digits=30, decimal_places=12, initial=1, help_text=_("Above 0.")
    )
    rounding = forms.ChoiceField(
        label=_("Rounding of a period"), choices=UnitRounding.choices, required=False
    )
    rounding_places = forms.IntegerField(
        label=_("Decimals"),
        min_value=-6,
        max_value=12,
        initial=0,
        help_text=_("Below 0: tens, hundreds."),
    )
    window_s = forms.TypedChoiceField(
        label=_("Window"), coerce=int, choices=WindowSize.choices, initial=WindowSize.HOUR
    )
    watermark_delay_s = forms.IntegerField(
        label=_("Wait for late events (seconds)"),
        min_value=0,
        max_value=MAX_WATERMARK_DELAY_S,
        initial=DEFAULT_WATERMARK_DELAY_S,
        help_text=_("A window closes so long after its end; at most 7 days."),
    )

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        endpoints: Sequence[str] = (),
        meter: Meter | None = None,
        is_fixed: bool = False,
    ) -> None:
        """Begin with a meter that exists; show as fixed what cannot change any more.

        Args:
            endpoints: those of the API, as filters name them.
        """
        super().__init__(data, initial=None if meter is None else _initial(meter))
        self._meter = meter
        # A meter goes on with endpoints that newer documents leave out.
        chosen = self.initial.get("endpoints", [])
        names = dict.fromkeys((*endpoints, *chosen))
        if names:
            self.fields["endpoints"].choices = [(name, name) for name in names]  # type: ignore[attr-defined]
        else:
            del self.fields["endpoints"]
        if meter is not None:
            self.fields["key"].disabled = True
        if is_fixed:
            for name in {*FIXED_FIELDS, "endpoints"} & self.fields.keys():
                self.fields[name].disabled = True

    def clean_filters(self) -> list[dict[str, Any]]:
        """Read the lines."""
        return [_filter_of(line) for line in _lines(self.cleaned_data["filters"])]

    def clean_group_by(self) -> list[dict[str, Any]]:
        """Read the lines."""
        return [_dimension_of(line) for line in _lines(self.cleaned_data["group_by"])]

    def to_draft(self) -> MeterDraft:
        """Return what the services take."""
        values = {name: self.cleaned_data[name] for name in (*FIXED_FIELDS, *FREE_FIELDS)}
        if chosen := self.cleaned_data.get("endpoints"):
            by_endpoint = {"property": ENDPOINT, "operator": str(Operator.IN), "value": chosen}
            values["filters"] = [by_endpoint, *values["filters"]]
        values["rounding"] = values["rounding"] or UnitRounding.NONE
        return MeterDraft(key=self.cleaned_data["key"], **values)


def _initial(meter: Meter) -> dict[str, Any]:
    fields = {name: getattr(meter, name) for name in (*FIXED_FIELDS, *FREE_FIELDS)}
    factor = meter.conversion_factor
    first = meter.filters[0] if meter.filters else None
    chosen = first if first is not None and _is_choice_of_endpoints(first) else None
    return {
        **fields,
        "key": meter.key,
        "filters": "\n".join(filter_text(item) for item in meter.filters if item is not chosen),
        "endpoints": [] if chosen is None else chosen["value"],
        "group_by": "\n".join(map(dimension_text, meter.group_by)),
        "conversion_factor": f"{factor:f}".rstrip("0").rstrip(".")
        if "." in f"{factor:f}"
        else factor,
    }


def _is_choice_of_endpoints(item: Mapping[str, Any]) -> bool:
    return (item["property"], item["operator"]) == (ENDPOINT, Operator.IN)


def filter_text(item: Mapping[str, Any]) -> str:
    """Write a filter as its line."""
    value = item.get("value")
    text = ", ".join(map(str, value)) if isinstance(value, list) else value
    return " ".join(
        str(part) for part in (item["property"], item["operator"], text) if part is not None
    )


def dimension_text(item: Mapping[str, Any]) -> str:
    """Write a dimension as its line."""
    return f"{item['property']}: {', '.join(item['values'])}"


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _filter_of(line: str) -> dict[str, Any]:
    name, _space, rest = line.partition(" ")
    operator, _space, value = rest.strip().partition(" ")
    if operator not in OPERATORS:
        detail = _("“%(line)s” is not a name, a comparison and a value.") % {"line": line[:80]}
        raise forms.ValidationError(detail)
    found: dict[str, Any] = {"property": name, "operator": operator}
    if operator in LISTS:
        found["value"] = _listed(value)
    elif operator not in WITHOUT_VALUE:
        found["value"] = value.strip()
    return found


def _dimension_of(line: str) -> dict[str, Any]:
    name, colon, values = line.partition(":")
    if not colon:
        detail = _("“%(line)s” is not a name, a colon and values.") % {"line": line[:80]}
        raise forms.ValidationError(detail)
    return {"property": name.strip(), "values": _listed(values)}


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
