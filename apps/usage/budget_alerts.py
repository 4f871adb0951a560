"""Telling that a budget runs out: each threshold once per period, by mail, in the portal and by webhook.

Budgets are looked at after calls were counted, after a change of prices or bounds, when a test clock moves, and by a
job. Looks that follow calls are coalesced: a budget that was looked at a moment ago is left to the job.

Source: docs/domain/alerts.md §1.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Max, Q, QuerySet
from django.urls import reverse
from django.utils.translation import override

from apps.accounts.models import User
from apps.accounts.selectors import owner_language
from apps.core import clock, outbox
from apps.core.formatting import format_day
from apps.notifications.services import Message, notify
from apps.subscriptions.models import Subscription
from apps.usage import budget_notices as notices
from apps.usage.budget_standings import BudgetStanding, show_amount, standings_of
from apps.usage.models import Budget, BudgetAlert
from apps.usage.selectors.budgets import with_scopes
from apps.usage.webhooks import publish_budget_alert

BUDGETS_TOPIC: Final = "usage.budgets"
COALESCE: Final = timedelta(seconds=30)
# A pace that rests on less than a day says little about the rest of a month.
LEAST_HISTORY: Final = timedelta(days=1)
PER_LOOK: Final = 100
ALL: Final = 100


def ask_for_budgets(budget_ids: Iterable[UUID]) -> None:
    """Have budgets looked at after this transaction."""
    outbox.enqueue(BUDGETS_TOPIC, {"budget_ids": sorted(str(pk) for pk in budget_ids)})


@outbox.handles(BUDGETS_TOPIC)
def look_at_budgets(payload: dict[str, Any]) -> None:
    """Tell what runs out of these budgets."""
    wanted = [UUID(text) for text in payload["budget_ids"]]
    tell_of_budgets(_in_use().filter(pk__in=wanted))


def look_at_budgets_of_subscriptions(
    subscription_ids: Iterable[UUID], *, coalesce: bool = False
) -> int:
    """Look at the budgets that cover these subscriptions; return how many alerts are new. One query without budgets.

    With `coalesce`, those that were looked at a moment ago are left out: the job looks at them soon.
    """
    rows = Subscription.objects.filter(pk__in=list(subscription_ids))
    budgets = _in_use().filter(
        Q(subscription__isnull=True) | Q(subscription__in=rows),
        Q(api__isnull=True) | Q(api__in=rows.values("api_id")),
        organization_id__in=rows.values("consumer_organization_id"),
    )
    if coalesce:
        budgets = budgets.filter(
            Q(looked_at__isnull=True) | Q(looked_at__lt=clock.now() - COALESCE)
        )
    return tell_of_budgets(budgets)


def look_at_budgets_of_organization(organization_id: UUID) -> int:
    """Look at all budgets of an organization; return how many alerts are new."""
    return tell_of_budgets(_in_use().filter(organization_id=organization_id))


def look_at_all_budgets() -> int:
    """Look at every budget in use; return how many alerts are new."""
    ids = list(_in_use().order_by("pk").values_list("pk", flat=True))
    parts = (ids[start : start + PER_LOOK] for start in range(0, len(ids), PER_LOOK))
    return sum(tell_of_budgets(_in_use().filter(pk__in=part)) for part in parts)


def _in_use() -> QuerySet[Budget]:
    return Budget.objects.filter(archived_at__isnull=True)


def tell_of_budgets(budgets: QuerySet[Budget]) -> int:
    """Tell each threshold that is reached and was not told; return how many are new."""
    rows = list(with_scopes(budgets))
    if not rows:
        return 0
    Budget.objects.filter(pk__in=[row.pk for row in rows]).update(looked_at=clock.now())
    standings = standings_of(rows)
    return sum(
        _tell_once(standing, threshold=threshold, is_projected=is_projected)
        for standing in standings.values()
        for threshold, is_projected in _reached(standing)
    )


def _reached(standing: BudgetStanding) -> Iterator[tuple[int, bool]]:
    """Yield the highest threshold that is used up, and the highest that is expected to be, if that says more."""
    budget = standing.budget
    used = _highest(budget.thresholds, standing.used, standing.bound)
    if used is not None:
        yield used, False
    if standing.at - standing.period.start < LEAST_HISTORY or standing.at >= standing.period.end:
        return
    expected = _highest(budget.projected_thresholds, standing.projected, standing.bound)
    if expected is not None and standing.used * ALL < expected * standing.bound:
        yield expected, True


def _highest(percents: Sequence[int], value: Decimal, bound: Decimal) -> int | None:
    return max((one for one in percents if value * ALL >= one * bound), default=None)


@transaction.atomic
def _tell_once(standing: BudgetStanding, *, threshold: int, is_projected: bool) -> bool:
    """Write the row and tell it, unless this or a higher threshold was told; the row's constraint decides races."""
    same = {
        "budget": standing.budget,
        "period_start": standing.period.start,
        "is_projected": is_projected,
        "bound": standing.bound,
    }
    told = BudgetAlert.objects.filter(**same).aggregate(highest=Max("threshold_percent"))["highest"]
    if told is not None and told >= threshold:
        return False
    alert, is_new = BudgetAlert.objects.get_or_create(
        **same,
        threshold_percent=threshold,
        defaults={
            "period_end": standing.period.end,
            "used": standing.projected if is_projected else standing.used,
        },
    )
    if is_new:
        _tell(alert, standing)
    return is_new


def _tell(alert: BudgetAlert, standing: BudgetStanding) -> None:
    budget = standing.budget
    with override(owner_language(budget.organization)):
        context = {
            "name": budget.name,
            "percent": alert.threshold_percent,
            "used": show_amount(budget, standing.used),
            "expected": show_amount(budget, standing.projected),
            "bound": show_amount(budget, alert.bound),
            "ends": format_day(alert.period_end),
        }
    readers = User.objects.filter(
        is_active=True,
        memberships__organization=budget.organization,
        memberships__role__in=budget.roles,
    ).order_by("pk")
    kind = notices.BUDGET_USED if alert.threshold_percent < ALL else notices.BUDGET_REACHED
    message = Message(
        kind=(notices.BUDGET_EXPECTED if alert.is_projected else kind).name,
        dedupe_key=f"usage.budget:{alert.public_id}",
        url=reverse("usage:budget", args=[budget.public_id]),
        context=context,
    )
    notify(users=readers, organization=budget.organization, message=message)
    publish_budget_alert(alert, standing)
