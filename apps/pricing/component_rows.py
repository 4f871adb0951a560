"""A component as its row keeps it, and read back as the draft that it was made from."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from apps.pricing.calculator import Conversion, PackageRounding, QuantityRounding, QuantityRule
from apps.pricing.calculator.steps import decimal_text
from apps.pricing.component_drafts import ComponentDraft, TierDraft
from apps.pricing.enums import PriceModel

if TYPE_CHECKING:
    from apps.pricing.models import PriceComponent


def stored_conversion(rule: QuantityRule) -> dict[str, str]:
    """Return a conversion as JSON values, in the words of the REST API."""
    return {
        "operation": rule.conversion.value,
        "factor": decimal_text(rule.factor),
        "rounding": rule.rounding.value,
    }


def read_conversion(stored: dict[str, str]) -> QuantityRule:
    """Read back what `stored_conversion` wrote."""
    return QuantityRule(
        Conversion(stored["operation"]),
        Decimal(stored["factor"]),
        QuantityRounding(stored["rounding"]),
    )


def draft_of_component(row: PriceComponent) -> ComponentDraft:
    """Return a component as it was written down. One query unless tiers are prefetched."""
    is_package = row.model == PriceModel.PACKAGE
    return ComponentDraft(
        meter=row.meter,
        name=row.name,
        model=PriceModel(row.model),
        unit_price=None if is_package else row.unit_price,
        flat_fee=row.flat_fee,
        free_units=row.free_units,
        package_size=row.package_size,
        package_price=row.unit_price if is_package else None,
        package_rounding=PackageRounding(row.package_rounding),
        rate_percent=row.rate_percent,
        fixed_fee=row.fixed_fee,
        free_events=row.free_events,
        free_amount=row.free_amount,
        min_per_event=row.min_per_event,
        max_per_event=row.max_per_event,
        min_spend=row.min_spend,
        max_spend=row.max_spend,
        dimensions=tuple(sorted(row.dimensions.items())),
        conversion=None if row.conversion is None else read_conversion(row.conversion),
        billed_in_advance=row.billed_in_advance,
        tiers=tuple(
            TierDraft(
                up_to=tier.up_to,
                unit_price=tier.unit_price,
                flat_fee=tier.flat_fee,
                package_size=tier.package_size,
                rate_percent=tier.rate_percent,
            )
            for tier in row.tiers.all()
        ),
    )
