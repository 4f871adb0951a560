"""An inline price definition of a quote becomes a price table, or a list of what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from apps.pricing.calculator import (
    Conversion,
    PackageRounding,
    PriceTable,
    QuantityRounding,
    QuantityRule,
)
from apps.pricing.component_drafts import (
    ComponentDraft,
    Defect,
    TierDraft,
    find_component_defects,
    price_component,
)
from apps.pricing.enums import PriceModel
from apps.pricing.exceptions import InvalidPrice

_READ_APART: Final = frozenset({"model", "tiers", "dimensions", "conversion", "package_rounding"})


def read_inline_prices(currency: str, components: Sequence[Mapping[str, Any]]) -> PriceTable:
    """Build the price table of a quote.

    Args:
        currency: ISO 4217.
        components: as `quote_input.QuoteComponentInput` validates them.

    Raises:
        InvalidPrice: a component cannot be priced; `errors` points at each defect.
    """
    drafts = [component_draft(component) for component in components]
    defects = [*find_component_defects(drafts), *_conflicts(drafts)]
    if defects:
        raise InvalidPrice(errors=[defect._asdict() for defect in defects])
    return PriceTable(currency, tuple(price_component(draft) for draft in drafts))


def component_draft(values: Mapping[str, Any]) -> ComponentDraft:
    """Read one component from validated input of the REST API; null is the same as left out."""
    own = {
        name: value
        for name, value in values.items()
        if value is not None and name not in _READ_APART
    }
    conversion, rounding = values.get("conversion"), values.get("package_rounding")
    return ComponentDraft(
        **own,
        model=PriceModel(values["model"]),
        package_rounding=PackageRounding(rounding or PackageRounding.UP),
        dimensions=tuple(sorted((values.get("dimensions") or {}).items())),
        conversion=None if conversion is None else rule_of(conversion),
        tiers=tuple(map(_tier_draft, values.get("tiers") or ())),
    )


def rule_of(conversion: Mapping[str, Any]) -> QuantityRule:
    """Read a conversion: `operation`, `factor` and `rounding`."""
    return QuantityRule(
        Conversion(conversion["operation"]),
        conversion["factor"],
        QuantityRounding(conversion["rounding"]),
    )


def _tier_draft(values: Mapping[str, Any]) -> TierDraft:
    """Read a tier; its `up_to` says something by being null."""
    own = {name: value for name, value in values.items() if value is not None or name == "up_to"}
    return TierDraft(**own)


def _conflicts(drafts: Sequence[ComponentDraft]) -> Iterator[Defect]:
    """Find two ways to convert one meter: a quote's usage has one form."""
    conversions: dict[str, QuantityRule | None] = {}
    for position, draft in enumerate(drafts):
        if conversions.setdefault(draft.meter, draft.conversion) != draft.conversion:
            text = _("All prices of one meter convert its quantity alike.")
            yield Defect(f"/components/{position}/conversion", "conflict", text)
