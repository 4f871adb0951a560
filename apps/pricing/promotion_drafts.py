"""What the owner of a promotion writes down, and what is wrong with it.

Plain data: REST, the portal's form and the YAML catalogue hand the same draft to the same services.

Source: docs/domain/promotions.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Final

from babel import Locale
from django.utils.translation import gettext_lazy as _

from apps.core.money import CURRENCIES
from apps.pricing.drafts import METER_FORMAT, Defect
from apps.pricing.enums import PromotionDuration, PromotionKind
from apps.pricing.models import Promotion

CODE_FORMAT: Final = re.compile(r"[A-Z0-9][A-Z0-9_-]{2,39}")
MAX_PERIODS: Final = 120
MAX_PRIORITY: Final = 1000
MAX_TIERS_UP: Final = 20
MAX_COUNT: Final = 2_000_000_000
MAX_AMOUNT_MINOR: Final = 10**15
MAX_UNITS: Final = Decimal(10) ** 15
HUNDRED: Final = Decimal(100)
COUNTRIES: Final = frozenset(
    code for code in map(str, Locale("en").territories) if len(code) == 2 and code.isalpha()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionDraft:
    """A promotion as its owner wants it.

    Attributes:
        code: what subscribers enter; empty for one that applies by itself.
        percent_off, amount_off_minor, free_units, tiers_up: the one that `kind` needs.
        meter: lowers the lines of this meter only; free units and tier upgrades need one.
        duration_periods: for `periods` and for free periods.
        priority: the higher comes first.
        is_exclusive: no other promotion lowers the same bill.
        plans: public ids; empty for every plan that the owner's promotions reach.
        categories: slugs; empty for every category.
        countries: two-letter codes; empty for every country.
    """

    name: str
    kind: PromotionKind
    code: str = ""
    is_automatic: bool = False
    percent_off: Decimal | None = None
    amount_off_minor: int | None = None
    currency: str = ""
    free_units: Decimal | None = None
    tiers_up: int | None = None
    meter: str = ""
    duration: PromotionDuration = PromotionDuration.ONCE
    duration_periods: int | None = None
    priority: int = 50
    is_exclusive: bool = False
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    max_redemptions: int | None = None
    max_per_customer: int | None = 1
    needs_first_subscription: bool = False
    min_account_age_days: int | None = None
    max_account_age_days: int | None = None
    min_calls: int | None = None
    countries: tuple[str, ...] = ()
    plans: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()


RELATIONS: Final = ("plans", "categories")
PROMOTION_FIELDS: Final = tuple(
    field.name for field in fields(PromotionDraft) if field.name not in RELATIONS
)
# What a subscriber was promised: fixed once somebody has redeemed it.
PROMISED_FIELDS: Final = (
    "kind",
    "percent_off",
    "amount_off_minor",
    "currency",
    "free_units",
    "tiers_up",
    "meter",
    "duration",
    "duration_periods",
)


def normal_code(code: str) -> str:
    """Return a code as it is kept: capitals, without blanks around it."""
    return code.strip().upper()


def draft_of_promotion(promotion: Promotion) -> PromotionDraft:
    """Return a promotion as the draft that it was made from. Two queries unless plans and categories are prefetched."""
    values = {name: getattr(promotion, name) for name in PROMOTION_FIELDS}
    values |= {
        "kind": PromotionKind(promotion.kind),
        "duration": PromotionDuration(promotion.duration),
        "countries": tuple(promotion.countries),
        "plans": tuple(plan.public_id for plan in promotion.plans.all()),
        "categories": tuple(category.slug for category in promotion.categories.all()),
    }
    return PromotionDraft(**values)


def find_promotion_defects(draft: PromotionDraft) -> list[Defect]:
    """Return everything that keeps a promotion from being offered; an empty list is a good one.

    Plans and categories are looked up by the services.
    """
    return [
        *_defects_of_code(draft),
        *_defects_of_value(draft),
        *_defects_of_duration(draft),
        *_defects_of_limits(draft),
        *_defects_of_conditions(draft),
    ]


def _defects_of_code(draft: PromotionDraft) -> Iterator[Defect]:
    if not draft.name.strip():
        yield Defect("/name", "required", _("Give it a name; it stands on invoices."))
    if draft.is_automatic and draft.code:
        yield Defect("/code", "unexpected", _("A promotion that applies by itself has no code."))
    elif not draft.is_automatic and CODE_FORMAT.fullmatch(normal_code(draft.code)) is None:
        text = _("Use 3 to 40 letters, digits, - and _.")
        yield Defect("/code", "invalid" if draft.code else "required", text)


def _defects_of_value(draft: PromotionDraft) -> Iterator[Defect]:
    needed = {
        PromotionKind.PERCENTAGE: ("percent_off",),
        PromotionKind.FIXED_AMOUNT: ("amount_off_minor", "currency"),
        PromotionKind.FREE_UNITS: ("free_units", "meter"),
        PromotionKind.TIER_UPGRADE: ("tiers_up", "meter"),
    }.get(draft.kind, ())
    for name in ("percent_off", "amount_off_minor", "currency", "free_units", "tiers_up"):
        is_given = getattr(draft, name) not in {None, ""}
        if name in needed and not is_given:
            yield Defect(f"/{name}", "required", _("This kind of promotion needs it."))
        elif is_given and name not in needed:
            yield Defect(f"/{name}", "unexpected", _("This kind of promotion does not have it."))
    if "meter" in needed and not draft.meter:
        yield Defect("/meter", "required", _("This kind of promotion needs it."))
    if draft.meter and METER_FORMAT.fullmatch(draft.meter) is None:
        yield Defect("/meter", "invalid", _("Use lower-case letters, digits and _."))
    if draft.meter and draft.kind == PromotionKind.FREE_PERIODS:
        yield Defect("/meter", "unexpected", _("Free periods take off the fees."))
    if draft.currency and draft.currency not in CURRENCIES:
        text = _("Use a currency code of ISO 4217, such as USD.")
        yield Defect("/currency", "unknown_currency", text)
    yield from _out_of_range(draft, "percent_off", Decimal("0.01"), HUNDRED)
    yield from _out_of_range(draft, "amount_off_minor", 1, MAX_AMOUNT_MINOR)
    yield from _out_of_range(draft, "free_units", Decimal("0.000000000001"), MAX_UNITS)
    yield from _out_of_range(draft, "tiers_up", 1, MAX_TIERS_UP)
    if draft.percent_off is not None and -_exponent(draft.percent_off) > 2:
        yield Defect("/percent_off", "too_many_decimals", _("At most 2 decimals are kept."))
    if draft.free_units is not None and -_exponent(draft.free_units) > 12:
        yield Defect("/free_units", "too_many_decimals", _("At most 12 decimals are kept."))


def _defects_of_duration(draft: PromotionDraft) -> Iterator[Defect]:
    needs_number = draft.duration == PromotionDuration.PERIODS
    if draft.kind == PromotionKind.FREE_PERIODS and draft.duration == PromotionDuration.FOREVER:
        yield Defect("/duration", "out_of_range", _("Free periods come to an end."))
    if needs_number and draft.duration_periods is None:
        yield Defect("/duration_periods", "required", _("Say how many periods."))
    if not needs_number and draft.duration_periods is not None:
        yield Defect("/duration_periods", "unexpected", _("Only several periods have a number."))
    yield from _out_of_range(draft, "duration_periods", 1, MAX_PERIODS)
    if draft.starts_at and draft.ends_at and draft.ends_at <= draft.starts_at:
        yield Defect("/ends_at", "out_of_range", _("It ends after it begins."))


def _defects_of_limits(draft: PromotionDraft) -> Iterator[Defect]:
    yield from _out_of_range(draft, "priority", 0, MAX_PRIORITY)
    yield from _out_of_range(draft, "max_redemptions", 1, MAX_COUNT)
    yield from _out_of_range(draft, "max_per_customer", 1, MAX_COUNT)


def _defects_of_conditions(draft: PromotionDraft) -> Iterator[Defect]:
    yield from _out_of_range(draft, "min_account_age_days", 1, 36_500)
    yield from _out_of_range(draft, "max_account_age_days", 1, 36_500)
    yield from _out_of_range(draft, "min_calls", 1, 10**15)
    youngest, oldest = draft.min_account_age_days, draft.max_account_age_days
    if youngest is not None and oldest is not None and oldest < youngest:
        text = _("Nobody is younger than this and older than the least age.")
        yield Defect("/max_account_age_days", "out_of_range", text)
    for index, country in enumerate(draft.countries):
        if country not in COUNTRIES:
            text = _("Use a two-letter country code, such as ZW.")
            yield Defect(f"/countries/{index}", "invalid", text)


def _out_of_range(
    draft: PromotionDraft, name: str, least: int | Decimal, most: int | Decimal
) -> Iterator[Defect]:
    value = getattr(draft, name)
    if value is None:
        return
    is_number = not isinstance(value, Decimal) or value.is_finite()
    if not is_number or not least <= value <= most:
        text = _("Choose a number from %(least)s to %(most)s.")
        yield Defect(
            f"/{name}", "out_of_range", text % {"least": f"{least:f}", "most": f"{most:f}"}
        )


def _exponent(value: Decimal) -> int:
    exponent = value.normalize().as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0
