"""A promotion in words: what it takes off, and how long."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.core.formatting import format_money, format_number
from apps.core.money import Money
from apps.pricing.enums import PromotionDuration, PromotionKind
from apps.pricing.models import Promotion


def what_it_does(promotion: Promotion) -> str:
    """Say what a promotion takes off a bill, such as “20 percent off calls”."""
    words = _value(promotion)
    is_part = promotion.meter and promotion.kind in {
        PromotionKind.PERCENTAGE,
        PromotionKind.FIXED_AMOUNT,
    }
    return (
        _("%(what)s (%(meter)s)") % {"what": words, "meter": promotion.meter} if is_part else words
    )


def how_long(promotion: Promotion) -> str:
    """Say how many bills a promotion lowers."""
    if promotion.duration == PromotionDuration.FOREVER:
        return _("every period")
    count = promotion.periods or 1
    return ngettext("%(count)s period", "%(count)s periods", count) % {"count": count}


def _value(promotion: Promotion) -> str:
    if promotion.kind == PromotionKind.PERCENTAGE and promotion.percent_off is not None:
        places = max(0, -int(promotion.percent_off.normalize().as_tuple().exponent))
        return _("%(number)s percent off") % {
            "number": format_number(promotion.percent_off, places)
        }
    if promotion.kind == PromotionKind.FIXED_AMOUNT:
        amount = Money(promotion.amount_off_minor or 0, promotion.currency)
        return _("%(amount)s off") % {"amount": format_money(amount)}
    if promotion.kind == PromotionKind.FREE_UNITS and promotion.free_units is not None:
        number = format_number(promotion.free_units)
        return _("%(number)s units of %(meter)s free") % {
            "number": number,
            "meter": promotion.meter,
        }
    if promotion.kind == PromotionKind.TIER_UPGRADE:
        return _("prices of a higher tier for %(meter)s") % {"meter": promotion.meter}
    return _("no fees")
