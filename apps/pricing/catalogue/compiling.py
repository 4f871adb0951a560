"""A pricing model's definition becomes the price that plans are made with, or a list of what is wrong with it.

The four types of models are compositions of the calculator's own kinds of prices, so that one calculator prices all.
"""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, NamedTuple

from django.utils.translation import gettext as _

from apps.core.money import CURRENCIES
from apps.pricing.catalogue.schema import CYCLES, QUOTA_FIELDS, defects_of_model
from apps.pricing.catalogue.shapes import decimal_of, value_of
from apps.pricing.drafts import (
    BASE_FEE_METER,
    ComponentDraft,
    PriceDraft,
    TierDraft,
    find_defects,
)
from apps.pricing.enums import PlanKind, PriceModel, QuotaKind
from apps.pricing.models import CALLS_METER

DEFAULT_CURRENCY: Final = "USD"
ZERO: Final = Decimal(0)
# What the exact form stands in place of.
SHORT_FORM: Final = ("base_price", "tiers", "tier_mode", "meter", "included_usage", "overage")
NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    PlanKind.USAGE_BASED: ("tiers",),
    PlanKind.SUBSCRIPTION: ("base_price",),
    PlanKind.FREEMIUM: ("included_usage",),
    PlanKind.HYBRID: ("base_price", "tiers"),
}
NOT_HAD: Final[Mapping[str, tuple[str, ...]]] = {
    PlanKind.USAGE_BASED: ("base_price",),
    PlanKind.SUBSCRIPTION: ("tiers", "tier_mode", "meter"),
    PlanKind.FREEMIUM: ("base_price", "tiers", "tier_mode", "meter"),
    PlanKind.HYBRID: (),
}


class ModelDefect(NamedTuple):
    """One thing that is wrong with a definition: JSON pointer into it, a stable code, and words."""

    pointer: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class CatalogueSettings:
    """What the catalogue says for all of its models."""

    default_currency: str = DEFAULT_CURRENCY
    currencies: tuple[str, ...] = ()
    max_decimals: int | None = None

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> CatalogueSettings:
        """Read the part `settings` of a catalogue that fits its schema."""
        return cls(**{**given, "currencies": tuple(given.get("currencies", ()))})


@dataclass(slots=True)
class _Origins:
    """From pointers of a draft to those of the definition that they came from."""

    places: dict[str, str] = field(default_factory=dict)

    def of(self, pointer: str) -> str:
        """Return the nearest origin of a pointer; what is inside it keeps its own name."""
        head, tail = pointer, ""
        while head and head not in self.places:
            head, _slash, last = head.rpartition("/")
            tail = f"/{last}{tail}"
        return f"{self.places[head]}{tail}" if head else pointer


def check_definition(definition: Any, settings: CatalogueSettings) -> list[ModelDefect]:
    """Return everything that keeps a pricing model from being sold; an empty list is a good model."""
    shape = defects_of_model(definition)
    if shape:
        return [ModelDefect(*defect) for defect in shape]
    return list(check_prices(definition, settings))


def check_prices(
    definition: Mapping[str, Any], settings: CatalogueSettings
) -> Iterator[ModelDefect]:
    """Find what is wrong with a definition whose shape is right."""
    found = [*_defects_of_kind(definition), *_defects_of_currency(definition, settings)]
    yield from found
    if found:
        return
    draft, origins = _compile(definition, settings)
    if settings.max_decimals is not None:
        yield from _defects_of_decimals(definition, settings.max_decimals, "")
    for defect in find_defects(draft):
        yield ModelDefect(origins.of(defect.pointer), defect.code, str(defect.detail))


def price_of(definition: Mapping[str, Any], settings: CatalogueSettings) -> PriceDraft:
    """Return the price that plans of a good model are made with."""
    return _compile(definition, settings)[0]


def _compile(
    definition: Mapping[str, Any], settings: CatalogueSettings
) -> tuple[PriceDraft, _Origins]:
    origins = _Origins()
    interval, count = CYCLES[definition["billing_cycle"]]
    terms: dict[str, Any] = {
        "currency": definition.get("currency", settings.default_currency),
        "interval": interval,
        "interval_count": count * definition.get("interval_count", 1),
    }
    origins.places["/interval_count"] = "/interval_count"
    for word, limit in definition.get("quotas", {}).items():
        if limit is not None:
            terms[QUOTA_FIELDS[word]] = limit
            origins.places[f"/{QUOTA_FIELDS[word]}"] = f"/quotas/{word}"
    terms["quota_kind"] = QuotaKind(definition.get("quota_kind", _quota_kind_of(definition)))
    hints = typing.get_type_hints(PriceDraft)
    for name, value in definition.get("terms", {}).items():
        terms[name] = value_of(hints[name], value)
        origins.places[f"/{name}"] = f"/terms/{name}"
    terms["features"] = value_of(hints["features"], definition.get("features", []))
    if "components" in definition:
        components = value_of(tuple[ComponentDraft, ...], definition["components"])
    else:
        components = tuple(_components_of(definition, origins))
        if _is_bounded_by_what_is_included(definition):
            included = _by_meter(definition["included_usage"], "")[CALLS_METER][0]
            terms.setdefault("quota_calls", int(included))
    return PriceDraft(**{**terms, "components": components}), origins


def _components_of(definition: Mapping[str, Any], origins: _Origins) -> Iterator[ComponentDraft]:
    """Compose base fee, tiers and overage, noting where each number came from."""
    count = 0
    base = decimal_of(definition.get("base_price", 0))
    if base:
        origins.places[f"/components/{count}/flat_fee"] = "/base_price"
        yield ComponentDraft(
            meter=BASE_FEE_METER, name=_("Base fee"), model=PriceModel.FLAT, flat_fee=base
        )
        count += 1
    included = _by_meter(definition.get("included_usage", {}), "/included_usage")
    if "tiers" in definition:
        meter = definition.get("meter", CALLS_METER)
        free, place = included.get(meter, (ZERO, "/included_usage"))
        origins.places[f"/components/{count}/free_units"] = place
        origins.places[f"/components/{count}/meter"] = "/meter"
        _note_tiers(definition, origins, f"/components/{count}")
        yield _tiered(definition, meter, free)
        count += 1
    overage = definition.get("overage", {})
    if not overage.get("enabled", bool(overage)):
        return
    grace = _by_meter(overage.get("grace_units", {}), "/overage/grace_units")
    prices = _by_meter(overage.get("price_per_unit", {}), "/overage/price_per_unit")
    for meter, (price, place) in prices.items():
        free, free_place = included.get(meter, (ZERO, "/included_usage"))
        origins.places[f"/components/{count}/unit_price"] = place
        origins.places[f"/components/{count}/meter"] = place
        origins.places[f"/components/{count}/free_units"] = free_place
        yield ComponentDraft(
            meter=meter,
            name=_name_of(meter),
            model=PriceModel.PER_UNIT,
            unit_price=price,
            free_units=free + grace.get(meter, (ZERO, ""))[0],
        )
        count += 1


def _note_tiers(definition: Mapping[str, Any], origins: _Origins, pointer: str) -> None:
    words = {"up_to": "limit", "unit_price": "price_per_unit", "flat_fee": "base_fee"}
    origins.places[f"{pointer}/tiers"] = "/tiers"
    for index in range(len(definition["tiers"])):
        for name, word in words.items():
            origins.places[f"{pointer}/tiers/{index}/{name}"] = f"/tiers/{index}/{word}"


def _tiered(definition: Mapping[str, Any], meter: str, free: Decimal) -> ComponentDraft:
    tiers = tuple(
        TierDraft(
            up_to=None if tier["limit"] is None else decimal_of(tier["limit"]),
            unit_price=decimal_of(tier["price_per_unit"]),
            flat_fee=decimal_of(tier.get("base_fee", 0)),
        )
        for tier in definition["tiers"]
    )
    return ComponentDraft(
        meter=meter,
        name=_name_of(meter),
        model=PriceModel(definition.get("tier_mode", PriceModel.GRADUATED)),
        free_units=free,
        tiers=tiers,
    )


def _defects_of_kind(definition: Mapping[str, Any]) -> Iterator[ModelDefect]:
    """What the model's type needs and does not have."""
    if "components" in definition:
        for name in SHORT_FORM:
            if name in definition:
                text = _("Write either components or %(name)s, not both.") % {"name": name}
                yield ModelDefect(f"/{name}", "unexpected", text)
        return
    kind = PlanKind(definition["type"])
    for name in NEEDED[kind]:
        if name not in definition:
            text = _("The type %(type)s needs “%(name)s”.")
            yield ModelDefect("", "required", text % {"type": kind.value, "name": name})
    for name in NOT_HAD[kind]:
        if name in definition and definition[name] != 0:
            text = _("The type %(type)s has no “%(name)s”.")
            yield ModelDefect(f"/{name}", "unexpected", text % {"type": kind.value, "name": name})
    yield from _defects_of_overage(definition)
    quotas = definition.get("quotas", {})
    if "month" in quotas and ("period" in quotas or _months_of(definition) != 1):
        text = _("The quota is counted per billing period: write it as “period”.")
        yield ModelDefect("/quotas/month", "unexpected", text)


def _defects_of_overage(definition: Mapping[str, Any]) -> Iterator[ModelDefect]:
    overage = definition.get("overage", {})
    prices = _by_meter(overage.get("price_per_unit", {}), "/overage/price_per_unit")
    if overage and overage.get("enabled", True) and not prices:
        yield ModelDefect("/overage", "required", _("Overage needs a price per unit."))
    if "tiers" not in definition:
        return
    meter = definition.get("meter", CALLS_METER)
    if meter in prices:
        text = _("The last tier has no end, so there is no overage: write the price there.")
        yield ModelDefect(prices[meter][1], "duplicate", text)


def _defects_of_currency(
    definition: Mapping[str, Any], settings: CatalogueSettings
) -> Iterator[ModelDefect]:
    currency = definition.get("currency", settings.default_currency)
    if currency not in CURRENCIES:
        text = _("There is no currency “%(code)s”.") % {"code": currency}
        yield ModelDefect("/currency", "unknown_currency", text)
    elif settings.currencies and currency not in settings.currencies:
        names = ", ".join(settings.currencies)
        text = _("The settings of the catalogue allow %(names)s only.") % {"names": names}
        yield ModelDefect("/currency", "unknown_currency", text)


def _defects_of_decimals(value: Any, most: int, pointer: str) -> Iterator[ModelDefect]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _defects_of_decimals(item, most, f"{pointer}/{name}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _defects_of_decimals(item, most, f"{pointer}/{index}")
    else:
        digits = str(value).partition(".")[2] if _is_number(value) else ""
        if len(digits) > most:
            text = _("The settings of the catalogue allow at most %(most)s decimals.")
            yield ModelDefect(pointer, "too_many_decimals", text % {"most": most})


def _is_number(value: Any) -> bool:
    return isinstance(value, Decimal) or (
        isinstance(value, str) and value.replace(".", "", 1).isdigit()
    )


def _quota_kind_of(definition: Mapping[str, Any]) -> QuotaKind:
    """Beyond its quota a model with overage lets calls pass, at the price of it."""
    overage = definition.get("overage", {})
    is_priced = bool(overage) and overage.get("enabled", True)
    return QuotaKind.SOFT if is_priced else QuotaKind.HARD


def _is_bounded_by_what_is_included(definition: Mapping[str, Any]) -> bool:
    """Calls that are neither included nor priced are refused, not given away."""
    if "tiers" in definition or ("quotas" in definition and "period" in definition["quotas"]):
        return False
    is_free_beyond = _quota_kind_of(definition) is QuotaKind.HARD
    return is_free_beyond and CALLS_METER in _by_meter(definition.get("included_usage", {}), "")


def _by_meter(given: Any, pointer: str) -> dict[str, tuple[Decimal, str]]:
    """Return numbers by meter with their pointers; a plain number is that of calls."""
    if isinstance(given, dict):
        return {meter: (decimal_of(n), f"{pointer}/{meter}") for meter, n in given.items()}
    return {CALLS_METER: (decimal_of(given), pointer)}


def _months_of(definition: Mapping[str, Any]) -> int:
    interval, count = CYCLES[definition["billing_cycle"]]
    return count * int(definition.get("interval_count", 1)) if interval == "month" else 0


def _name_of(meter: str) -> str:
    return str(_("Calls")) if meter == CALLS_METER else meter.replace("_", " ").capitalize()
