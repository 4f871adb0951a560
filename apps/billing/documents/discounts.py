"""The working of a discount in the reader's words."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.billing.documents.model import LineStep
from apps.core.formatting import format_money, format_number
from apps.core.money import Money


def describe_discount(working: Mapping[str, Any], currency: str) -> list[LineStep]:
    """Write what a promotion takes off, and how much of it lowers which line."""
    first = LineStep(
        label=_label(working, currency),
        working=_how(working, currency),
        amount=format_money(Money(-working["amount_minor"], currency)),
    )
    lowers, beside = _("Lowers: %(line)s"), _("Goes with: %(line)s")
    shares = [
        LineStep(
            label=(beside if "returned" in working else lowers) % {"line": share["description"]},
            working=format_money(Money(-share["amount_minor"], currency)),
            amount="",
        )
        for share in working["lines"]
    ]
    booked = working.get("booked_minor")
    if booked is None:
        return [first, *shares]
    before = LineStep(
        label=_("Less what was taken off before"),
        working="",
        amount=format_money(Money(booked, currency)),
    )
    return [first, *shares, before]


def _label(working: Mapping[str, Any], currency: str) -> str:
    if "returned" in working:
        return _("Taken back with the fee: %(discount)s") % {"discount": _kind(working, currency)}
    return _kind(working, currency)


def _kind(working: Mapping[str, Any], currency: str) -> str:
    value = Decimal(working["value"])
    number = _number(value)
    if working["kind"] == "percentage":
        return _("%(number)s percent off") % {"number": number}
    if working["kind"] == "fixed_amount":
        amount = format_money(Money.from_decimal(value, currency))
        return _("%(amount)s off") % {"amount": amount}
    if working["kind"] == "free_units":
        return _("%(number)s units free of charge") % {"number": number}
    if working["kind"] == "tier_upgrade":
        text = ngettext("Prices of the next tier", "Prices of %(number)s tiers higher", int(value))
        return text % {"number": number}
    return _("Fees of the period are free")


def _how(working: Mapping[str, Any], currency: str) -> str:
    base = format_money(Money(working["base_minor"], currency))
    if "returned" in working:
        returned = working["returned"]
        return f"{base} × {returned['days']} / {returned['of_days']}"
    if working["kind"] == "percentage":
        return f"{_number(Decimal(working['value']))} % × {base}"
    if "full_minor" in working:
        full, cheaper = (Money(working[name], currency) for name in ("full_minor", "cheaper_minor"))
        return f"{format_money(full)} − {format_money(cheaper)}"
    return base


def _number(value: Decimal) -> str:
    exponent = value.normalize().as_tuple().exponent
    return format_number(value, max(0, -int(exponent)))
