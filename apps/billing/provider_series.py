"""What a provider earned over time: gross, the marketplace's fee, and net, per currency.

An earning belongs to the moment at which its invoice was paid, in real time. Earnings of sandbox consumers are no
revenue and stand apart; what was taken back is left out, as in `apps.billing.selectors.earning_totals`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import QuerySet, Sum
from django.db.models.functions import TruncDay, TruncHour

from apps.billing.enums import EarningStatus
from apps.billing.models import Earning
from apps.core.actors import Actor
from apps.core.clock import Period
from apps.core.money import Money

API = "line__period__subscription__api_id"


@dataclass(frozen=True, slots=True)
class Revenue:
    """A sum of earnings in one currency."""

    gross: Money
    fee: Money
    net: Money

    @property
    def currency(self) -> str:
        """The currency of the three."""
        return self.net.currency


@dataclass(frozen=True, slots=True)
class RevenueSeries:
    """Revenue by step and currency, its totals, and what sandbox consumers paid, apart."""

    steps: dict[datetime, dict[str, Revenue]]
    totals: list[Revenue]
    sandbox: list[Revenue]

    @property
    def currencies(self) -> list[str]:
        """The currencies of the revenue, by name."""
        return [total.currency for total in self.totals]


def earnings_of_provider(actor: Actor, *, api_id: UUID | None = None) -> QuerySet[Earning]:
    """Return what the actor's organization earned and kept, of one API or of all."""
    rows = (
        Earning.objects.provided_by(actor)
        .filter(provider_organization_id=actor.organization_id)
        .exclude(status=EarningStatus.CLAWED_BACK)
        .order_by()
    )
    return rows if api_id is None else rows.filter(**{API: api_id})


def revenue_series(
    earnings: QuerySet[Earning], period: Period, *, by_day: bool, timezone: str
) -> RevenueSeries:
    """Return revenue per hour or local day that had any, and in sum. One query."""
    truncate = TruncDay if by_day else TruncHour
    rows = list(
        _summed(
            _within(earnings, period).annotate(
                at=truncate("created_at", tzinfo=ZoneInfo(timezone))
            ),
            "at",
            "currency",
            "is_sandbox",
        )
    )
    steps: dict[datetime, dict[str, Revenue]] = {}
    for row in rows:
        if not row["is_sandbox"]:
            steps.setdefault(row["at"], {})[row["currency"]] = _revenue([row])
    return RevenueSeries(
        steps=steps,
        totals=_by_currency(row for row in rows if not row["is_sandbox"]),
        sandbox=_by_currency(row for row in rows if row["is_sandbox"]),
    )


def revenue_in(earnings: QuerySet[Earning], period: Period) -> list[Revenue]:
    """Return the revenue of a period per currency, without that of sandbox consumers. One query."""
    return _by_currency(_summed(_within(earnings, period).filter(is_sandbox=False), "currency"))


def revenue_by_api(earnings: QuerySet[Earning], period: Period) -> dict[UUID, list[Revenue]]:
    """Return the revenue of each API per currency, without that of sandbox consumers. One query."""
    found: dict[UUID, list[Mapping[str, Any]]] = {}
    for row in _summed(_within(earnings, period).filter(is_sandbox=False), API, "currency"):
        found.setdefault(row[API], []).append(row)
    return {api_id: _by_currency(rows) for api_id, rows in found.items()}


def _within(earnings: QuerySet[Earning], period: Period) -> QuerySet[Earning]:
    return earnings.filter(created_at__gte=period.start, created_at__lt=period.end)


def _summed(earnings: QuerySet[Earning], *columns: str) -> Iterable[Mapping[str, Any]]:
    rows: Iterable[Mapping[str, Any]] = earnings.values(*columns).annotate(
        gross=Sum("gross_minor"), fee=Sum("fee_minor"), net=Sum("net_minor")
    )
    return rows


def _by_currency(rows: Iterable[Mapping[str, Any]]) -> list[Revenue]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["currency"], []).append(row)
    return [_revenue(found[currency]) for currency in sorted(found)]


def _revenue(rows: list[Mapping[str, Any]]) -> Revenue:
    """Add rows of one currency up."""
    currency = rows[0]["currency"]
    gross, fee, net = (
        Money(int(sum(row[name] for row in rows)), currency) for name in ("gross", "fee", "net")
    )
    return Revenue(gross=gross, fee=fee, net=net)
