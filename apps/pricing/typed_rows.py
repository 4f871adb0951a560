"""What stands in the rows of the plan builder, as texts: read from a page, from a price, or from a template.

Adding and removing rows happens here, before any field is checked, so that nothing typed is lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from apps.pricing.calculator.steps import decimal_text
from apps.pricing.component_drafts import TIERED, ComponentDraft, TierDraft
from apps.pricing.component_forms import ComponentForm, ComponentTierForm
from apps.pricing.enums import PriceModel
from apps.pricing.models import CALLS_METER

MAX_COMPONENTS: Final = 20
MAX_TIERS: Final = 20
COUNT: Final = "components"
EXAMPLE_USAGE: Final = "10000"


@dataclass(slots=True)
class TypedRow:
    """The texts of one priced thing and of its tiers, by field."""

    fields: dict[str, str]
    tiers: list[dict[str, str]] = field(default_factory=list)

    @property
    def has_tiers(self) -> bool:
        """Whether the chosen kind of price has tiers."""
        return self.fields.get("model") in TIERED


def read_rows(post: Mapping[str, str]) -> list[TypedRow]:
    """Read the rows of a page; more of them than the builder offers are left out."""
    rows = []
    for index in range(_number(post.get(COUNT), MAX_COMPONENTS)):
        prefix = f"c{index}"
        tiers = [
            _texts(post, f"{prefix}-t{position}", ComponentTierForm.base_fields)
            for position in range(_number(post.get(f"{prefix}-tiers"), MAX_TIERS))
        ]
        rows.append(TypedRow(_texts(post, prefix, ComponentForm.base_fields), tiers))
    return rows


def rows_of(components: Iterable[ComponentDraft]) -> list[TypedRow]:
    """Write a price that exists as rows."""
    return [_row_of(component) for component in components]


def new_row(kind: str) -> TypedRow:
    """Return an empty row: a fee, or a price of usage in tiers."""
    is_fee = kind == PriceModel.FLAT
    model = PriceModel.FLAT if is_fee else PriceModel.GRADUATED
    row = TypedRow({"model": model, "meter": "" if is_fee else CALLS_METER})
    ensure_tiers(row)
    return row


def ensure_tiers(row: TypedRow) -> None:
    """Offer two tiers where the kind of price has some and none are there."""
    if row.has_tiers and not row.tiers:
        row.tiers = [{}, {}]


def press(rows: list[TypedRow], post: Mapping[str, str]) -> bool:
    """Do what a button about rows asks for; tell whether one was pressed. A number that no row has changes nothing."""
    if "add_component" in post and len(rows) < MAX_COMPONENTS:
        rows.append(new_row(post["add_component"]))
    if (index := _index(post.get("remove_component"), rows)) is not None:
        del rows[index]
    index = _index(post.get("add_tier"), rows)
    if index is not None and len(rows[index].tiers) < MAX_TIERS:
        rows[index].tiers.append({})
    at, _dash, tier = post.get("remove_tier", "").partition("-")
    if (index := _index(at, rows)) is not None:
        position = _index(tier, rows[index].tiers)
        if position is not None:
            del rows[index].tiers[position]
    for row in rows:
        ensure_tiers(row)
    buttons = {"add_component", "remove_component", "add_tier", "remove_tier", "change_kind"}
    return any(name in post for name in buttons)


def _row_of(component: ComponentDraft) -> TypedRow:
    is_flat = component.model == PriceModel.FLAT
    fields = {
        "model": str(component.model.value),
        "meter": "" if is_flat else component.meter,
        "key": component.meter if is_flat else "",
        "name": component.name,
        "billed_in_advance": "on" if component.billed_in_advance else "",
        "package_rounding": component.package_rounding.value,
        "dimensions": ", ".join(f"{name}={value}" for name, value in component.dimensions),
        "units": EXAMPLE_USAGE if component.meter == CALLS_METER else "",
    }
    rule = component.conversion
    if rule is not None:
        fields |= {
            "conversion_operation": rule.conversion.value,
            "conversion_factor": decimal_text(rule.factor),
            "conversion_rounding": rule.rounding.value,
        }
    numbers = (
        "flat_fee", "unit_price", "package_price", "package_size", "rate_percent", "fixed_fee", "free_amount",
        "min_per_event", "max_per_event", "min_spend", "max_spend",
    )  # fmt: skip
    fields |= {name: _text(getattr(component, name)) for name in numbers}
    fields["free_events"] = "" if component.free_events is None else str(component.free_events)
    fields["free_units"] = _text(component.free_units or None)
    return TypedRow(fields, [_tier_of(tier, component.model) for tier in component.tiers])


def _tier_of(tier: TierDraft, model: PriceModel) -> dict[str, str]:
    is_percent = model == PriceModel.GRADUATED_PERCENTAGE
    return {
        "up_to": _text(tier.up_to),
        "unit_price": "" if is_percent else _text(tier.unit_price),
        "rate_percent": _text(tier.rate_percent) if is_percent else "",
        "flat_fee": _text(tier.flat_fee or None),
        "package_size": _text(tier.package_size),
    }


def _texts(post: Mapping[str, str], prefix: str, names: Iterable[str]) -> dict[str, str]:
    return {name: post[key] for name in names if (key := f"{prefix}-{name}") in post}


def _text(number: Decimal | None) -> str:
    return "" if number is None else decimal_text(number)


def _number(text: str | None, most: int) -> int:
    return (
        min(int(text), most) if text and text.isascii() and text.isdigit() and len(text) < 4 else 0
    )


def _index(text: str | None, rows: list[TypedRow] | list[dict[str, str]]) -> int | None:
    if not text or not text.isascii() or not text.isdigit() or len(text) > 3:
        return None
    index = int(text)
    return index if index < len(rows) else None
