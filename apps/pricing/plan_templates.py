"""Beginnings of a price: the four common types of plan, each composed of ordinary components.

A template is only a start; what it writes into the builder can be changed like anything else. The prices are those of
the worked examples in docs/domain/pricing.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.pricing.component_drafts import ComponentDraft, TierDraft
from apps.pricing.drafts import BASE_FEE_METER
from apps.pricing.enums import PriceModel
from apps.pricing.models import CALLS_METER


@dataclass(frozen=True, slots=True)
class PlanTemplate:
    """A type of plan in words, and the components that make it."""

    label: str | Promise
    help_text: str | Promise
    components: tuple[ComponentDraft, ...]


def _calls(**fields: object) -> ComponentDraft:
    return ComponentDraft(meter=CALLS_METER, **fields)  # type: ignore[arg-type]  # fields by name


def _fee(amount: str) -> ComponentDraft:
    return ComponentDraft(meter=BASE_FEE_METER, model=PriceModel.FLAT, flat_fee=Decimal(amount))


def _tier(up_to: int | None, unit_price: str, flat_fee: int = 0) -> TierDraft:
    bound = None if up_to is None else Decimal(up_to)
    return TierDraft(up_to=bound, unit_price=Decimal(unit_price), flat_fee=Decimal(flat_fee))


TIERS: Final = (
    _tier(1_000, "0.001"),
    _tier(10_000, "0.0008", 5),
    _tier(100_000, "0.0005", 25),
    _tier(None, "0.0003", 100),
)
TEMPLATES: Final[Mapping[str, PlanTemplate]] = {
    "usage_based": PlanTemplate(
        _("Usage-based"),
        _("Nothing but what is used, cheaper in each tier."),
        (_calls(model=PriceModel.GRADUATED, tiers=TIERS),),
    ),
    "subscription": PlanTemplate(
        _("Subscription"),
        _("A fee with calls included, and a price for each call beyond them."),
        (
            _fee("99.99"),
            _calls(
                model=PriceModel.PER_UNIT,
                free_units=Decimal(100_000),
                unit_price=Decimal("0.0005"),
            ),
        ),
    ),
    "freemium": PlanTemplate(
        _("Freemium"),
        _("Free up to an allowance, then a price for each call."),
        (_calls(model=PriceModel.PER_UNIT, free_units=Decimal(1_000), unit_price=Decimal("0.01")),),
    ),
    "hybrid": PlanTemplate(
        _("Hybrid"),
        _("A fee with calls included, and tiers for those beyond them."),
        (
            _fee("29"),
            _calls(model=PriceModel.GRADUATED, free_units=Decimal(10_000), tiers=TIERS),
        ),
    ),
}
