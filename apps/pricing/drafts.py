"""What a provider writes down before it becomes a plan or a price version, and what is wrong with it.

Plain data, so that the REST API, the plan builder and the YAML catalogue hand the same thing to the same
services.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from django.utils.translation import gettext_lazy as _

from apps.core.money import CURRENCIES
from apps.pricing import calculator
from apps.pricing.component_drafts import (
    MAX_PRICE,
    TIERED,
    ComponentDraft,
    Defect,
    TierDraft,
    find_component_defects,
    price_component,
)
from apps.pricing.enums import (
    Alignment,
    BillableStatuses,
    BillingInterval,
    QuotaKind,
    RefundPolicy,
    TermEnd,
    TrialEnd,
)

BASE_FEE_METER: Final = "base_fee"
DECIMAL_PLACES: Final = 12
MAX_INTERVAL_COUNT: Final = 36
MAX_FEATURES: Final = 30
FEATURE_LABEL_LENGTH: Final = 80
RATE_FIELDS: Final = ("rate_per_second", "rate_per_minute", "rate_per_hour", "rate_per_day")
METER_FORMAT: Final = re.compile(r"[a-z][a-z0-9_]{0,59}")

__all__ = [
    "MAX_PRICE",
    "TIERED",
    "ComponentDraft",
    "Defect",
    "PlanDraft",
    "PriceDraft",
    "TierDraft",
    "find_defects",
    "table_of",
]


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
    # Billing periods that a subscription is made for; None: it goes on until somebody ends it.
    term_periods: int | None = None
    term_end: TermEnd = TermEnd.RENEW
    # Whether subscribers may choose what follows the term.
    term_end_optional: bool = True
    key_limit: int = 5
    # Days between automatic rotations of a key; None leaves them to the key's owner.
    key_rotation_days: int | None = 90
    key_rotation_optional: bool = True
    key_max_days: int | None = None
    # Units that one subscription may have; 1: the plan is not sold by quantity.
    max_quantity: int = 1
    refund_policy: RefundPolicy = RefundPolicy.PRORATED
    position: int = 0


class CurrencyPrice(NamedTuple):
    """What a price asks in one currency."""

    currency: str
    components: tuple[ComponentDraft, ...]


class FeatureDraft(NamedTuple):
    """Something that a plan can do beside calls: a short key for programs, and words for people."""

    key: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceDraft:
    """What a plan costs and allows."""

    currency: str
    components: tuple[ComponentDraft, ...] = ()
    # The same terms in other currencies, side by side; nothing is converted.
    other_prices: tuple[CurrencyPrice, ...] = ()
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


def find_defects(draft: PriceDraft) -> list[Defect]:
    """Return everything that keeps a price from being sold; an empty list is a good price."""
    defects = list(_defects_of_terms(draft))
    prices = prices_of(draft)
    for index, price in enumerate(prices):
        prefix = f"/prices/{index}" if draft.other_prices else ""
        found = [*_defects_of_currency(price.currency), *_defects_of_components(price.components)]
        defects += [defect._replace(pointer=prefix + defect.pointer) for defect in found]
    return [*defects, *_defects_of_currencies(prices)]


def prices_of(draft: PriceDraft) -> tuple[CurrencyPrice, ...]:
    """Return what a draft asks in each currency, the default one first."""
    return (CurrencyPrice(draft.currency, draft.components), *draft.other_prices)


def table_of(draft: PriceDraft) -> calculator.PriceTable:
    """Return a draft's prices as the calculator takes them, in the order in which they are printed."""
    return calculator.PriceTable(
        currency=draft.currency,
        components=tuple(price_component(component) for component in draft.components),
    )


def _defects_of_terms(draft: PriceDraft) -> Iterator[Defect]:
    if not 1 <= draft.interval_count <= MAX_INTERVAL_COUNT:
        yield Defect("/interval_count", "out_of_range", _("Choose a number from 1 to 36."))
    for name in ("quota_calls", *RATE_FIELDS):
        value = getattr(draft, name)
        if value is not None and value < 1:
            yield Defect(f"/{name}", "out_of_range", _("Leave it empty or choose at least 1."))
    yield from _defects_of_features(draft.features)


def _defects_of_currency(currency: str) -> Iterator[Defect]:
    if currency not in CURRENCIES:
        text = _("Use a currency code of ISO 4217, such as USD.")
        yield Defect("/currency", "unknown_currency", text)


def _defects_of_currencies(prices: tuple[CurrencyPrice, ...]) -> Iterator[Defect]:
    """Each currency once, and in each the same things are priced: else they would be free in one."""
    wanted = {component.meter for component in prices[0].components}
    seen: set[str] = set()
    for index, price in enumerate(prices):
        if price.currency in seen:
            yield Defect(
                f"/prices/{index}/currency", "duplicate", _("This currency has a price already.")
            )
        seen.add(price.currency)
        if {component.meter for component in price.components} != wanted:
            yield Defect(
                f"/prices/{index}/components",
                "other_meters",
                _("Price the same meters in every currency."),
            )


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
    """What keeps prices from being sold, beside what keeps them from being calculated."""
    for index, component in enumerate(components):
        pointer = f"/components/{index}"
        if METER_FORMAT.fullmatch(component.meter) is None:
            yield Defect(f"{pointer}/meter", "invalid", _("Use lower-case letters, digits and _."))
    yield from find_component_defects(components)
