"""Whether a promotion holds for a customer on a plan, and if not, why not.

Plain rules on facts. What is known of a customer comes from the apps above, through a registry.

Source: docs/domain/promotions.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.pricing.exceptions import PromotionRefused
from apps.pricing.models import Plan, Promotion


class Reason(StrEnum):
    """Why a promotion does not hold. Stable: programs read it."""

    UNKNOWN = "unknown"
    NOT_YET = "not_yet"
    EXPIRED = "expired"
    USED_UP = "used_up"
    OTHER_PLAN = "other_plan"
    OTHER_CATEGORY = "other_category"
    OTHER_COUNTRY = "other_country"
    OTHER_CURRENCY = "other_currency"
    OWN_API = "own_api"
    NOT_FIRST_SUBSCRIPTION = "not_first_subscription"
    ACCOUNT_TOO_YOUNG = "account_too_young"
    ACCOUNT_TOO_OLD = "account_too_old"
    USAGE_BELOW_THRESHOLD = "usage_below_threshold"
    ALREADY_USED = "already_used"
    NOT_COMBINABLE = "not_combinable"


WORDS: Final[dict[Reason, str | Promise]] = {
    Reason.UNKNOWN: _("There is no promotion with this code for this plan."),
    Reason.NOT_YET: _("The promotion has not begun yet."),
    Reason.EXPIRED: _("The promotion is over."),
    Reason.USED_UP: _("The promotion has been used as often as it may be."),
    Reason.OTHER_PLAN: _("The promotion does not hold for this plan."),
    Reason.OTHER_CATEGORY: _("The promotion does not hold for this category of APIs."),
    Reason.OTHER_COUNTRY: _("The promotion does not hold in the country of your organization."),
    Reason.OTHER_CURRENCY: _("The promotion is an amount in another currency than the plan’s."),
    Reason.OWN_API: _("The promotion does not hold for your own API."),
    Reason.NOT_FIRST_SUBSCRIPTION: _("The promotion is for a first subscription only."),
    Reason.ACCOUNT_TOO_YOUNG: _("The promotion is for organizations that have been here longer."),
    Reason.ACCOUNT_TOO_OLD: _("The promotion is for new organizations only."),
    Reason.USAGE_BELOW_THRESHOLD: _("The promotion needs more calls in the period."),
    Reason.ALREADY_USED: _("Your organization has used this promotion already."),
    Reason.NOT_COMBINABLE: _(
        "The promotion cannot be combined with one that the subscription has."
    ),
}


@dataclass(frozen=True, slots=True)
class Held:
    """A promotion that a subscription has by code and that is not used up."""

    promotion_id: UUID
    kind: str
    is_exclusive: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """What is known of who would get a promotion.

    Attributes:
        has_other_subscription: one that has started, to an API of the promotion's owner; of anybody for the operator's.
        calls: of the subscription's period that counts.
        times_redeemed: this promotion, by the organization.
        held: what the subscription has.
    """

    organization_id: UUID
    country: str
    account_age_days: int
    has_other_subscription: bool = False
    calls: int = 0
    times_redeemed: int = 0
    held: tuple[Held, ...] = ()


# Tells what is known of an organization, for a promotion; of one of its subscriptions, where there is one.
CustomerSource = Callable[[Promotion, UUID, UUID | None], Customer]

_sources: list[CustomerSource] = []


def register_customer_source(source: CustomerSource) -> None:
    """Let an app above answer; called once, from its `AppConfig.ready()`."""
    _sources[:] = [source]


def customer_for(
    promotion: Promotion, organization_id: UUID, subscription_id: UUID | None = None
) -> Customer:
    """Return what is known of an organization."""
    return _sources[0](promotion, organization_id, subscription_id)


def find_refusal(
    promotion: Promotion, *, plan: Plan, currency: str, customer: Customer, at: datetime
) -> Reason | None:
    """Return why a promotion cannot be redeemed by a customer on a plan at a moment; None if it can.

    The plan comes with its API. Two queries unless plans and categories are prefetched.
    """
    return (
        refusal_of_offer(promotion, at=at)
        or refusal_of_plan(promotion, plan=plan, currency=currency)
        or refusal_of_customer(promotion, plan=plan, customer=customer)
    )


def refusal_of_offer(promotion: Promotion, *, at: datetime) -> Reason | None:
    """Return why nobody can redeem a promotion at a moment."""
    if not promotion.is_active or (promotion.ends_at is not None and at >= promotion.ends_at):
        return Reason.EXPIRED
    if promotion.starts_at is not None and at < promotion.starts_at:
        return Reason.NOT_YET
    if promotion.left == 0:
        return Reason.USED_UP
    return None


def refusal_of_plan(promotion: Promotion, *, plan: Plan, currency: str) -> Reason | None:
    """Return why a promotion cannot lower a plan's bills."""
    if promotion.organization_id not in {None, plan.organization_id}:
        return Reason.UNKNOWN
    plans = {row.pk for row in promotion.plans.all()}
    if plans and plan.pk not in plans:
        return Reason.OTHER_PLAN
    categories = {row.pk for row in promotion.categories.all()}
    if categories and plan.api.category_id not in categories:
        return Reason.OTHER_CATEGORY
    if promotion.currency and promotion.currency != currency:
        return Reason.OTHER_CURRENCY
    return None


def refusal_of_customer(promotion: Promotion, *, plan: Plan, customer: Customer) -> Reason | None:
    """Return why a customer cannot have a promotion."""
    age, youngest, oldest = (
        customer.account_age_days,
        promotion.min_account_age_days,
        promotion.max_account_age_days,
    )
    checks = {
        Reason.OWN_API: promotion.is_operators and customer.organization_id == plan.organization_id,
        Reason.OTHER_COUNTRY: bool(promotion.countries)
        and customer.country not in promotion.countries,
        Reason.NOT_FIRST_SUBSCRIPTION: promotion.needs_first_subscription
        and customer.has_other_subscription,
        Reason.ACCOUNT_TOO_YOUNG: youngest is not None and age < youngest,
        Reason.ACCOUNT_TOO_OLD: oldest is not None and age > oldest,
        Reason.USAGE_BELOW_THRESHOLD: promotion.min_calls is not None
        and customer.calls < promotion.min_calls,
        Reason.ALREADY_USED: promotion.max_per_customer is not None
        and customer.times_redeemed >= promotion.max_per_customer,
        Reason.NOT_COMBINABLE: any(excludes(promotion, held) for held in customer.held),
    }
    return next((reason for reason, holds in checks.items() if holds), None)


def excludes(promotion: Promotion, held: Held) -> bool:
    """Whether two promotions never lower the same bill: of one kind, or one of them stands alone."""
    return (
        held.promotion_id == promotion.pk
        or held.kind == promotion.kind
        or held.is_exclusive
        or promotion.is_exclusive
    )


def refused(reason: Reason) -> PromotionRefused:
    """Return a refusal for its field, with its reason in words and as a stable code."""
    return PromotionRefused(WORDS[reason], field="promotion_code", reason=reason.value)
