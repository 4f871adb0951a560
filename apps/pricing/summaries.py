"""A price in the words of a price list: what templates show of a version."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.utils.functional import Promise
from django.utils.translation import ngettext

from apps.pricing.drafts import BASE_FEE_METER, ComponentDraft, PriceDraft
from apps.pricing.enums import Alignment, BillingInterval, PriceModel, QuotaKind
from apps.pricing.models import CALLS_METER, PriceVersion
from apps.pricing.price_words import OtherPrice, can_be_charged, other_price
from apps.pricing.selectors import draft_of

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class TierRow:
    """Calls `first` to `last` cost `unit_price` each; the open tier has no last call."""

    first: int
    last: int | None
    unit_price: Decimal
    flat_fee: Decimal


@dataclass(frozen=True, slots=True)
class PriceSummary:
    """What a plan costs and allows."""

    currency: str
    base_fee: Decimal
    interval: str
    free_units: int
    model: str
    tiers: tuple[TierRow, ...]
    quota_calls: int | None
    is_hard: bool
    rate_per_second: int | None
    rate_per_minute: int | None
    rate_per_hour: int | None
    rate_per_day: int | None
    follows_calendar: bool = False
    features: tuple[str, ...] = ()
    # What is charged beside the base fee and the table of calls.
    others: tuple[OtherPrice, ...] = ()
    is_free: bool = True
    # All fees of a period together, and whether what is used costs something beside them.
    fees: Decimal = ZERO
    charges_usage: bool = False

    @property
    def rate_limits(self) -> list[tuple[str, int]]:
        """The limits that are set, the shortest window first: `second`, `minute`, `hour` or `day`, and its calls."""
        limits = {
            "second": self.rate_per_second,
            "minute": self.rate_per_minute,
            "hour": self.rate_per_hour,
            "day": self.rate_per_day,
        }
        return [(per, most) for per, most in limits.items() if most is not None]

    @property
    def has_tier_fees(self) -> bool:
        """Whether a tier costs something by being reached."""
        return any(tier.flat_fee for tier in self.tiers)

    @property
    def lowest_unit_price(self) -> Decimal | None:
        """The smallest price of one call; None where calls cost nothing."""
        return min((tier.unit_price for tier in self.tiers), default=None)


def summary_of(version: PriceVersion) -> PriceSummary:
    """Return a version as its price list; two queries unless components and tiers are prefetched."""
    return summarise(draft_of(version))


def summarise(draft: PriceDraft) -> PriceSummary:
    """Return a draft as its price list."""
    by_meter = {component.meter: component for component in draft.components}
    base, calls = by_meter.get(BASE_FEE_METER), by_meter.get(CALLS_METER)
    return PriceSummary(
        currency=draft.currency,
        base_fee=(base.flat_fee if base else None) or ZERO,
        interval=str(interval_words(draft.interval, draft.interval_count)),
        free_units=int(calls.free_units) if calls else 0,
        model=calls.model if calls else "",
        tiers=_rows(calls) if calls and _has_rows(calls) else (),
        quota_calls=draft.quota_calls,
        is_hard=draft.quota_kind == QuotaKind.HARD,
        rate_per_second=draft.rate_per_second,
        rate_per_minute=draft.rate_per_minute,
        rate_per_hour=draft.rate_per_hour,
        rate_per_day=draft.rate_per_day,
        follows_calendar=draft.alignment == Alignment.CALENDAR,
        features=tuple(feature.label for feature in draft.features),
        others=tuple(
            other_price(component, draft.currency)
            for component in draft.components
            if component is not base and not (component is calls and _has_rows(component))
        ),
        is_free=not any(map(can_be_charged, draft.components)),
        fees=sum((component.flat_fee or ZERO for component in draft.components), ZERO),
        charges_usage=any(
            can_be_charged(component)
            for component in draft.components
            if component.model != PriceModel.FLAT
        ),
    )


def interval_words(interval: str, count: int) -> str | Promise:
    """Return a billing interval as “month” or “3 months”."""
    words = {
        BillingInterval.DAY: ngettext("day", "%(count)s days", count),
        BillingInterval.WEEK: ngettext("week", "%(count)s weeks", count),
        BillingInterval.MONTH: ngettext("month", "%(count)s months", count),
        BillingInterval.QUARTER: ngettext("quarter", "%(count)s quarters", count),
        BillingInterval.HALF_YEAR: ngettext("half-year", "%(count)s half-years", count),
        BillingInterval.YEAR: ngettext("year", "%(count)s years", count),
    }[BillingInterval(interval)]
    return words % {"count": count} if count != 1 else words


def _has_rows(calls: ComponentDraft) -> bool:
    """Whether the table of calls says everything of their price."""
    is_plain = calls.conversion is None and calls.min_spend is None and calls.max_spend is None
    in_units = not any(tier.package_size for tier in calls.tiers)
    shown = {PriceModel.PER_UNIT, PriceModel.GRADUATED, PriceModel.VOLUME}
    return is_plain and in_units and calls.model in shown


def _rows(calls: ComponentDraft) -> tuple[TierRow, ...]:
    """Number the calls that each tier holds; free calls come before the first tier."""
    if calls.model == PriceModel.PER_UNIT:
        return (TierRow(1, None, calls.unit_price or ZERO, ZERO),)
    first, rows = 1, []
    for tier in calls.tiers:
        last = None if tier.up_to is None else int(tier.up_to)
        rows.append(TierRow(first, last, tier.unit_price, tier.flat_fee))
        first = (last or 0) + 1
    return tuple(rows)
