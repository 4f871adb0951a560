"""A provider's figures over a period: one set of numbers for the page, for REST and for the export."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from apps.apis.enums import ApiStatus
from apps.apis.models import Api
from apps.billing.provider_series import (
    Revenue,
    RevenueSeries,
    earnings_of_provider,
    revenue_by_api,
    revenue_in,
    revenue_series,
)
from apps.core.actors import Actor
from apps.core.clock import Period
from apps.subscriptions.models import Subscription
from apps.subscriptions.subscriber_counts import subscriber_counts, subscribers_by_api
from apps.usage.chosen_period import ChosenPeriod
from apps.usage.provider_series import CallDetail, Failures, Latency, call_detail
from apps.usage.selectors import provided_apis, provided_windows
from apps.usage.series import UsageTotals, calls_by_api, usage_series

MONEY: Final = "earnings.read"
NO_CALLS: Final = UsageTotals(0, 0, 0)
NO_REVENUE: Final = RevenueSeries({}, [], [])


@dataclass(frozen=True, slots=True)
class Totals:
    """What a period adds up to. Without the permission to read earnings there is no revenue."""

    subscribers: int
    calls: int
    billed_calls: int
    errors: int
    latency: Latency
    revenue: list[Revenue]


@dataclass(frozen=True, slots=True)
class Step:
    """One hour or local day."""

    at: datetime
    calls: int
    billed_calls: int
    errors: int
    failures: Failures
    revenue: dict[str, Revenue]


@dataclass(frozen=True, slots=True)
class ApiFigures:
    """One API's part of the totals."""

    api: Api
    usage: UsageTotals
    subscribers: int
    revenue: list[Revenue]

    @property
    def rating(self) -> Decimal | None:
        """The average of its shown ratings."""
        facts = getattr(self.api, "facts", None)
        return None if facts is None else facts.rating_average


@dataclass(frozen=True, slots=True)
class ProviderFigures:
    """Everything that the overview shows, of one API or of all."""

    chosen: ChosenPeriod
    api: Api | None
    now: Totals
    before: Totals
    steps: list[Step]
    sandbox_revenue: list[Revenue]
    currencies: list[str]
    has_money: bool
    apis: list[ApiFigures]

    @property
    def active_count(self) -> int:
        """How many APIs take calls."""
        return sum(row.api.status == ApiStatus.ACTIVE for row in self.apis)


def provider_figures(
    actor: Actor, chosen: ChosenPeriod, *, api: Api | None = None
) -> ProviderFigures:
    """Return a provider's figures, also of the period before. The number of queries does not grow with the APIs.

    Calls come from the windows; latency and status classes from rollups; revenue from earnings, without those of
    sandbox consumers.
    """
    return _Reader(actor, chosen, api).read()


class _Reader:
    """Reads the sources, each narrowed to the provider and perhaps to one API."""

    def __init__(self, actor: Actor, chosen: ChosenPeriod, api: Api | None) -> None:
        self.actor, self.chosen, self.api = actor, chosen, api
        self.has_money = actor.can(MONEY)
        self.windows = provided_windows(actor)
        own = {"provider_organization_id": actor.organization_id}
        self.subscriptions = Subscription.objects.provided_by(actor).filter(**own)
        self.earnings = earnings_of_provider(actor, api_id=api.pk if api else None)
        if api is not None:
            self.windows = self.windows.filter(api_id=api.pk)
            self.subscriptions = self.subscriptions.filter(api=api)

    def read(self) -> ProviderFigures:
        chosen = self.chosen
        revenue = self._revenue_series()
        api_id = self.api.pk if self.api else None
        detail = call_detail(self.actor.organization_id, chosen, api_id=api_id)
        steps = list(self._steps(revenue, detail))
        counts = subscriber_counts(self.subscriptions, chosen.period)
        return ProviderFigures(
            chosen=chosen,
            api=self.api,
            now=self._totals(detail.now, counts.at_end, revenue.totals),
            before=self._totals(detail.before, counts.at_start, self._revenue(chosen.previous)),
            steps=steps,
            sandbox_revenue=revenue.sandbox,
            currencies=revenue.currencies,
            has_money=self.has_money,
            apis=list(self._by_api()),
        )

    def _totals(self, latency: Latency, subscribers: int, revenue: list[Revenue]) -> Totals:
        usage = calls_by_api(self.windows, latency.period).values()
        return Totals(
            subscribers=subscribers,
            calls=sum(row.events for row in usage),
            billed_calls=sum(row.calls for row in usage),
            errors=sum(row.errors for row in usage),
            latency=latency,
            revenue=revenue,
        )

    def _steps(self, revenue: RevenueSeries, detail: CallDetail) -> Iterator[Step]:
        chosen = self.chosen
        by_day, zone = chosen.span.by_day, chosen.timezone
        for point in usage_series(self.windows, period=chosen.period, by_day=by_day, timezone=zone):
            yield Step(
                at=point.at,
                calls=point.events,
                billed_calls=point.calls,
                errors=point.errors,
                failures=detail.failures.get(point.at, Failures()),
                revenue=revenue.steps.get(point.at, {}),
            )

    def _by_api(self) -> Iterator[ApiFigures]:
        end = self.chosen.period.end
        apis = provided_apis(self.actor).select_related("facts", "upstream_health")
        usage = calls_by_api(provided_windows(self.actor), self.chosen.period)
        subscribers = subscribers_by_api(Subscription.objects.provided_by(self.actor), end)
        revenue = (
            revenue_by_api(earnings_of_provider(self.actor), self.chosen.period)
            if self.has_money
            else {}
        )
        for api in apis:
            yield ApiFigures(
                api=api,
                usage=usage.get(api.pk, NO_CALLS),
                subscribers=subscribers.get(api.pk, 0),
                revenue=revenue.get(api.pk, []),
            )

    def _revenue_series(self) -> RevenueSeries:
        if not self.has_money:
            return NO_REVENUE
        chosen = self.chosen
        return revenue_series(
            self.earnings, chosen.period, by_day=chosen.span.by_day, timezone=chosen.timezone
        )

    def _revenue(self, period: Period) -> list[Revenue]:
        return revenue_in(self.earnings, period) if self.has_money else []
