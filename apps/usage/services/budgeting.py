"""Making, changing and archiving budgets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Final

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.enums import Role
from apps.accounts.models import Organization
from apps.apis.models import Api
from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.exceptions import RuleViolated
from apps.core.money import Money
from apps.pricing.models import CALLS_METER
from apps.subscriptions.models import Subscription
from apps.usage.budget_alerts import ask_for_budgets
from apps.usage.enums import BudgetPeriod
from apps.usage.exceptions import BudgetIsArchived, TooManyBudgets
from apps.usage.models import Budget
from apps.usage.models.budgets import (
    default_projected_thresholds,
    default_roles,
    default_thresholds,
)

MAX_BUDGETS: Final = 50
MAX_THRESHOLDS: Final = 10
MAX_PERCENT: Final = 1000
MAX_MINOR: Final = 10**15
MAX_QUANTITY: Final = Decimal(10**15)


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetDraft:
    """What a budget is to be: `amount`, or `quantity` of `meter`; of a subscription, an API, or everything."""

    name: str
    amount: Money | None = None
    quantity: Decimal | None = None
    meter: str = CALLS_METER
    subscription: Subscription | None = None
    api: Api | None = None
    period: str = BudgetPeriod.CALENDAR_MONTH
    thresholds: Sequence[int] = field(default_factory=default_thresholds)
    projected_thresholds: Sequence[int] = field(default_factory=default_projected_thresholds)
    roles: Sequence[str] = field(default_factory=default_roles)


@transaction.atomic
def create_budget(*, organization: Organization, draft: BudgetDraft, actor: Actor) -> Budget:
    """Make a budget; it is looked at at once, so one that is overdrawn already tells.

    Raises:
        RuleViolated: the draft breaks a rule; `field` names which part.
        TooManyBudgets: the organization has the most that it may have.
    """
    Organization.objects.lock(organization.pk)
    if organization.budgets.filter(archived_at__isnull=True).count() >= MAX_BUDGETS:
        raise TooManyBudgets
    draft = _checked(organization, draft)
    budget = Budget(organization=organization)
    _fill(budget, draft)
    budget.save()
    record_audit(action="usage:budget:created", target=budget, actor=actor, after=_facts(budget))
    ask_for_budgets([budget.pk])
    return budget


@transaction.atomic
def change_budget(*, budget: Budget, draft: BudgetDraft, actor: Actor) -> Budget:
    """Change a budget; with another amount its thresholds are told anew.

    Raises:
        RuleViolated: the draft breaks a rule.
        BudgetIsArchived: it is out of use.
    """
    organization = budget.organization
    budget = _locked(budget)
    draft = _checked(organization, draft)
    before = _facts(budget)
    _fill(budget, draft)
    budget.save()
    record_audit(
        action="usage:budget:changed",
        target=budget,
        actor=actor,
        before=before,
        after=_facts(budget),
    )
    ask_for_budgets([budget.pk])
    return budget


@transaction.atomic
def archive_budget(*, budget: Budget, actor: Actor) -> Budget:
    """Take a budget out of use; what it told stays readable.

    Raises:
        BudgetIsArchived: it is out of use already.
    """
    budget = _locked(budget)
    budget.archived_at = clock.now()
    budget.save(update_fields=["archived_at", "updated_at"])
    record_audit(action="usage:budget:archived", target=budget, actor=actor, before=_facts(budget))
    return budget


def _locked(budget: Budget) -> Budget:
    row = Budget.objects.lock(budget.pk)
    if row.archived_at is not None:
        raise BudgetIsArchived
    return row


def _fill(budget: Budget, draft: BudgetDraft) -> None:
    budget.name = draft.name
    budget.subscription, budget.api = draft.subscription, draft.api
    budget.amount_minor = draft.amount.amount_minor if draft.amount else None
    budget.currency = draft.amount.currency if draft.amount else ""
    budget.quantity, budget.meter = draft.quantity, draft.meter
    budget.period = draft.period
    budget.thresholds = list(draft.thresholds)
    budget.projected_thresholds = list(draft.projected_thresholds)
    budget.roles = list(draft.roles)


def _facts(budget: Budget) -> dict[str, Any]:
    return {
        "name": budget.name,
        "subscription_id": budget.subscription_id,
        "api_id": budget.api_id,
        "amount": budget.amount,
        "quantity": budget.quantity,
        "meter": budget.meter,
        "period": budget.period,
        "thresholds": budget.thresholds,
        "projected_thresholds": budget.projected_thresholds,
        "roles": budget.roles,
    }


def _checked(organization: Organization, draft: BudgetDraft) -> BudgetDraft:
    if not draft.name.strip():
        raise RuleViolated(_("Give the budget a name."), field="name")
    _check_bound(draft)
    if draft.subscription is not None and draft.api is not None:
        raise RuleViolated(_("Choose a subscription or an API, not both."), field="api_id")
    own = draft.subscription
    if own is not None and own.consumer_organization_id != organization.pk:
        raise RuleViolated(_("This subscription is not yours."), field="subscription_id")
    if draft.period not in BudgetPeriod.values:
        raise RuleViolated(_("There is no such period."), field="period")
    if draft.period == BudgetPeriod.BILLING_PERIOD and own is None:
        text = _("Only one subscription has a billing period; choose one, or the calendar month.")
        raise RuleViolated(text, field="period")
    if not draft.roles or not set(draft.roles) <= set(Role.values):
        raise RuleViolated(_("Choose who is told."), field="roles")
    thresholds = _percents(draft.thresholds, "thresholds")
    projected = _percents(draft.projected_thresholds, "projected_thresholds")
    if not thresholds and not projected:
        raise RuleViolated(_("Choose at least one threshold."), field="thresholds")
    return replace(
        draft,
        name=draft.name.strip(),
        thresholds=thresholds,
        projected_thresholds=projected,
        roles=sorted(set(draft.roles)),
    )


def _check_bound(draft: BudgetDraft) -> None:
    if (draft.amount is None) == (draft.quantity is None):
        raise RuleViolated(_("Give an amount of money, or a quantity."), field="amount")
    if draft.amount is not None and not 1 <= draft.amount.amount_minor <= MAX_MINOR:
        raise RuleViolated(_("Choose an amount above zero."), field="amount")
    if draft.quantity is not None and not 0 < draft.quantity <= MAX_QUANTITY:
        raise RuleViolated(_("Choose a quantity above zero."), field="quantity")
    if not draft.meter:
        raise RuleViolated(_("Name the meter that is counted."), field="meter")


def _percents(values: Iterable[int], name: str) -> list[int]:
    found = sorted(set(values))
    if len(found) > MAX_THRESHOLDS or any(not 1 <= value <= MAX_PERCENT for value in found):
        text = _("Choose up to %(count)s whole percentages from 1 to %(most)s.")
        raise RuleViolated(text % {"count": MAX_THRESHOLDS, "most": MAX_PERCENT}, field=name)
    return found
