"""What a component asks, in a line of a price list: for prices that the table of calls does not show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.core.formatting import format_number, format_unit_price
from apps.pricing.calculator.steps import decimal_text
from apps.pricing.component_drafts import PERCENTAGES, TIERED, ComponentDraft, TierDraft
from apps.pricing.enums import PriceModel

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class OtherPrice:
    """A component by its name, and each of its prices in words."""

    name: str
    words: tuple[str, ...]


def other_price(component: ComponentDraft, currency: str) -> OtherPrice:
    """Write a component down in the active language."""
    return OtherPrice(component.name, tuple(_words(component, currency)))


def can_be_charged(component: ComponentDraft) -> bool:
    """Whether any usage could cost something."""
    own = (
        component.flat_fee,
        component.unit_price,
        component.package_price,
        component.rate_percent,
        component.fixed_fee,
        component.min_per_event,
    )
    tiers = (
        price
        for tier in component.tiers
        for price in (tier.unit_price, tier.flat_fee, tier.rate_percent)
    )
    return any(own) or any(tiers) or bool(component.min_spend)


def _words(component: ComponentDraft, currency: str) -> Iterator[str]:
    yield from _prices(component, currency)
    if component.free_units:
        yield _("%(units)s units are free") % {"units": _number(component.free_units)}
    if component.free_events:
        yield ngettext(
            "%(count)s event is free", "%(count)s events are free", component.free_events
        ) % {"count": format_number(component.free_events)}
    if component.free_amount:
        yield _("the first %(amount)s are free") % {
            "amount": format_unit_price(component.free_amount, currency)
        }
    if component.min_per_event:
        yield _("at least %(amount)s per event") % {
            "amount": format_unit_price(component.min_per_event, currency)
        }
    if component.max_per_event is not None:
        yield _("at most %(amount)s per event") % {
            "amount": format_unit_price(component.max_per_event, currency)
        }
    if component.min_spend:
        yield _("at least %(amount)s") % {
            "amount": format_unit_price(component.min_spend, currency)
        }
    if component.max_spend is not None:
        yield _("at most %(amount)s") % {"amount": format_unit_price(component.max_spend, currency)}


def _prices(component: ComponentDraft, currency: str) -> Iterator[str]:
    if component.model in TIERED:
        lower = ZERO
        for tier in component.tiers:
            yield _tier(component, tier, lower, currency)
            lower = tier.up_to or lower
    elif component.model == PriceModel.PERCENTAGE:
        yield _("%(percent)s percent") % {"percent": _number(component.rate_percent or ZERO)}
        if component.fixed_fee:
            yield _("%(price)s for each event") % {
                "price": format_unit_price(component.fixed_fee, currency)
            }
    elif component.model == PriceModel.PACKAGE:
        yield _("%(price)s for each package of %(size)s") % {
            "price": format_unit_price(component.package_price or ZERO, currency),
            "size": _number(component.package_size or ZERO),
        }
    elif component.model == PriceModel.FLAT:
        yield format_unit_price(component.flat_fee or ZERO, currency)
    else:
        yield _("%(price)s each") % {
            "price": format_unit_price(component.unit_price or ZERO, currency)
        }


def _tier(component: ComponentDraft, tier: TierDraft, lower: Decimal, currency: str) -> str:
    if component.model in PERCENTAGES:
        price = _("%(percent)s percent") % {"percent": _number(tier.rate_percent)}
    else:
        price = format_unit_price(tier.unit_price, currency)
    if tier.flat_fee:
        price += f" + {format_unit_price(tier.flat_fee, currency)}"
    if tier.up_to is None:
        return _("over %(lower)s: %(price)s") % {"lower": _number(lower), "price": price}
    return _("up to %(upper)s: %(price)s") % {"upper": _number(tier.up_to), "price": price}


def _number(value: Decimal) -> str:
    places = len(decimal_text(value).partition(".")[2])
    return format_number(value, places)
