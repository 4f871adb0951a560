"""Budgets, by who may read them."""

from __future__ import annotations

from django.db.models import QuerySet

from apps.core.actors import Actor
from apps.core.exceptions import NotFound
from apps.core.ids import InvalidPublicIdError, parse_public_id
from apps.subscriptions.models import Subscription
from apps.usage.models import Budget, BudgetAlert


def list_budgets(actor: Actor) -> QuerySet[Budget]:
    """Return the organization's budgets that are in use, newest first, with what their standings need."""
    return with_scopes(_own(actor)).filter(archived_at__isnull=True)


def with_scopes(rows: QuerySet[Budget]) -> QuerySet[Budget]:
    """Load what a budget covers along with it."""
    return rows.select_related(
        "organization",
        "api",
        "subscription__api",
        "subscription__plan",
        "subscription__price_version",
    )


def get_budget(actor: Actor, public_id: str) -> Budget:
    """Return one budget of the actor's organization, also an archived one.

    Raises:
        NotFound: unknown, or another organization's.
    """
    try:
        key = parse_public_id(Budget.id_prefix, public_id)
    except InvalidPublicIdError:
        raise NotFound from None
    found = with_scopes(_own(actor)).filter(pk=key).first()
    if found is None:
        raise NotFound
    return found


def _own(actor: Actor) -> QuerySet[Budget]:
    if actor.organization_id is None:
        return Budget.objects.none()
    return Budget.objects.visible_to(actor).filter(organization_id=actor.organization_id)


def alerts_of(budget: Budget) -> QuerySet[BudgetAlert]:
    """Return what was told about a budget, newest first."""
    return budget.alerts.order_by("-id")


def known_currencies(actor: Actor) -> list[str]:
    """Return the currencies that the organization's subscriptions are priced in."""
    rows = Subscription.objects.filter(consumer_organization_id=actor.organization_id)
    return sorted(set(rows.order_by().values_list("price_version__currency", flat=True)))


def known_meters(actor: Actor) -> list[str]:
    """Return what the plans of the organization's subscriptions charge for beside calls and fees."""
    rows = Subscription.objects.filter(consumer_organization_id=actor.organization_id)
    priced = rows.exclude(price_version__components__model="flat")
    found = priced.order_by().values_list("price_version__components__meter", flat=True)
    return sorted({meter for meter in found if meter})
