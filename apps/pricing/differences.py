"""Two versions of a price side by side: every term and component, and which of them differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from apps.pricing.calculator import QuantityRule
from apps.pricing.component_drafts import is_given
from apps.pricing.component_rows import stored_conversion
from apps.pricing.drafts import ComponentDraft, CurrencyPrice, PriceDraft, TierDraft, prices_of

TERMS: Final = {
    "interval": _("Period"),
    "interval_count": _("Number of them"),
    "alignment": _("Periods begin"),
    "quota_calls": _("Quota (calls per period)"),
    "quota_kind": _("When it is used up"),
    "billable_statuses": _("Billed answers"),
    "rate_per_second": _("Calls per second"),
    "rate_per_minute": _("Calls per minute"),
    "rate_per_hour": _("Calls per hour"),
    "rate_per_day": _("Calls per day"),
}
PARTS: Final = {
    "model": _("kind of price"),
    "unit_price": _("price of a unit"),
    "flat_fee": _("fee"),
    "free_units": _("free units"),
    "package_size": _("package size"),
    "package_price": _("price of a package"),
    "package_rounding": _("rounding of packages"),
    "fixed_fee": _("fee per event"),
    "free_events": _("free events"),
    "free_amount": _("free amount"),
    "min_per_event": _("at least, per event"),
    "max_per_event": _("at most, per event"),
    "min_spend": _("at least"),
    "max_spend": _("at most"),
    "conversion": _("conversion"),
    "rate_percent": _("percent"),
    "billed_in_advance": _("billed in advance"),
    "up_to": _("up to"),
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing in two versions. `path` names it for programs; None means that a version does not have it."""

    path: str
    label: str
    before: str | None
    after: str | None

    @property
    def is_changed(self) -> bool:
        """Whether the two differ."""
        return self.before != self.after


def differences(before: PriceDraft, after: PriceDraft) -> list[Difference]:
    """Return every term and component of two prices, in the order in which a price list names them."""
    old, new = dict(_flat(before)), dict(_flat(after))
    labels = {path: label for path, (label, _value) in {**old, **new}.items()}
    # What only the older has stands where it stood, behind what both have of its kind.
    paths = [*new, *(path for path in old if path not in new)]
    return [
        Difference(
            path=path,
            label=str(labels[path]),
            before=old[path][1] if path in old else None,
            after=new[path][1] if path in new else None,
        )
        for path in paths
    ]


Entry = tuple[str, tuple[Any, str]]


def _flat(draft: PriceDraft) -> Iterator[Entry]:
    for name, label in TERMS.items():
        yield name, (label, _text(getattr(draft, name)))
    for feature in draft.features:
        words = _("Feature: %(name)s") % {"name": feature.label}
        yield f"features/{feature.key}", (words, feature.label)
    for price in prices_of(draft):
        for component in price.components:
            yield from _parts_of(price, component)


def _parts_of(price: CurrencyPrice, component: ComponentDraft) -> Iterator[Entry]:
    of = "".join(f"/{key}={value}" for key, value in component.dimensions)
    path = f"prices/{price.currency}/{component.meter}{of}"
    said = "".join(f", {value}" for _key, value in component.dimensions)
    what = f"{component.name or component.meter}{said} ({price.currency})"
    for name, value in _values(component, without={"meter", "name", "tiers", "dimensions"}):
        yield f"{path}/{name}", (_labelled(what, name), _text(value))
    for index, tier in enumerate(component.tiers):
        words = _("%(what)s, tier %(number)s") % {"what": what, "number": index + 1}
        for name, value in _values(tier, without=set()):
            yield f"{path}/tiers/{index}/{name}", (_labelled(words, name), _text(value))


def _values(row: ComponentDraft | TierDraft, *, without: set[str]) -> Iterator[tuple[str, Any]]:
    """Walk the fields that say something."""
    for field in fields(row):
        if field.name not in without and is_given(row, field.name):
            yield field.name, getattr(row, field.name)


def _labelled(what: Any, name: str) -> str:
    return f"{what}: {PARTS.get(name, name.replace('_', ' '))}"


def _text(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, QuantityRule):
        return " ".join(stored_conversion(value).values())
    label = getattr(value, "label", None)
    if label is not None:
        return str(label)
    return str(_("yes")) if value is True else str(value)
