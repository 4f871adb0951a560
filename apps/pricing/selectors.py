"""Reads of plans and prices."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import date
from decimal import Decimal
from uuid import UUID

from django.db.models import Prefetch, QuerySet

from apps.apis.models import Api
from apps.core.actors import Actor
from apps.core.exceptions import NotFound
from apps.core.ids import InvalidPublicIdError, parse_public_id
from apps.pricing.calculator import PriceTable
from apps.pricing.component_rows import draft_of_component
from apps.pricing.drafts import CurrencyPrice, FeatureDraft, PriceDraft, table_of
from apps.pricing.enums import (
    Alignment,
    BillableStatuses,
    BillingInterval,
    PlanStatus,
    QuotaKind,
)
from apps.pricing.models import Plan, PlanInvitation, PlanQuerySet, PriceVersion, TaxRate


def price_table_of(version: PriceVersion) -> PriceTable:
    """Return a version's prices as the calculator takes them, in the order in which they are printed.

    Two queries unless components and tiers are prefetched.
    """
    return table_of(draft_of(version))


def draft_of(version: PriceVersion) -> PriceDraft:
    """Return a version as the draft that it was made from: where the next one begins.

    Two queries unless components and tiers are prefetched.
    """
    components = version.components.all()
    if not _is_prefetched(version, "components"):
        components = components.prefetch_related("tiers")
    return PriceDraft(
        currency=version.currency,
        components=tuple(draft_of_component(component) for component in components),
        interval=BillingInterval(version.interval),
        interval_count=version.interval_count,
        alignment=Alignment(version.alignment),
        features=features_of(version),
        quota_calls=version.quota_calls,
        quota_kind=QuotaKind(version.quota_kind),
        billable_statuses=BillableStatuses(version.billable_statuses),
        rate_per_second=version.rate_per_second,
        rate_per_minute=version.rate_per_minute,
        rate_per_hour=version.rate_per_hour,
        rate_per_day=version.rate_per_day,
    )


def features_of(version: PriceVersion) -> tuple[FeatureDraft, ...]:
    """Return what a version can do beside calls, in the provider's order."""
    return tuple(FeatureDraft(row["key"], row["label"]) for row in version.features)


def with_prices(plans: QuerySet[Plan]) -> QuerySet[Plan]:
    """Load current versions with components and tiers: three queries, whatever the number of plans."""
    current = PriceVersion.objects.filter(is_current=True).order_by("position")
    return plans.select_related("api").prefetch_related(
        Prefetch(
            "versions",
            queryset=current.prefetch_related("components__tiers"),
            to_attr="current_versions",
        )
    )


def current_version_of(plan: Plan) -> PriceVersion | None:
    """Return the version that new subscribers get, in the default currency; None before one is published."""
    return next(iter(current_versions_of(plan)), None)


def current_versions_of(plan: Plan) -> list[PriceVersion]:
    """Return the current version in each of its currencies, the default one first. No query after `with_prices`."""
    loaded: list[PriceVersion] | None = getattr(plan, "current_versions", None)
    if loaded is not None:
        return loaded
    rows = plan.versions.filter(is_current=True).order_by("position")
    return list(rows.prefetch_related("components__tiers"))


def version_in(plan: Plan, currency: str) -> PriceVersion | None:
    """Return the current version in a currency; None where the plan has no price in it."""
    return next((row for row in current_versions_of(plan) if row.currency == currency), None)


def version_before(version: PriceVersion) -> PriceVersion | None:
    """Return the version of the plan that came before, in the default currency."""
    rows = PriceVersion.objects.filter(plan_id=version.plan_id, number__lt=version.number)
    return rows.order_by("-number", "position").select_related("plan").first()


def version_numbers(plan: Plan) -> list[PriceVersion]:
    """Return each version once, in the default currency, newest first; `currencies` names all of its currencies."""
    found: dict[int, PriceVersion] = {}
    for row in plan.versions.select_related("plan").order_by("-number", "position"):
        first = found.setdefault(row.number, row)
        first.currencies = [*getattr(first, "currencies", []), row.currency]  # type: ignore[attr-defined]
    return list(found.values())


def full_draft_of(version: PriceVersion) -> PriceDraft:
    """Return a version with its prices in every currency as a draft, the default currency first. Three queries."""
    rows = version.plan.versions.filter(number=version.number).order_by("position")
    drafts = [draft_of(row) for row in rows.prefetch_related("components__tiers")]
    others = tuple(CurrencyPrice(draft.currency, draft.components) for draft in drafts[1:])
    return replace(drafts[0], other_prices=others)


def list_offered_plans(api: Api, organization_id: UUID | None = None) -> QuerySet[Plan]:
    """Return the plans that an organization may choose for an API, with their prices, in the provider's order.

    Private plans are among them where the organization is invited; nobody in particular (None) sees the public ones.
    """
    return with_prices(Plan.objects.open_to(organization_id).filter(api=api))


def list_plan_invitations(plan: Plan) -> QuerySet[PlanInvitation]:
    """Return the organizations that a private plan is open to, newest first."""
    return plan.invitations.filter(removed_at=None).select_related("organization", "plan")


def get_plan_invitation(plan: Plan, public_id: str) -> PlanInvitation:
    """Return one invitation to a plan.

    Raises:
        NotFound: unknown, removed, or of another plan.
    """
    try:
        key = parse_public_id(PlanInvitation.id_prefix, public_id)
    except InvalidPublicIdError:
        raise NotFound from None
    invitation = list_plan_invitations(plan).filter(pk=key).first()
    if invitation is None:
        raise NotFound
    return invitation


def list_provider_plans(actor: Actor, *, api_id: UUID | None = None) -> QuerySet[Plan]:
    """Return the plans of the actor's organization, with their prices."""
    plans = Plan.objects.visible_to(actor)
    if api_id is not None:
        plans = plans.filter(api_id=api_id)
    return with_prices(plans.select_related("follows"))


def get_provider_plan(actor: Actor, public_id: str) -> Plan:
    """Return one plan of the actor's organization.

    Raises:
        NotFound: unknown, or another organization's.
    """
    return Plan.objects.get_visible(actor, public_id)


def get_choosable_plan(actor: Actor, public_id: str) -> Plan:
    """Return a plan that the actor may subscribe to or ask a quote for: an offered one, or its own.

    Raises:
        NotFound: unknown, not published, or private without an invitation.
    """
    return _plan_among(Plan.objects.readable_by(actor), public_id)


def get_once_choosable_plan(actor: Actor, public_id: str) -> Plan:
    """Return a plan that the actor may choose, or could before it was deprecated or closed.

    Who chooses it then is told so by the service (409); it is not hidden from those who saw it.

    Raises:
        NotFound: unknown, never published, or private without an invitation.
    """
    return _plan_among(Plan.objects.once_readable_by(actor), public_id)


def _plan_among(plans: PlanQuerySet, public_id: str) -> Plan:
    try:
        key = parse_public_id(Plan.id_prefix, public_id)
    except InvalidPublicIdError:
        raise NotFound from None
    plan = with_prices(plans.filter(pk=key)).first()
    if plan is None:
        raise NotFound
    return plan


def has_published_plan(api: Api) -> bool:
    """Tell whether somebody could subscribe to the API."""
    return Plan.objects.filter(api=api, status=PlanStatus.PUBLISHED).exists()


def _is_prefetched(instance: PriceVersion, name: str) -> bool:
    return name in getattr(instance, "_prefetched_objects_cache", {})


def tax_percent_of(*, country: str, day: date) -> Decimal:
    """Return the tax rate of the buyer's country on a day; none is known: zero."""
    return tax_percents_of([(country, day)])[country, day]


def tax_percents_of(asked: Collection[tuple[str, date]]) -> dict[tuple[str, date], Decimal]:
    """Return the tax rates of buyers' countries on days; where none is known: zero. One query."""
    rows = TaxRate.objects.filter(country__in={country for country, _day in asked}, region="")
    rates = list(rows.order_by("-valid_from"))
    return {
        (country, day): next(
            (rate.percent for rate in rates if rate.country == country and _holds_on(rate, day)),
            Decimal(0),
        )
        for country, day in asked
    }


def _holds_on(rate: TaxRate, day: date) -> bool:
    return rate.valid_from <= day and (rate.valid_to is None or day < rate.valid_to)
