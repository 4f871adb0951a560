"""One more currency of a plan: the amounts of every component that there is, in that currency."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.pricing.drafts import ComponentDraft, CurrencyPrice, PriceDraft, TierDraft, prices_of
from apps.pricing.price_fields import PriceField

# Fields of components and tiers that are amounts of money; the others are the same in every currency.
AMOUNTS: Final = {
    "unit_price": _("Price of a unit"),
    "package_price": _("Price of a package"),
    "flat_fee": _("Fee"),
    "fixed_fee": _("Fee per event"),
    "free_amount": _("Free amount"),
    "min_per_event": _("At least, per event"),
    "max_per_event": _("At most, per event"),
    "min_spend": _("At least"),
    "max_spend": _("At most"),
}


class CurrencyForm(forms.Form):
    """A currency, and each amount of a price in it."""

    currency = forms.CharField(label=_("Currency"), min_length=3, max_length=3)

    def __init__(self, data: Any = None, *, beginning: PriceDraft) -> None:
        """Ask for every amount of a price; what it is in the default currency stands beside."""
        super().__init__(data)
        self._beginning = beginning
        for name, label, amount in _amounts_of(beginning):
            shown = format(amount.normalize(), "f")
            self.fields[name] = PriceField(
                label=label,
                help_text=_("%(amount)s in %(currency)s")
                % {"amount": shown, "currency": beginning.currency},
            )

    def clean_currency(self) -> str:
        """Write the code in capitals; refuse one that has a price."""
        currency = str(self.cleaned_data["currency"]).upper()
        if any(price.currency == currency for price in prices_of(self._beginning)):
            raise forms.ValidationError(_("This currency has a price already."))
        return currency

    def to_draft(self) -> PriceDraft:
        """Return the price that there is, with the new currency beside."""
        components = tuple(
            self._with_amounts(component, f"c{index}")
            for index, component in enumerate(self._beginning.components)
        )
        added = CurrencyPrice(self.cleaned_data["currency"], components)
        return replace(self._beginning, other_prices=(*self._beginning.other_prices, added))

    def _with_amounts(self, component: ComponentDraft, prefix: str) -> ComponentDraft:
        tiers = tuple(
            replace(tier, **self._given(f"{prefix}_t{index}"))
            for index, tier in enumerate(component.tiers)
        )
        return replace(component, tiers=tiers, **self._given(prefix))

    def _given(self, prefix: str) -> dict[str, Any]:
        names = [name for name in AMOUNTS if f"{prefix}_{name}" in self.fields]
        return {name: self.cleaned_data[f"{prefix}_{name}"] for name in names}


def _amounts_of(draft: PriceDraft) -> Iterator[tuple[str, Any, Decimal]]:
    """Name, label and present value of each amount."""
    for index, component in enumerate(draft.components):
        for name, label, amount in _own_amounts(component):
            words = _("%(what)s: %(amount)s") % {
                "what": component.name or component.meter,
                "amount": label,
            }
            yield f"c{index}_{name}", words, amount
        for place, tier in enumerate(component.tiers):
            for name, label, amount in _own_amounts(tier):
                words = _("%(what)s, tier %(number)s: %(amount)s") % {
                    "what": component.name or component.meter,
                    "number": place + 1,
                    "amount": label,
                }
                yield f"c{index}_t{place}_{name}", words, amount


def _own_amounts(priced: ComponentDraft | TierDraft) -> Iterator[tuple[str, Any, Decimal]]:
    is_tier = isinstance(priced, TierDraft)
    for name, label in AMOUNTS.items():
        amount = getattr(priced, name, None)
        # A tier without a fee has none in another currency either.
        if amount is not None and not (is_tier and name == "flat_fee" and not amount):
            yield name, label, amount
