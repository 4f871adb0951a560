"""What the page of a budget draws: the running period day by day with its expected end, and the periods before."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from babel.dates import format_skeleton
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from apps.apis.models import Api
from apps.core.actors import Actor
from apps.core.clock import Period
from apps.core.formatting import reader_locale
from apps.core.plots import Number, Plot, PlotData, Series, draw_lines
from apps.subscriptions.models import Subscription
from apps.usage.budget_standings import BudgetStanding, period_of, show_amount, standings_at
from apps.usage.models import Budget

MAX_STEPS: Final = 40
PAST_PERIODS: Final = 6


def subscribed_apis(actor: Actor) -> QuerySet[Api]:
    """Return the APIs that the actor's organization subscribed to, also ended ones, by name."""
    own = Subscription.objects.filter(consumer_organization_id=actor.organization_id)
    return Api.objects.filter(pk__in=own.values("api_id")).order_by("name", "id")


def draw_budget(standing: BudgetStanding) -> Plot:
    """Draw what was used day by day, the straight line to what is expected, and the budget. Eight queries at most."""
    budget, zone = standing.budget, ZoneInfo(standing.budget.organization.timezone)
    ends = list(_day_ends(standing.period, zone))
    past = [end for end in ends if end <= standing.at]
    found = standings_at([(budget, standing.period, end) for end in past])
    used: list[Number | None] = [item.used for item in found]
    today = len(past)
    used += [standing.used] if today < len(ends) else []
    expected: list[Number | None] = [None] * len(ends)
    if today < len(ends):
        steps = len(ends) - 1 - today
        growth = standing.projected - standing.used
        for index in range(today, len(ends)):
            share = Decimal(index - today) / steps if steps else Decimal(1)
            expected[index] = standing.used + growth * share
    used += [None] * (len(ends) - len(used))
    return draw_lines(
        PlotData(
            title=_("Day by day"),
            description=_("%(used)s of %(bound)s are used; %(projected)s are expected.")
            % {
                "used": standing.used_text,
                "bound": standing.bound_text,
                "projected": standing.projected_text,
            },
            labels=[_label(end, zone) for end in ends],
            series=[
                Series(_("Used"), used),
                Series(_("Expected"), expected, is_projection=True),
                Series(_("Budget"), [standing.bound] * len(ends)),
            ],
            unit=budget.currency or budget.meter,
            show=lambda value: show_amount(budget, Decimal(value)),
        )
    )


def past_standings(budget: Budget, running: Period) -> list[BudgetStanding]:
    """Return how the periods before the running one ended, newest first, back to when the budget was made.

    Eight queries at most. They are computed against the budget as it is now.
    """
    periods: list[Period] = []
    moment = running.start
    while len(periods) < PAST_PERIODS:
        moment -= timedelta(seconds=1)
        period = period_of(budget, moment)
        if period.end <= _first_use(budget):
            break
        periods.append(period)
        moment = period.start
    return standings_at([(budget, period, period.end) for period in periods])


def _first_use(budget: Budget) -> datetime:
    """A budget that was made today still shows the months that the organization lived through before."""
    if budget.subscription is not None:
        return budget.subscription.started_at or budget.subscription.created_at
    return budget.organization.created_at


def _day_ends(period: Period, zone: ZoneInfo) -> Iterator[datetime]:
    """Yield the ends of the period's local days, or of every few days where it is long."""
    days = max(1, round(period.duration / timedelta(days=1)))
    stride = -(-days // MAX_STEPS)
    at = period.start.astimezone(zone)
    while at.astimezone(period.end.tzinfo) < period.end:
        at = (at + timedelta(days=stride)).replace(hour=0, minute=0, second=0, microsecond=0)
        yield min(at.astimezone(period.end.tzinfo), period.end)


def _label(end: datetime, zone: ZoneInfo) -> str:
    last = (end - timedelta(seconds=1)).astimezone(zone)
    return format_skeleton("MMMd", last, locale=reader_locale())
