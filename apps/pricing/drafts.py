"""What a provider writes down before it becomes a plan or a price version, and what is wrong with it.

Plain data, so that the REST API, the plan builder and the YAML catalogue hand the same thing to the same
services.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.pricing import calculator
from apps.pricing.enums import (
    Alignment,
    BillableStatuses,
    BillingInterval,
    PriceModel,
    QuotaKind,
    TrialEnd,
)

BASE_FEE_METER: Final = "base_fee"
ZERO: Final = Decimal(0)
DECIMAL_PLACES: Final = 12
MAX_PRICE: Final = Decimal(10) ** 18
MAX_INTERVAL_COUNT: Final = 36
MAX_FEATURES: Final = 30
FEATURE_LABEL_LENGTH: Final = 80
RATE_FIELDS: Final = ("rate_per_second", "rate_per_minute", "rate_per_hour", "rate_per_day")
METER_FORMAT: Final = re.compile(r"[a-z][a-z0-9_]{0,59}")
CURRENCY_FORMAT: Final = re.compile(r"[A-Z]{3}")
TIERED: Final = frozenset({PriceModel.GRADUATED, PriceModel.VOLUME})
# Percentages need amounts per event, which no meter delivers yet.
SELLABLE: Final = frozenset({PriceModel.FLAT, PriceModel.PER_UNIT, PriceModel.PACKAGE}) | TIERED


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanDraft:
    """An offer without its price."""

    name: str
    description: str = ""
    is_private: bool = False
    requires_approval: bool = False
    trial_days: int = 0
    trial_requires_card: bool = False
    trial_end: TrialEnd = TrialEnd.CONVERT
    key_limit: int = 5
    # Days between automatic rotations of a key; None leaves them to the key's owner.
    key_rotation_days: int | None = 90
    key_rotation_optional: bool = True
    key_max_days: int | None = None
    position: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TierDraft:
    """A step of a ladder: prices the units in (previous `up_to`, `up_to`]; None is without end."""

    up_to: Decimal | None
    unit_price: Decimal
    flat_fee: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentDraft:
    """One priced thing. `unit_price` is per unit or per package; `flat_fee` is the fee of a period."""

    meter: str
    name: str
    model: PriceModel
    unit_price: Decimal | None = None
    flat_fee: Decimal | None = None
    free_units: Decimal = Decimal(0)
    package_size: Decimal | None = None
    billed_in_advance: bool = False
    tiers: tuple[TierDraft, ...] = ()


class FeatureDraft(NamedTuple):
    """Something that a plan can do beside calls: a short key for programs, and words for people."""

    key: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceDraft:
    """What a plan costs and allows."""

    currency: str
    components: tuple[ComponentDraft, ...] = ()
    interval: BillingInterval = BillingInterval.MONTH
    interval_count: int = 1
    alignment: Alignment = Alignment.ANNIVERSARY
    features: tuple[FeatureDraft, ...] = ()
    quota_calls: int | None = None
    quota_kind: QuotaKind = QuotaKind.HARD
    billable_statuses: BillableStatuses = BillableStatuses.SUCCESS
    rate_per_second: int | None = None
    rate_per_minute: int | None = None
    rate_per_hour: int | None = None
    rate_per_day: int | None = None


class Defect(NamedTuple):
    """One thing that is wrong: where (JSON pointer), a stable code, and words."""

    pointer: str
    code: str
    detail: str | Promise


def find_defects(draft: PriceDraft) -> list[Defect]:
    """Return everything that keeps a price from being sold; an empty list is a good price."""
    return [*_defects_of_terms(draft), *_defects_of_components(draft.components)]


def table_of(draft: PriceDraft) -> calculator.PriceTable:
    """Return a draft's prices as the calculator takes them, in the order in which they are printed."""
    return calculator.PriceTable(
        currency=draft.currency,
        components=tuple(_priced(component) for component in draft.components),
    )


def _priced(component: ComponentDraft) -> calculator.Component:
    is_flat = component.model == PriceModel.FLAT
    is_package = component.model == PriceModel.PACKAGE
    price = (component.flat_fee if is_flat else component.unit_price) or ZERO
    return calculator.Component(
        meter=component.meter,
        model=calculator.PricingModel(component.model),
        unit_price=ZERO if is_package else price,
        package_price=price if is_package else ZERO,
        package_size=component.package_size or Decimal(1),
        free_units=component.free_units,
        tiers=tuple(
            calculator.Tier(up_to=tier.up_to, unit_price=tier.unit_price, flat_fee=tier.flat_fee)
            for tier in component.tiers
        ),
    )


def _defects_of_terms(draft: PriceDraft) -> Iterator[Defect]:
    if CURRENCY_FORMAT.fullmatch(draft.currency) is None:
        yield Defect("/currency", "invalid", _("Use a three-letter currency code, such as USD."))
    if not 1 <= draft.interval_count <= MAX_INTERVAL_COUNT:
        yield Defect("/interval_count", "out_of_range", _("Choose a number from 1 to 36."))
    for name in ("quota_calls", *RATE_FIELDS):
        value = getattr(draft, name)
        if value is not None and value < 1:
            yield Defect(f"/{name}", "out_of_range", _("Leave it empty or choose at least 1."))
    yield from _defects_of_features(draft.features)


def _defects_of_features(features: tuple[FeatureDraft, ...]) -> Iterator[Defect]:
    if len(features) > MAX_FEATURES:
        yield Defect("/features", "too_many", _("Name at most 30 features."))
    seen: set[str] = set()
    for index, feature in enumerate(features):
        if METER_FORMAT.fullmatch(feature.key) is None:
            yield Defect(
                f"/features/{index}/key", "invalid", _("Use lower-case letters, digits and _.")
            )
        if feature.key in seen:
            yield Defect(f"/features/{index}/key", "duplicate", _("This feature is named already."))
        seen.add(feature.key)
        if not 1 <= len(feature.label) <= FEATURE_LABEL_LENGTH:
            yield Defect(
                f"/features/{index}/label", "out_of_range", _("Use between 1 and 80 characters.")
            )


def _defects_of_components(components: tuple[ComponentDraft, ...]) -> Iterator[Defect]:
    seen: set[str] = set()
    for index, component in enumerate(components):
        pointer = f"/components/{index}"
        if METER_FORMAT.fullmatch(component.meter) is None:
            yield Defect(f"{pointer}/meter", "invalid", _("Use lower-case letters, digits and _."))
        if component.meter in seen:
            yield Defect(f"{pointer}/meter", "duplicate", _("This meter has a price already."))
        seen.add(component.meter)
        if component.model not in SELLABLE:
            yield Defect(
                f"{pointer}/model", "not_sellable", _("This kind of price needs event amounts.")
            )
            continue
        yield from _defects_of_prices(component, pointer)
        if component.model in TIERED:
            yield from _defects_of_tiers(component.tiers, f"{pointer}/tiers")
        elif component.tiers:
            yield Defect(f"{pointer}/tiers", "unexpected", _("This kind of price has no tiers."))


def _defects_of_prices(component: ComponentDraft, pointer: str) -> Iterator[Defect]:
    needed = {
        PriceModel.FLAT: ("flat_fee",),
        PriceModel.PER_UNIT: ("unit_price",),
        PriceModel.PACKAGE: ("unit_price", "package_size"),
    }.get(component.model, ())
    for name in needed:
        if getattr(component, name) is None:
            yield Defect(f"{pointer}/{name}", "required", _("This kind of price needs it."))
    for name in ("unit_price", "flat_fee", "free_units", "package_size"):
        value = getattr(component, name)
        if value is not None:
            yield from _defects_of_amount(value, f"{pointer}/{name}")
    if component.package_size == 0:
        yield Defect(
            f"{pointer}/package_size", "out_of_range", _("A package holds more than nothing.")
        )


def _defects_of_amount(value: Decimal, pointer: str) -> Iterator[Defect]:
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or value < 0 or value >= MAX_PRICE:
        yield Defect(pointer, "out_of_range", _("Choose a number that is not negative."))
    elif -exponent > DECIMAL_PLACES:
        yield Defect(pointer, "too_many_decimals", _("At most 12 decimals are kept."))


def _defects_of_tiers(tiers: tuple[TierDraft, ...], pointer: str) -> Iterator[Defect]:
    """Tiers rise, follow each other without a gap, and only the last one is open."""
    if not tiers:
        yield Defect(pointer, "required", _("Add at least one tier."))
        return
    previous = Decimal(0)
    for index, tier in enumerate(tiers):
        place, is_last = f"{pointer}/{index}", index == len(tiers) - 1
        yield from _defects_of_amount(tier.unit_price, f"{place}/unit_price")
        yield from _defects_of_amount(tier.flat_fee, f"{place}/flat_fee")
        if tier.up_to is None:
            if not is_last:
                yield Defect(
                    f"{place}/up_to", "open_too_early", _("Only the last tier has no end.")
                )
            continue
        if is_last:
            yield Defect(f"{place}/up_to", "not_open", _("The last tier must have no end."))
        if tier.up_to <= previous:
            yield Defect(f"{place}/up_to", "not_rising", _("Each tier ends above the one before."))
        yield from _defects_of_amount(tier.up_to, f"{place}/up_to")
        previous = max(previous, tier.up_to)
